// Intervals for figures and tables, from stats_bootstrap.h.
#include "reports/intervals.h"

#include "reports/stats_bootstrap.h"

namespace batchmark::report {

std::optional<Interval> MedianInterval(const std::vector<Bound>& values) {
  std::vector<double> sample;
  for (const Bound& value : values) {
    if (value.beyond) return std::nullopt;
    sample.push_back(value.value);
  }
  return BcaInterval(sample,
                     [](std::span<const double> drawn) { return batchmark::Median(drawn); });
}

std::optional<Interval> EffectInterval(const Effect& effect) {
  std::vector<double> sample;
  for (const Range& range : effect.per_seed) {
    if (!range.Exact()) return std::nullopt;
    sample.push_back(range.low);
  }
  return BcaInterval(sample,
                     [](std::span<const double> drawn) { return batchmark::Median(drawn); });
}

}  // namespace batchmark::report
