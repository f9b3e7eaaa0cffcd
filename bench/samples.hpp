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
    double percentile(double percent) const;  // 0 to 100: so many percent are at most this
    double min() const;
    double max() const;
    const std::vector<double>& values() const { return values_; }

private:
    std::vector<double> values_;
};

// The same measured of something well known and of the daemon, in turn; baseline[i] and daemon[i]
// are neighbours in time. Every member has an initialiser, so that naming only some draws no
// warning.
struct Contest {
    std::string scenario{};
    std::string unit{};     // "a second": more is better; "ms", "us": less is
    std::string against{};  // what the baseline is
    Samples baseline{};     // none if it was skipped
    Samples daemon{};
    std::string remark{};
    double target =
        0;  // what the ratio should reach (a second) or stay below (ms, us), 0: none is set

    // The median of daemon[i] / baseline[i]: what a machine with other work to do slows down for a
    // while, it slows down for both of a pair. 0 if there is no baseline.
    double ratio() const;
};

// Something measured of the daemon alone.
struct Fact {
    std::string scenario{};
    std::string unit{};
    double value = 0;
    std::string remark{};  // in the table, beside the value; the reason when it is skipped
    double limit = 0;      // what the value should stay below, 0: none is set
    bool skipped = false;
};

}  // namespace myq::bench
