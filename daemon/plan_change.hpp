#pragma once

#include "daemon/delivery.hpp"
#include "daemon/plan.hpp"

#include <cstdint>
#include <memory>
#include <set>
#include <string>

namespace myq {

// What becomes different when a plan follows another of the same configuration.
class PlanChange {
public:
    PlanChange(std::shared_ptr<const Plan> before, std::shared_ptr<const Plan> after)
        : before_(std::move(before)),
          after_(std::move(after)) {}

    // Those whose messages meet other code, or none any more.
    std::set<std::string> queues() const;
    // Those of them whose messages meet code that was not there before.
    std::set<std::string> queues_with_new_code() const;

    // As Delivery::change.
    CodeChange of(const std::string& queue, std::int64_t type) const;

private:
    std::shared_ptr<const Plan> before_, after_;
};

}  // namespace myq
