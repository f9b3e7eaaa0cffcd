#include "client/plugin/template.hpp"

#include <boost/algorithm/string/replace.hpp>

#include <cctype>

namespace myq {

namespace {

// An @INCLUDE@ is none of this file's, whoever reads it.
constexpr const char* template_cmake = R"(cmake_minimum_required(VERSION 3.25)
project(@NAME@ LANGUAGES CXX)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

find_package(myq REQUIRED)
myq_add_plugin(@NAME@ SOURCES @NAME@.cpp)
install(TARGETS @NAME@ LIBRARY DESTINATION ${myq_PLUGIN_DIR})

include(CTest)
if(BUILD_TESTING)
  add_executable(@NAME@_test @NAME@_test.cpp)
  target_link_libraries(@NAME@_test PRIVATE myq::testhost)
  target_compile_definitions(@NAME@_test PRIVATE PLUGIN="$<TARGET_FILE:@NAME@>")
  add_dependencies(@NAME@_test @NAME@)
  add_test(NAME @NAME@ COMMAND @NAME@_test)
endif()
)";

constexpr const char* template_source = R"(// @NAME@: greets whoever a message of type @TYPE@ names.
@INCLUDE@ <myq/handler.hpp>

#include <string>

namespace {

class @CLASS@ : public myq::Handler {
public:
    // Once in every worker, before its first message: the place to open files and connections. An
    // exception is the reason why the worker does not start.
    explicit @CLASS@(const myq::Start& start)
        : Handler(start), greeting_(start.options.text("greeting", "hello")) {}

    // Once for every message. The body is whatever its sender wrote.
    myq::Outcome handle(const myq::Message& message) override {
        if (message.text().empty()) return myq::reject("nobody to greet");
        ++count_;
        log(myq::Level::info, greeting_ + ", " + std::string(message.text()) + ", as number " +
                                  std::to_string(count_) + " of this worker");
        return myq::done();
    }

private:
    std::string greeting_;
    int count_ = 0;  // a worker's own: others count for themselves
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<@CLASS@>({
        .name = "@NAME@",
        .version = "0.1",
        .types = {@TYPE@},
        .options = {{.name = "greeting",
                     .default_value = "hello",
                     .help = "what is said before the name"}},
    });
}
)";

constexpr const char* template_test =
    R"(// The plugin as it will be dropped in, in this process; see <myq/testhost.hpp>.
@INCLUDE@ <myq/testhost.hpp>

#include <cstdio>

static int failures = 0;

#define CHECK(condition) \
    ((condition) ? void() : (++failures, void(std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition))))

int main() {
    myq::TestHost host(PLUGIN);
    CHECK(host.handle("Ada").verdict == MYQ_DONE);
    CHECK(host.logged("hello, Ada, as number 1"));

    CHECK(host.handle("").verdict == MYQ_REJECT);

    myq::TestHost polite(PLUGIN, {{"greeting", {"good morning"}}});
    polite.handle("Ada");
    CHECK(polite.logged("good morning, Ada"));

    CHECK(myq::TestHost::problems(PLUGIN, {{"greetings", {"hello"}}}).size() == 1);
    return failures == 0 ? 0 : 1;
}
)";

constexpr const char* template_readme = R"(# @NAME@

A handler for myq: it takes messages of type @TYPE@.

Build it and run its test:

    cmake -B build
    cmake --build build
    ctest --test-dir build

Look at it, and hand it a message, without a daemon:

    myq plugin check build/@NAME@.so
    echo Ada | myq plugin try build/@NAME@.so

Drop it in, as root, and use it:

    cmake --install build
    myq plugin list
    myq send jobs/@TYPE@ Ada
    tail -n 1 /var/log/myq/myqd.log

Options are set, and other types given to it, in /etc/myq/myq.yaml:

    handlers:
      - {type: @TYPE@, name: @NAME@, plugin: @NAME@, options: {greeting: good morning}}

See <myq/handler.hpp>, <myq/testhost.hpp> and myq(1).
)";

// "image-resize" is class ImageResize.
std::string class_name(const std::string& plugin) {
    std::string name;
    bool is_first = true;
    for (const char letter : plugin) {
        const bool is_letter = std::isalnum(static_cast<unsigned char>(letter)) != 0;
        if (is_letter && name.empty() && std::isdigit(static_cast<unsigned char>(letter)) != 0)
            name = "Plugin";
        if (is_letter)
            name += is_first ? static_cast<char>(std::toupper(static_cast<unsigned char>(letter)))
                             : letter;
        is_first = !is_letter;
    }
    return name;
}

std::string filled_in(std::string text, const std::string& name, std::int64_t type) {
    boost::replace_all(text, "@INCLUDE@", "#include");
    boost::replace_all(text, "@NAME@", name);
    boost::replace_all(text, "@CLASS@", class_name(name));
    boost::replace_all(text, "@TYPE@", std::to_string(type));
    return text;
}

}  // namespace

std::vector<TemplateFile> plugin_template(const std::string& name, std::int64_t type) {
    return {{"CMakeLists.txt", filled_in(template_cmake, name, type)},
            {name + ".cpp", filled_in(template_source, name, type)},
            {name + "_test.cpp", filled_in(template_test, name, type)},
            {"README.md", filled_in(template_readme, name, type)}};
}

}  // namespace myq
