#include "bench/samples.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace myq::bench {

double Samples::median() const {
    assert(!values_.empty());
    std::vector<double> sorted = values_;
    std::sort(sorted.begin(), sorted.end());
    const std::size_t middle = sorted.size() / 2;
    if (sorted.size() % 2 == 1) return sorted[middle];
    return (sorted[middle - 1] + sorted[middle]) / 2;
}

double Samples::percentile(double percent) const {
    assert(!values_.empty());
    std::vector<double> sorted = values_;
    std::sort(sorted.begin(), sorted.end());
    const double rank = std::ceil(percent / 100 * static_cast<double>(sorted.size()));
    return sorted.at(rank < 1 ? 0 : static_cast<std::size_t>(rank) - 1);
}

double Samples::min() const {
    return *std::min_element(values_.begin(), values_.end());
}

double Samples::max() const {
    return *std::max_element(values_.begin(), values_.end());
}

double Contest::ratio() const {
    if (baseline.size() == 0) return 0;
    assert(baseline.size() == daemon.size());
    Samples ratios;
    for (std::size_t i = 0; i < baseline.size(); ++i)
        ratios.add(daemon.values()[i] / baseline.values()[i]);
    return ratios.median();
}

}  // namespace myq::bench
