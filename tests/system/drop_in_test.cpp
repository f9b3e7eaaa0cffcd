#include "tests/support/daemon_process.hpp"
#include "tests/support/run.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <algorithm>
#include <fstream>

TEST_SUITE("drop_in") {

using namespace myq::test;

namespace {

// A worker that logs every type that nobody else takes.
DaemonProcess::Setup plain(const std::string& more = {}) {
    return {{"log"}, "handlers: [{type: any, plugin: log}]\n" + more, {}};
}

// What `myq plugin list` says of one plugin; an empty object if nothing.
nlohmann::json plugin(const DaemonProcess& daemon, const std::string& file) {
    const Run list = daemon.myq({"plugin", "list", "--json"});
    const auto json = nlohmann::json::parse(list.out, nullptr, false);
    if (!json.is_object()) return nlohmann::json::object();
    for (const nlohmann::json& one : json.at("plugins")) {
        if (one.at("file") == file) return one;
    }
    return nlohmann::json::object();
}

std::string state(const DaemonProcess& daemon, const std::string& file) {
    return plugin(daemon, file).value("state", "");
}

bool becomes(const DaemonProcess& daemon, const std::string& file, const std::string& wanted) {
    return eventually([&] { return state(daemon, file) == wanted; });
}

bool is_refused(const DaemonProcess& daemon, const std::string& file, const std::string& reason) {
    return eventually(
        [&] { return plugin(daemon, file).value("reason", "").find(reason) != std::string::npos; });
}

// Where a message of type 42 arrives, by the first words of its line.
bool arrives_at(const DaemonProcess& daemon, const std::string& taker, const std::string& body) {
    daemon.send(42, body);
    return daemon.logged(fmt::format("{} got {}", taker, body));
}

std::string built(const std::string& plugin) {
    return std::string(TEST_PLUGINS) + "/" + plugin + ".so";
}

}  // namespace

TEST_CASE("drop-in: a file that appears is live, with no reload, and goes when it is removed") {
    DaemonProcess daemon(plain());
    REQUIRE(daemon.start().exit_code == 0);
    daemon.add_plugin("auto_42");
    REQUIRE(daemon.logged("plugin auto_42 1.0 is live"));
    CHECK(arrives_at(daemon, "auto_42", "one"));
    CHECK(state(daemon, "auto_42") == "live");

    std::filesystem::remove(daemon.plugin_dir() / "auto_42.so");
    REQUIRE(daemon.logged("plugin auto_42 is retired: its file is gone"));
    daemon.send(42, "two");
    CHECK(daemon.logged("type 42, 3 bytes: two"));  // whoever takes any type
    CHECK(becomes(daemon, "auto_42", "retired"));

    daemon.add_plugin("auto_42");
    CHECK(daemon.logged("plugin auto_42 1.0 is live", 2));
    CHECK(arrives_at(daemon, "auto_42", "three"));
    CHECK(count(daemon.log(), "reloaded") == 0);
}

TEST_CASE("drop-in: a plugin that the configuration names is replaced, retired and brought back") {
    DaemonProcess daemon(
        {{"auto_42"}, "handlers: [{type: 42, name: answer, plugin: auto_42}]", {}});
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(arrives_at(daemon, "auto_42", "one"));
    daemon.add_plugin("auto_42_too", "auto_42");
    REQUIRE(daemon.logged("plugin auto_42 1.0 is live"));
    CHECK(arrives_at(daemon, "auto_42_too", "two"));
    std::filesystem::remove(daemon.plugin_dir() / "auto_42.so");
    REQUIRE(daemon.logged("plugin auto_42 is retired"));
    daemon.send(42, "three");
    CHECK(daemon.logged("no handler takes type 42, and none takes any type"));
    daemon.add_plugin("auto_42");
    REQUIRE(daemon.logged("is live", 2));
    REQUIRE(daemon.myq({"dead", "retry", "--all"}).exit_code == 0);
    CHECK(daemon.logged("auto_42 got three"));
}

TEST_CASE("drop-in: left-overs of editors and package managers are no plugins") {
    DaemonProcess daemon(plain());
    REQUIRE(daemon.start().exit_code == 0);
    for (const char* name :
         {"auto_42.so~", "auto_42.so.dpkg-new", "auto_42.so.dpkg-tmp", "auto_42.so.dpkg-old",
          ".auto_42.so.swp", ".auto_42.so", "#auto_42.so#", "auto_42.so.bak", "Auto_42.so",
          "auto_42", "auto_42.so.1"}) {
        std::filesystem::copy_file(built("auto_42"), daemon.plugin_dir() / name);
    }
    // Told after all of them.
    daemon.add_plugin("auto_42_too", "after");
    REQUIRE(daemon.logged("plugin after 1.0 is live"));
    CHECK(arrives_at(daemon, "auto_42_too", "one"));
    CHECK(count(daemon.log(), "refused") == 0);
    const auto list = nlohmann::json::parse(daemon.myq({"plugin", "list", "--json"}).out);
    CHECK(list.at("plugins").size() == 2);
    CHECK(list.at("watched") == true);
    // As dpkg does it.
    std::filesystem::rename(daemon.plugin_dir() / "auto_42.so.dpkg-new",
                            daemon.plugin_dir() / "after.so");
    REQUIRE(daemon.logged("plugin after 1.0 is live", 2));
    CHECK(arrives_at(daemon, "auto_42", "two"));
}

TEST_CASE("drop-in: a bad file is refused once, with its reason, and the old code answers") {
    struct Row {
        const char* plugin;
        const char* reason;
    };
    const Row rows[] = {
        {"wrong_abi", "is built for plugin ABI 99.0"},
        {"no_symbol", "exports no myq_plugin_entry()"},
        {"not_elf", "is not a shared object (ELF)"},
        {"null_entry", "refuses this daemon"},
        {"short_struct", "its struct myq_plugin has"},
        {"crashes_in_constructor", "ended the process that loaded it (killed by SIGSEGV)"},
        {"auto_42_no_start", "the printer is on fire"},
    };
    DaemonProcess daemon(plain());
    daemon.add_plugin("auto_42");
    REQUIRE(daemon.start().exit_code == 0);
    int refused = 0;
    for (const Row& row : rows) {
        CAPTURE(std::string(row.plugin));
        daemon.add_plugin(row.plugin, "auto_42");
        REQUIRE(daemon.logged("plugin refused", ++refused));
        CHECK(is_refused(daemon, "auto_42", row.reason));
        CHECK(plugin(daemon, "auto_42").at("version") == "1.0");
        CHECK(state(daemon, "auto_42") == "live");
        CHECK(arrives_at(daemon, "auto_42", row.plugin));
        CHECK(count(daemon.log(), row.reason) == 1);
    }
    // A bad one beside it stands in nobody's way.
    daemon.add_plugin("wrong_abi");
    CHECK(becomes(daemon, "wrong_abi", "refused"));
    CHECK(daemon.reload().exit_code == 0);
    CHECK(daemon.logged("reloaded"));
    daemon.add_plugin("auto_42_too", "auto_42");
    REQUIRE(daemon.logged("plugin auto_42 1.0 is live"));
    CHECK(arrives_at(daemon, "auto_42_too", "at last"));
    CHECK(plugin(daemon, "auto_42").at("reason") == "");
    CHECK(count(daemon.log(), "plugin refused") == refused + 1);
}

TEST_CASE("drop-in: code that crashes over its first message is taken back, and nothing is lost") {
    // Idle queues too: then it is found out when the code is everywhere.
    DaemonProcess daemon(plain("receivers: 3\nretry: {attempts: 1}"));
    daemon.add_plugin("auto_42");
    REQUIRE(daemon.start().exit_code == 0);
    SUBCASE("on trial") {
        for (int i = 0; i < 50; ++i)
            daemon.send(42, "before");
        daemon.add_plugin("auto_42_crashes", "auto_42");
        REQUIRE(eventually([&] {
            daemon.send(42, "while");
            return count(daemon.log(), "is taken back") == 1;
        }));
    }
    SUBCASE("on probation") {
        daemon.add_plugin("auto_42_crashes", "auto_42");
        REQUIRE(daemon.logged("plugin auto_42 6.6 is live"));
        daemon.send(42, "first");
        REQUIRE(daemon.logged("is taken back"));
    }
    CHECK(daemon.logged("its worker ended over a message of type 42: killed by SIGSEGV"));
    CHECK(is_refused(daemon, "auto_42", "killed by SIGSEGV"));
    CHECK(arrives_at(daemon, "auto_42", "after"));
    // No attempt of the one message that it may try counts.
    CHECK(daemon.myq({"dead", "list"}).out == "no message is dead\n");
    const auto sent = count(daemon.log(), "auto_42 got ");
    CHECK(eventually([&] {
        const auto json = nlohmann::json::parse(daemon.myq({"status", "--json"}).out);
        for (const auto& type : json.at("queues").at(0).at("types")) {
            if (type.at("type") == 42) return type.at("handled").get<int>() >= sent;
        }
        return false;
    }));
    // It is not tried again by itself, nor by a reload.
    REQUIRE(daemon.reload().exit_code == 0);
    REQUIRE(daemon.logged("reloaded"));
    CHECK(arrives_at(daemon, "auto_42", "after the reload"));
    CHECK(count(daemon.log(), "is on trial") == 1);
}

TEST_CASE("drop-in: code that fails more often than that of before is taken back") {
    DaemonProcess daemon(plain("retry: {delay: 50ms}"));
    daemon.add_plugin("auto_42");
    REQUIRE(daemon.start().exit_code == 0);
    for (int i = 0; i < 50; ++i)
        daemon.send(42, "before");
    REQUIRE(daemon.logged("auto_42 got before", 50));
    daemon.add_plugin("auto_42_fails", "auto_42");
    int sent = 0;
    REQUIRE(eventually([&] {
        daemon.send(42, fmt::format("while {};", sent++));
        return count(daemon.log(), "is taken back") == 1;
    }));
    CHECK(daemon.logged("messages failed, 0 of 100 did before"));
    for (int i = 0; i < sent; ++i)
        CHECK(daemon.logged(fmt::format("auto_42 got while {};", i)));
}

TEST_CASE("drop-in: two that want one type: the one that has it keeps it, until it is gone") {
    DaemonProcess daemon(plain());
    daemon.add_plugin("auto_42");
    REQUIRE(daemon.start().exit_code == 0);
    daemon.add_plugin("auto_42_too", "aaa");
    REQUIRE(daemon.logged("aaa.so: type 42 of queue jobs is already handled by plugin auto_42"));
    CHECK(becomes(daemon, "aaa", "refused"));
    CHECK(is_refused(daemon, "aaa", "already handled by plugin auto_42"));
    CHECK(arrives_at(daemon, "auto_42", "one"));
    std::filesystem::remove(daemon.plugin_dir() / "auto_42.so");
    CHECK(becomes(daemon, "aaa", "live"));
    CHECK(arrives_at(daemon, "auto_42_too", "two"));
    CHECK(plugin(daemon, "aaa").at("reason") == "");
}

TEST_CASE(
    "drop-in: a cp over a live plugin, in pieces, harms nobody and is taken when it is whole") {
    DaemonProcess daemon(plain());
    daemon.add_plugin("auto_42");
    REQUIRE(daemon.start().exit_code == 0);
    const std::string code = read_file(built("auto_42_too"));
    {
        std::ofstream file(daemon.plugin_dir() / "auto_42.so", std::ios::binary);
        file.write(code.data(), static_cast<std::streamsize>(code.size() / 2));
        file.flush();
        CHECK(arrives_at(daemon, "auto_42", "in the middle"));
        file.write(code.data() + code.size() / 2,
                   static_cast<std::streamsize>(code.size() - code.size() / 2));
    }
    REQUIRE(daemon.logged("plugin auto_42 1.0 is live"));
    CHECK(arrives_at(daemon, "auto_42_too", "whole"));
    CHECK(count(daemon.log(), "killed by") == 0);
    SUBCASE("one that stays half is refused") {
        write_file(daemon.plugin_dir() / "auto_42.so", code.substr(0, code.size() / 2));
        REQUIRE(daemon.logged("auto_42.so: is cut short"));
        CHECK(arrives_at(daemon, "auto_42_too", "still whole"));
    }
}

TEST_CASE("drop-in: the same bytes again are no news") {
    DaemonProcess daemon(plain());
    daemon.add_plugin("auto_42");
    REQUIRE(daemon.start().exit_code == 0);
    const auto before = daemon.workers();
    daemon.add_plugin("auto_42");
    daemon.add_plugin("wrong_abi");  // is told after it
    REQUIRE(daemon.logged("wrong_abi.so: is built for"));
    CHECK(daemon.workers() == before);
    CHECK(count(daemon.log(), "on trial") == 0);
}

TEST_CASE("drop-in: a directory that is replaced as a whole is looked through") {
    DaemonProcess daemon(plain());
    daemon.add_plugin("auto_42");
    REQUIRE(daemon.start().exit_code == 0);
    const auto dir = daemon.plugin_dir();
    const auto old = daemon.dir() / "old";
    std::filesystem::rename(dir, old);
    REQUIRE(daemon.logged("plugins is gone; the plugins that run stay"));
    CHECK(arrives_at(daemon, "auto_42", "nowhere"));
    std::filesystem::create_directory(daemon.dir() / "new");
    std::filesystem::copy_file(old / "log.so", daemon.dir() / "new/log.so");
    std::filesystem::copy_file(built("auto_42_too"), daemon.dir() / "new/auto_42.so");
    std::filesystem::permissions(daemon.dir() / "new/auto_42.so", std::filesystem::perms{0644});
    std::filesystem::rename(daemon.dir() / "new", dir);
    REQUIRE(daemon.logged("looking through all of"));
    REQUIRE(daemon.logged("plugin auto_42 1.0 is live"));
    CHECK(arrives_at(daemon, "auto_42_too", "there"));
    // The new one is watched now, and nobody looks at the old one any more.
    std::filesystem::copy_file(built("wrong_abi"), old / "wrong_abi.so");
    std::filesystem::remove(dir / "auto_42.so");
    CHECK(daemon.logged("is retired"));
    CHECK(count(daemon.log(), "wrong_abi") == 0);
}

TEST_CASE("drop-in: what cannot be watched is one line, and found on reload") {
    if (has_sanitizer) skip("a sanitizer wants to be the first library");
    DaemonProcess daemon(plain());
    const Run start =
        run({"env", "LD_PRELOAD=" SHIM_WATCH, DaemonProcess::binary(), "-c", daemon.config_file()});
    REQUIRE(start.exit_code == 0);
    CHECK(daemon.logged("is not watched, new plugins are found on reload only: "));
    CHECK(count(daemon.log(), "max_user_watches") == 1);
    daemon.add_plugin("auto_42");
    CHECK(daemon.reload().exit_code == 0);
    REQUIRE(daemon.logged("reloaded"));
    CHECK(eventually([&] { return state(daemon, "auto_42") == "live"; }));
}

TEST_CASE("drop-in: a plugin that nobody asked for and that cannot start does not stop the start") {
    DaemonProcess daemon(plain());
    daemon.add_plugin("auto_42_no_start");
    daemon.add_plugin("auto_42");
    std::filesystem::rename(daemon.plugin_dir() / "auto_42.so", daemon.plugin_dir() / "zzz.so");
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(daemon.logged("plugin refused: "));
    CHECK(daemon.logged("the printer is on fire"));
    CHECK(arrives_at(daemon, "auto_42", "one"));
    CHECK(state(daemon, "auto_42_no_start") == "refused");
    CHECK(state(daemon, "zzz") == "live");
}

TEST_CASE("drop-in: a plugin that hangs when it is loaded holds up no other") {
    DaemonProcess daemon(plain());
    REQUIRE(daemon.start().exit_code == 0);
    daemon.add_plugin("hangs_in_constructor");
    daemon.add_plugin("auto_42");
    REQUIRE(daemon.logged("plugin auto_42 1.0 is live"));
    CHECK(count(daemon.log(), "hangs_in_constructor") == 0);
    CHECK(arrives_at(daemon, "auto_42", "one"));
    CHECK(daemon.logged("did not say what it is within 10 s"));
}

TEST_CASE("drop-in: what plugin list and plugin show print") {
    DaemonProcess daemon(plain());
    daemon.add_plugin("auto_42");
    REQUIRE(daemon.start().exit_code == 0);
    daemon.add_plugin("wrong_abi", "auto_42");
    daemon.add_plugin("no_symbol");
    REQUIRE(daemon.logged("plugin refused", 2));

    const Run list = daemon.myq({"plugin", "list"});
    const std::string dir = daemon.plugin_dir().string();
    CHECK(list.out.starts_with(dir + " (watched)\nFILE "));
    CHECK(list.out.find("\nauto_42    1.0      live     jobs/42") != std::string::npos);
    CHECK(list.out.find("\nno_symbol  -        refused  -") != std::string::npos);
    CHECK(list.out.find("  is built for plugin ABI 99.0") != std::string::npos);
    CHECK(count(list.out, dir) == 1);

    const Run show = daemon.myq({"plugin", "show", "auto_42"});
    CHECK(show.out.starts_with("file          " + dir + "/auto_42.so\n"));
    CHECK(show.out.find("\nhandles       jobs/42 (by the plugin): handled 0") != std::string::npos);
    CHECK(show.out.find("\nrefused       ") != std::string::npos);

    const Run other = daemon.myq({"plugin", "show", "auto_24"});
    CHECK(other.exit_code == 69);
    CHECK(other.err.find("did you mean 'auto_42'") != std::string::npos);
}

}  // TEST_SUITE("drop_in")
