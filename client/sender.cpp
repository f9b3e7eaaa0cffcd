#include "client/sender.hpp"

#include "client/counted.hpp"
#include "client/parcel.hpp"

#include <fmt/format.h>

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
    Parcel parcel(outlet_.place(), limit_, wrapper_ ? &*wrapper_ : nullptr, body);
    outlet_.put(parcel.bytes(), progress_);
    parcel.sent();
    tell_({++sent_, parcel.id(), "sent"});
}

std::string PlainSender::count() const {
    return fmt::format("{} sent", counted(sent_, "message"));
}

}  // namespace myq
