#include "tests/unit/client/plugin_bench.hpp"

#include <doctest/doctest.h>

#include <string>

TEST_SUITE("plugin_try") {

using namespace myq::test;

TEST_CASE("plugin try: the daemon's program does it, with standard input and its exit status") {
    const PluginBench bench;
    const std::string log = bench.add("log");
    const std::string crashes = bench.add("crashes");
    const Outcome done = bench.run({"try", log}, "the body");
    CHECK(done.status == 0);
    CHECK(done.out == "done\n");
    CHECK(done.err.find("type 1, 8 bytes: the body") != std::string::npos);
    const Outcome crash = bench.run({"try", crashes}, "crash");
    CHECK(crash.status == 70);
    CHECK(crash.out == "crash: killed by SIGSEGV in plugin crashes 1.0\n");
}

TEST_CASE("plugin try: every option is passed on") {
    const PluginBench bench;
    const std::string log = bench.add("log");
    const Outcome done = bench.run({"try", log, "--type", "9", "--name", "resize", "--queue",
                                    "jobs", "--format", "json", "--timeout", "5s", "--id",
                                    "00112233445566778899aabbccddeeff", "--attempt", "3", "--json"},
                                   "{}");
    CHECK(done.status == 0);
    CHECK(done.out ==
          "{\"outcome\":\"done\",\"reason\":\"\",\"plugin\":\"log\",\"version\":\"1.0\","
          "\"type\":9,\"attempt\":3}\n");
    CHECK(bench.run({"try", log, "--format", "json"}, "{").status == 65);
    CHECK(bench.run({"try", log, "--option", "no=such", "--option", "b=c"}, "").status == 78);
    const std::string options = bench.path("options");
    write_file(options, "no: such\n");
    const Outcome refused = bench.run({"try", log, "--options", options}, "");
    CHECK(refused.status == 78);
    CHECK_MESSAGE(refused.err.find("options.no") != std::string::npos, refused.err);
    CHECK(bench.run({"check", log, "--options", options}, "").status != 0);
    CHECK(bench.run({"try", log, "--options", options, "--option", "a=b"}, "").status == 64);
    const std::string body = bench.path("body");
    write_file(body, "from a file");
    CHECK(bench.run({"try", log, "--body", body}, "").err.find("from a file") != std::string::npos);
}

TEST_CASE("plugin try: wrong usage, and no daemon") {
    const PluginBench bench;
    const std::string log = bench.add("log");
    CHECK(bench.run({"try"}).status == 64);
    CHECK(bench.run({"try", log, "--type", "none"}).status == 64);
    CHECK(bench.run({"try", log, "--gdb"}).status == 64);
    const Outcome lonely = bench.run({"try", log}, "", "/no/such");
    CHECK(lonely.status == 69);
    CHECK(lonely.err ==
          "myq: myqd: cannot be run: No such file or directory: install the package myq\n");
}

}  // TEST_SUITE("plugin_try")
