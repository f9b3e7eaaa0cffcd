#pragma once

namespace myq::test {

// Something of the present test case has failed. Set by main.cpp; what a test has set up shows on
// its way out what it knows, so that nobody has to run the test again for that.
inline bool case_has_failed = false;

}  // namespace myq::test
