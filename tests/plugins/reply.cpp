// Sends every body back, with its type plus one, to the queue whose key is option `key`.
#include <myq/handler.hpp>

#include <sys/msg.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace {

std::system_error failure(const char* call) {
    return {errno, std::generic_category(), call};
}

class Reply : public myq::Handler {
public:
    explicit Reply(const myq::Start& start) : Handler(start) {
        const std::string text = start.options.text("key");
        const auto key = static_cast<key_t>(std::strtoul(text.c_str(), nullptr, 0));
        if (key == IPC_PRIVATE) throw std::invalid_argument("option 'key' is no key: " + text);
        queue_ = ::msgget(key, 0);
        if (queue_ == -1) throw failure("msgget");
    }

    myq::Outcome handle(const myq::Message& message) override {
        const long type = message.type() + 1;
        buffer_.resize(sizeof type + message.text().size());
        std::memcpy(buffer_.data(), &type, sizeof type);
        std::memcpy(buffer_.data() + sizeof type, message.text().data(), message.text().size());
        while (::msgsnd(queue_, buffer_.data(), message.text().size(), 0) == -1) {
            if (errno != EINTR) throw failure("msgsnd");
        }
        return myq::done();
    }

private:
    int queue_ = -1;
    std::vector<char> buffer_;
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Reply>({
        .name = "reply",
        .version = "1.0",
        .options = {{.name = "key", .required = true, .help = "of the queue that is sent to"}},
    });
}
