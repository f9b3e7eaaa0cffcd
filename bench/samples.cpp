#include "bench/samples.hpp"

#include <algorithm>
#include <cassert>

namespace myq::bench {

double Samples::median() const {
    assert(!values_.empty());
    std::vector<double> sorted = values_;
    std::sort(sorted.begin(), sorted.end());
    const std::size_t middle = sorted.size() / 2;
    if (sorted.size() % 2 == 1) return sorted[middle];
    return (sorted[middle - 1] + sorted[middle]) / 2;
}

double Samples::min() const {
    return *std::min_element(values_.begin(), values_.end());
}

double Samples::max() const {
    return *std::max_element(values_.begin(), values_.end());
}

double Contest::ratio() const {
    assert(bare.size() == daemon.size());
    Samples ratios;
    for (std::size_t i = 0; i < bare.size(); ++i)
        ratios.add(daemon.values()[i] / bare.values()[i]);
    return ratios.median();
}

}  // namespace myq::bench
