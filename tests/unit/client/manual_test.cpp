#include "tests/unit/client/client_process.hpp"

#include <doctest/doctest.h>

#include <regex>
#include <set>
#include <string>
#include <vector>

TEST_SUITE("manual") {

using namespace myq;
using namespace myq::test;

namespace {

std::set<std::string> matches(const std::string& text, const std::regex& pattern) {
    std::set<std::string> found;
    for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
        found.insert((*it)[1]);
    }
    return found;
}

// The part of the manual that begins with `heading` and ends with the next heading.
std::string section(const std::string& manual, const std::string& heading) {
    const std::size_t begin = manual.find("\n" + heading + "\n");
    if (begin == std::string::npos) return {};
    const std::size_t end = manual.find("\n.S", begin + heading.size());
    return manual.substr(begin, end - begin);
}

// "dead list": two words and --help.
std::vector<std::string> help_of(const std::string& verb) {
    const std::size_t blank = verb.find(' ');
    if (blank == std::string::npos) return {verb, "--help"};
    return {verb.substr(0, blank), verb.substr(blank + 1), "--help"};
}

}  // namespace

TEST_CASE("myq(1) has a section for each verb, and its options are those of --help") {
    const std::string manual = read_file(MYQ_MANUAL);
    const std::regex in_help("\\n  (?:-h,)?(--[a-z][a-z-]*)");
    const std::regex in_manual("\\n\\.It Fl (-[a-z][a-z-]*)");
    for (const std::string verb :
         {"send",        "recv",      "peek",        "status",      "dead list",  "dead show",
          "dead retry",  "dead drop", "drop",        "stat",        "list",       "create",
          "set",         "remove",    "ftok",        "sem list",    "sem create", "sem acquire",
          "sem release", "sem run",   "sem remove",  "shm list",    "shm create", "shm put",
          "shm get",     "shm has",   "shm del",     "shm dump",    "shm remove", "errno",
          "limits",      "doctor",    "plugin list", "plugin show", "plugin new", "plugin check",
          "plugin try"}) {
        CAPTURE(verb);
        const std::string text = section(manual, ".Ss myq " + verb);
        CHECK(!text.empty());
        std::set<std::string> described;
        for (const std::string& option : matches(text, in_manual))
            described.insert("-" + option);
        std::set<std::string> known = matches(test::myq(help_of(verb)).out, in_help);
        known.erase("--help");
        if (verb != "create" && verb != "plugin try") {
            // Described once for all, under "Naming a queue".
            known.erase("--key");
            known.erase("--id");
        }
        for (const std::string& option : known) {
            CAPTURE(option);
            CHECK(described.count(option) == 1);
        }
        for (const std::string& option : described) {
            CAPTURE(option);
            CHECK(known.count(option) == 1);
        }
    }
}

TEST_CASE("myq(1) describes the options of every verb once") {
    const std::string manual = read_file(MYQ_MANUAL);
    const std::string naming = section(manual, ".Ss Naming a queue");
    for (const char* option : {"\n.It Fl -key", "\n.It Fl -id"}) {
        CAPTURE(option);
        CHECK(naming.find(option) != std::string::npos);
    }
    const std::string general = section(manual, ".Sh DESCRIPTION");
    for (const char* option : {"\n.It Fl c", "\n.It Fl h", "\n.It Fl -version"}) {
        CAPTURE(option);
        CHECK(general.find(option) != std::string::npos);
    }
}

}  // TEST_SUITE("manual")
