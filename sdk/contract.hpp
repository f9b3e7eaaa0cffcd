#pragma once

#include <myq/plugin.h>

#include <cstddef>
#include <string>
#include <vector>

// What the daemon and the test host make of a plugin's description, in the same words. Needs the
// standard library alone: it is linked into other people's tests.
namespace myq {

// Why `host` ("this daemon") cannot work with the plugin: another major version, a struct that ends
// too early, a member that is missing, a schema that says nothing. "" if it can.
std::string contract_problem(const myq_plugin* plugin, const char* host);

// One thing that is wrong with a handler's options in the eyes of its plugin.
struct OptionProblem {
    enum class What {
        unknown,  // the plugin has no such option
        wrong,    // given twice, or its value is not of the kind that the schema names
        missing,  // required, and not given
        refused,  // all of the above is right, and check() says no
    } what;
    std::size_t index;     // in the options, for unknown and wrong
    std::string name;      // of the option, "" for refused
    std::string sentence;  // "'three' is not a whole number"
};

// Unknown options, wrong kinds and missing ones by the schema, then, if all that is right, whatever
// the plugin's check() says. The plugin must be without contract_problem().
std::vector<OptionProblem> option_problems(const myq_plugin& plugin, const myq_option* options,
                                           std::size_t count);

}  // namespace myq
