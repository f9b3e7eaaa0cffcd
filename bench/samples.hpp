#pragma once

#include <string>
#include <vector>

namespace myq::bench {

// One number, measured several times.
class Samples {
public:
    void add(double value) { values_.push_back(value); }
    std::size_t size() const { return values_.size(); }
    double median() const;
    double min() const;
    double max() const;
    const std::vector<double>& values() const { return values_; }

private:
    std::vector<double> values_;
};

// The bare kernel queue and the daemon, measured in turn; bare[i] and daemon[i] are neighbours in
// time.
struct Contest {
    std::string scenario{};
    std::string unit{};  // more is better
    Samples bare;
    Samples daemon;

    // The median of daemon[i] / bare[i]: what a machine with other work to do slows down for a
    // while, it slows down for both of a pair.
    double ratio() const;
};

// Something measured of the daemon alone. Every member has an initialiser, so that naming only some
// draws no warning.
struct Fact {
    std::string scenario{};
    std::string unit{};
    double value = 0;
    std::string remark{};  // in the table, beside the value; the reason when it is skipped
    double limit = 0;      // what the value should stay below, 0: none is set
    bool skipped = false;
};

}  // namespace myq::bench
