#pragma once

#include <string>

namespace myq::bench {

// One line on a terminal that watches, which the next one replaces; "" for none.
void show_progress(const std::string& text);

}  // namespace myq::bench
