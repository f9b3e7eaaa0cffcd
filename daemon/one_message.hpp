#pragma once

#include "daemon/source.hpp"

#include <memory>
#include <utility>

namespace myq {

// Another source, for one message of it.
class OneMessage : public Source {
public:
    explicit OneMessage(std::unique_ptr<Source> from) : from_(std::move(from)) {}

    Fetch fetch(Slot& slot) override {
        if (was_given_) return Fetch::finished;
        const Fetch fetched = from_->fetch(slot);
        was_given_ = fetched == Fetch::message;
        return fetched;
    }

    void leave(Slot& slot) override { from_->leave(slot); }

private:
    std::unique_ptr<Source> from_;
    bool was_given_ = false;
};

}  // namespace myq
