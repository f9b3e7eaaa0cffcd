#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

TEST_SUITE("exec") {

namespace {

OptionMap shell(const std::string& script) {
    return {{"command", {"/bin/sh", "-c", script}}};
}

std::string lines_at(int level) {
    std::string text;
    for (const LogLine& line : take_log()) {
        if (line.level == level) text += line.text + "\n";
    }
    return text;
}

}  // namespace

TEST_CASE("exec: the exit status says what became of the message") {
    struct Row {
        std::string script;
        Answer answer;
    };
    const Row rows[] = {
        {"exit 0", {MYQ_DONE, ""}},
        {"exit 75", {MYQ_RETRY, "exit status 75"}},
        {"exit 3", {MYQ_REJECT, "exit status 3"}},
        {"exit 127", {MYQ_REJECT, "exit status 127"}},
        {"kill -SEGV $$", {MYQ_REJECT, "killed by SIGSEGV"}},
        {"kill -TERM $$", {MYQ_REJECT, "killed by SIGTERM"}},
        {"kill -40 $$", {MYQ_REJECT, "killed by signal 40"}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.script);
        StartedPlugin exec("exec", shell(row.script));
        CHECK(exec.handle("body") == row.answer);
    }
}

TEST_CASE("exec: the whole body is on standard input, whatever its size and bytes") {
    const TempDir dir;
    StartedPlugin exec("exec", {{"command", {"/bin/sh", "-c", "cat >\"$0\"", dir / "got"}}});
    std::string big(3 << 20, '\0');
    for (std::size_t i = 0; i < big.size(); ++i)
        big[i] = static_cast<char>(i * 7 + i / 251);
    for (const std::string& body : {std::string(), std::string("a\0b\n", 4), big}) {
        CHECK(exec.handle(body) == Answer{MYQ_DONE, ""});
        CHECK(contents(dir / "got") == body);
    }
}

TEST_CASE("exec: a command need not read its standard input") {
    StartedPlugin exec("exec", {{"command", {"/bin/true"}}});
    CHECK(exec.handle(std::string(3 << 20, 'x')) == Answer{MYQ_DONE, ""});
}

TEST_CASE("exec: arguments arrive as they are, without a shell") {
    StartedPlugin exec("exec", {{"command", {"/usr/bin/printf", "%s|", "$HOME", "a b", "*", ";"}}});
    CHECK(exec.handle("") == Answer{MYQ_DONE, ""});
    CHECK(lines_at(MYQ_DEBUG) == "printf: $HOME|a b|*|;|\n");
}

TEST_CASE("exec: the environment is the message's, the configured and PATH, and nothing else") {
    StartedPlugin exec("exec", {{"command", {"/usr/bin/env"}}, {"environment", {"LANG=C", "E="}}});
    const Letter letter{
        .type = 9, .type_name = "mail", .queue = "post", .attempt = 2, .id = "00ff"};
    CHECK(exec.handle("", letter) == Answer{MYQ_DONE, ""});
    CHECK(lines_at(MYQ_DEBUG) ==
          "env: LANG=C\n"
          "env: E=\n"
          "env: PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
          "env: MYQ_TYPE=9\n"
          "env: MYQ_TYPE_NAME=mail\n"
          "env: MYQ_QUEUE=post\n"
          "env: MYQ_ID=00ff\n"
          "env: MYQ_ATTEMPT=2\n");
}

TEST_CASE("exec: a configured PATH takes the place of the standard one") {
    StartedPlugin exec("exec", {{"command", {"/usr/bin/env"}}, {"environment", {"PATH=/opt/bin"}}});
    exec.handle("");
    CHECK(lines_at(MYQ_DEBUG).starts_with("env: PATH=/opt/bin\nenv: MYQ_TYPE=7\n"));
}

TEST_CASE("exec: the command starts in / or in the configured directory") {
    StartedPlugin root("exec", {{"command", {"/bin/pwd"}}});
    root.handle("");
    CHECK(lines_at(MYQ_DEBUG) == "pwd: /\n");
    StartedPlugin usr("exec", {{"command", {"/bin/pwd"}}, {"directory", {"/usr"}}});
    usr.handle("");
    CHECK(lines_at(MYQ_DEBUG) == "pwd: /usr\n");
}

TEST_CASE("exec: standard error is logged as warnings, standard output as debug lines") {
    StartedPlugin exec("exec", shell("echo out; echo one >&2; echo >&2; printf two >&2"));
    CHECK(exec.handle("") == Answer{MYQ_DONE, ""});
    const auto lines = take_log();
    REQUIRE(lines.size() == 3);
    CHECK(std::count(lines.begin(), lines.end(), LogLine{MYQ_DEBUG, "sh: out"}) == 1);
    CHECK(std::count(lines.begin(), lines.end(), LogLine{MYQ_WARN, "sh: one"}) == 1);
    CHECK(std::count(lines.begin(), lines.end(), LogLine{MYQ_WARN, "sh: two"}) == 1);
}

TEST_CASE("exec: a line that never ends is cut, and what comes after it is still logged") {
    StartedPlugin exec("exec", shell("head -c 300000 /dev/zero | tr '\\0' x >&2; echo >&2; "
                                     "echo after >&2"));
    CHECK(exec.handle("") == Answer{MYQ_DONE, ""});
    CHECK(lines_at(MYQ_WARN) == "sh: " + std::string(1000, 'x') + "...\nsh: after\n");
}

TEST_CASE("exec: of a flood of output the beginning is logged and the rest counted") {
    StartedPlugin exec("exec", shell("yes 123456789 | head -n 100000 >&2"));
    CHECK(exec.handle("") == Answer{MYQ_DONE, ""});
    const auto lines = take_log();
    REQUIRE(lines.size() == 65536 / 9 + 1);
    CHECK(lines.back() ==
          LogLine{MYQ_WARN, "sh: ... and " + std::to_string(100000 - 65536 / 9) + " more lines"});
}

TEST_CASE("exec: a program that went away after the start is a retry, not the message's fault") {
    const TempDir dir;
    const std::string program = dir / "program";
    std::filesystem::copy_file("/bin/true", program);
    StartedPlugin exec("exec", {{"command", {program}}});
    CHECK(exec.handle("") == Answer{MYQ_DONE, ""});
    std::filesystem::remove(program);
    CHECK(exec.handle("") ==
          Answer{MYQ_RETRY, "cannot run " + program + ": execve: No such file or directory"});
}

TEST_CASE("exec: options that cannot work are refused with the reason") {
    const TempDir dir;
    const std::string text = dir / "text";
    std::ofstream(text) << "no program";
    ::chmod(text.c_str(), 0644);
    const OptionMap good = {{"command", {"/bin/true"}}};
    const auto with = [&](const std::string& name, const std::vector<std::string>& values) {
        OptionMap options = good;
        options.emplace_back(name, values);
        return refusal("exec", options);
    };
    CHECK(refusal("exec", good).empty());
    CHECK(with("environment", {"A=B", "C="}).empty());
    CHECK(with("directory", {"/usr"}).empty());

    CHECK(refusal("exec", {{"command", {"true"}}}) ==
          "option 'command': true: give its absolute path");
    CHECK(refusal("exec", {{"command", {"/bin/nothing-here"}}}) ==
          "option 'command': /bin/nothing-here: does not exist");
    CHECK(refusal("exec", {{"command", {"/usr"}}}) == "option 'command': /usr: is no program");
    CHECK(refusal("exec", {{"command", {text}}}) ==
          "option 'command': " + text + ": may not be run: Permission denied");
    CHECK(with("directory", {text}) == "option 'directory': " + text + ": is no directory");
    CHECK(with("environment", {"A"}) == "option 'environment': entry 1: write NAME=VALUE");
    CHECK(with("environment", {"A=1", "=B"}) == "option 'environment': entry 2: write NAME=VALUE");
    CHECK(with("environment", {"A=1", "A=2"}) ==
          "option 'environment': A: the name is there twice");
    CHECK(with("environment", {"MYQ_TYPE=1"}) ==
          "option 'environment': MYQ_TYPE: MYQ_ names are set by myq");
}

TEST_CASE(
    "exec: standard output is the reply of who waits for one, byte for byte, and not logged") {
    StartedPlugin exec("exec", shell(R"(printf 'a\0b\n\nc'; echo hm >&2)"));
    CHECK(exec.handle("", {.wants_reply = true}) == Answer{MYQ_DONE, ""});
    CHECK(take_reply() == std::string("a\0b\n\nc", 6));
    CHECK(take_log() == std::vector<LogLine>{{MYQ_WARN, "sh: hm"}});
    CHECK(exec.handle("") == Answer{MYQ_DONE, ""});
    CHECK(take_reply() == "");
}

TEST_CASE("exec: more output than a reply may have is said once") {
    StartedPlugin exec("exec", shell("head -c 3000000 /dev/zero; exit 3"));
    CHECK(exec.handle("", {.wants_reply = true}) == Answer{MYQ_REJECT, "exit status 3"});
    CHECK(take_reply().size() == 3'000'000);
    CHECK(take_log() == std::vector<LogLine>{{MYQ_WARN, "sh: prints more than a reply may have"}});
}

}  // TEST_SUITE("exec")
