#include "tests/unit/client/plugin_bench.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <set>
#include <string>

TEST_SUITE("plugin_new") {

using namespace myq::test;

namespace {

std::set<std::string> files_in(const std::filesystem::path& directory) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
        names.insert(entry.path().filename());
    return names;
}

}  // namespace

TEST_CASE("plugin new: a project with source, test and README, named throughout") {
    const PluginBench bench;
    const TempDir dir;
    const Outcome made =
        bench.run({"new", "3d-print", "--dir", dir.path().string(), "--type", "7"});
    CHECK(made.status == 0);
    const auto project = dir.path() / "3d-print";
    CHECK(made.out.find(project.string() + " is made") == 0);
    CHECK(files_in(project) == std::set<std::string>{"3d-print.cpp", "3d-print_test.cpp",
                                                     "CMakeLists.txt", "README.md"});
    const std::string source = read_file(project / "3d-print.cpp");
    CHECK(source.find("#include <myq/handler.hpp>") != std::string::npos);
    CHECK(source.find("class Plugin3dPrint : public myq::Handler") != std::string::npos);
    CHECK(source.find(".types = {7}") != std::string::npos);
    for (const std::string& file : files_in(project))
        CHECK(read_file(project / file).find('@') == std::string::npos);
}

TEST_CASE("plugin new: nothing that is there is touched") {
    const PluginBench bench;
    const TempDir dir;
    const auto project = dir.path() / "resize";
    write_file(project, "a file");
    const Outcome refused = bench.run({"new", "resize", "--dir", dir.path().string()});
    CHECK(refused.status == 73);
    CHECK(refused.err ==
          "myq: " + project.string() + ": is there already: use another name, or --dir\n");
    CHECK(read_file(project) == "a file");
    std::filesystem::remove(project);
    std::filesystem::create_directory(project);
    CHECK(bench.run({"new", "resize", "--dir", dir.path().string()}).status == 73);
    CHECK(files_in(project).empty());
    CHECK(bench.run({"new", "resize", "--dir", "/no/such"}).status == 73);
}

TEST_CASE("plugin new: a name that the daemon or CMake would refuse is refused") {
    const PluginBench bench;
    const TempDir dir;
    for (const std::string name :
         {"Resize", "re size", "-x", "../x", "a/b", "", "test", "install", "r\xc3\xa9"}) {
        CAPTURE(name);
        CHECK(bench.run({"new", "--dir", dir.path().string(), "--", name}).status == 64);
    }
    CHECK(bench.run({"new", std::string(65, 'a'), "--dir", dir.path().string()}).status == 64);
    CHECK(bench.run({"new", "x", "--type", "0", "--dir", dir.path().string()}).status == 64);
    CHECK(files_in(dir.path()).empty());
    CHECK(bench.run({"new", std::string(64, 'a'), "--dir", dir.path().string()}).status == 0);
}

}  // TEST_SUITE("plugin_new")
