#include "client/sender.hpp"

#include "client/counted.hpp"
#include "client/moment.hpp"

#include <fmt/format.h>

#include <span>
#include <utility>

namespace myq {

PlainSender::PlainSender(const Outlet& outlet, std::optional<Wrapper> wrapper,
                         const BodyLimit& limit, Progress& progress, Tell tell)
    : outlet_(outlet),
      wrapper_(std::move(wrapper)),
      limit_(limit),
      progress_(progress),
      tell_(std::move(tell)) {}

void PlainSender::send(std::string_view body) {
    std::optional<MessageId> id;
    if (wrapper_) {
        if (body.size() > limit_.bytes()) throw limit_.exceeded_by("the body");
        id = MessageId::random();
        outlet_.put(wrapper_->wrap(body, *id, std::nullopt, now_ms()), progress_);
    } else {
        outlet_.put(std::as_bytes(std::span(body)), progress_);
    }
    tell_({++sent_, id, "sent"});
}

std::string PlainSender::count() const {
    return fmt::format("{} sent", counted(sent_, "message"));
}

}  // namespace myq
