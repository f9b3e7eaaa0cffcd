#pragma once

#include "config/config.hpp"

#include <myq/plugin.h>

#include <string>
#include <vector>

namespace myq {

// What is wrong with a handler's options in the eyes of its plugin: unknown names, missing ones and
// wrong kinds by the schema, then, if all that is right, whatever the plugin's check() says. Each
// is one line, "where: options.name: reason".
std::vector<std::string> check_options(const myq_plugin& plugin, const HandlerConfig& handler);

}  // namespace myq
