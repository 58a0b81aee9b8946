// Intervals for figures and tables, from stats_bootstrap.h: none below six seeds, none where runs
// never arrived.
#pragma once

#include <optional>
#include <vector>

#include "reports/effects.h"
#include "reports/stats.h"

namespace batchmark::report {

// 95 % BCa interval of the median. Empty with fewer than six values or any censored one.
std::optional<Interval> MedianInterval(const std::vector<Bound>& values);
// 95 % BCa interval of the median log ratio over paired seeds. Empty with fewer than six seeds or
// any open range.
std::optional<Interval> EffectInterval(const Effect& effect);

}  // namespace batchmark::report
