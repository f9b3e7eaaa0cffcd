// The daemon's side of the control socket: whatever callers say, in whatever pieces and order, a
// question is what one of them said up to the end of its first line, never longer than it may be,
// and is asked once.
//
// The input: steps of a caller, each a byte that says what and who, and for words their number and
// the words.
#include "daemon/control_callers.hpp"
#include "daemon/control_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

using namespace myq;

namespace {

constexpr std::size_t longest_question = 256;

void must(bool holds) {
    if (!holds) __builtin_trap();
}

// What the desk may make of it; "" for nothing.
std::string question_in(std::string_view said) {
    return std::string(said.substr(0, std::min(said.find('\n'), longest_question)));
}

// Reads steps off the input.
class Script {
public:
    Script(const std::uint8_t* data, std::size_t size)
        : rest_(std::string_view(reinterpret_cast<const char*>(data), size)) {
    }  // NOLINT: bytes as characters

    bool is_over() const { return rest_.empty(); }
    std::uint8_t number() {
        if (rest_.empty()) return 0;
        const auto first = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return first;
    }
    std::string_view words() {
        const std::size_t size = number();
        const std::string_view words = rest_.substr(0, size);
        rest_.remove_prefix(words.size());
        return words;
    }

private:
    std::string_view rest_;
};

class Room {
public:
    Room() = default;
    ~Room() { std::filesystem::remove(path_); }
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;

    void play(Script& script) {
        while (!script.is_over()) {
            const std::uint8_t step = script.number();
            Person& person = people_[step / 8 % people_.size()];
            switch (step % 8) {
            case 0:
                come(person);
                break;
            case 1:
            case 2:
                say(person, script.words());
                break;
            case 3:
                ::shutdown(person.connection.value(), SHUT_WR);
                break;
            case 4:
                person.connection = Fd{};
                break;
            case 5:
                end_one();
                break;
            default:
                look();
            }
        }
        while (!clerks_.empty()) {
            end_one();
            look();
        }
    }

private:
    struct Person {
        Fd connection;
        std::string said;
    };

    void come(Person& person) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.native().copy(address.sun_path, sizeof address.sun_path - 1);
        person.connection = Fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);  // NOLINT: connect(2)
        must(::connect(person.connection.value(), generic, sizeof address) == 0);
        person.said.clear();
        look();  // or more come than can wait before they are let in
    }
    void say(Person& person, std::string_view words) {
        if (!person.connection) return;
        const ssize_t said = ::send(person.connection.value(), words.data(), words.size(),
                                    MSG_NOSIGNAL | MSG_DONTWAIT);
        if (said <= 0) return;
        person.said.append(words.substr(0, static_cast<std::size_t>(said)));
        heard_.push_back(person.said);
    }
    void look() {
        callers_.look([&](const ControlSocket::Caller& caller, const std::string& question) {
            must(caller.uid == ::geteuid() && !question.empty());
            must(question.size() <= longest_question && question.find('\n') == question.npos);
            must(std::ranges::any_of(
                heard_, [&](const std::string& said) { return question_in(said) == question; }));
            clerks_.push_back(++last_);
            must(clerks_.size() <= 2);
            return last_ % 5 == 0 ? clerks_.pop_back(), 0 : last_;
        });
    }
    void end_one() {
        if (clerks_.empty()) return callers_.ended(last_ + 1);
        callers_.ended(clerks_.front());
        clerks_.erase(clerks_.begin());
    }

    std::filesystem::path path_ = "/dev/shm/myq-fuzz-control-" + std::to_string(::getpid());
    ControlSocket socket_{path_};
    ControlCallers callers_{socket_, ::geteuid()};
    std::vector<Person> people_ = std::vector<Person>(12);
    std::vector<std::string> heard_;  // all that anybody had said at any time
    std::vector<pid_t> clerks_;
    pid_t last_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Script script(data, size);
    Room().play(script);
    return 0;
}
