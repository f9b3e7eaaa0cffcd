// rand: takes numbers as text, keeps their count, mean and extremes, and logs them. What is no
// number is refused: it will not become one by trying again.
#include <myq/handler.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>

namespace {

class Rand : public myq::Handler {
public:
    using Handler::Handler;

    myq::Outcome handle(const myq::Message& message) override {
        const std::string_view text = message.text();
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{} || end != text.data() + text.size())
            return myq::reject("this is no number");
        add(number);
        return myq::done();
    }

private:
    void add(std::int64_t number) {
        ++count_;
        mean_ += (static_cast<double>(number) - mean_) / static_cast<double>(count_);
        smallest_ = std::min(smallest_, number);
        largest_ = std::max(largest_, number);
        log(myq::Level::info, std::to_string(number) + ": " + std::to_string(count_) +
                                  " so far, mean " + std::to_string(mean_) + ", from " +
                                  std::to_string(smallest_) + " to " + std::to_string(largest_));
    }

    std::int64_t count_ = 0;
    double mean_ = 0;
    std::int64_t smallest_ = std::numeric_limits<std::int64_t>::max();
    std::int64_t largest_ = std::numeric_limits<std::int64_t>::min();
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Rand>({.name = "rand", .version = "1.0", .types = {7}});
}
