// time = steps x cost of a step: what a paired contrast of times is made of.
#pragma once

#include <optional>
#include <span>

#include "reports/stats.h"
#include "reports/stats_bootstrap.h"

namespace batchmark {

// One seed's two runs, both of which reached the target.
struct CostPair {
  double steps_a, steps_b;
  double ms_a, ms_b;  // milliseconds a step up to the target
};

// A ratio a / b as a geometric mean over pairs.
struct RatioEffect {
  double log_mean = 0.0;              // mean of ln(a / b)
  double ratio = 1.0;                 // exp(log_mean)
  std::optional<Interval> interval;   // of the ratio, 95 %, Student's t on the logs; n >= 2
  std::optional<Interval> bootstrap;  // BCa of the same; n >= 6
};
RatioEffect GeometricMeanRatio(std::span<const double> log_ratios,
                               const BootstrapOptions& options = {});

// ln(time_a / time_b) = ln(steps_a / steps_b) + ln(ms_a / ms_b) for every pair, so the three log
// means add exactly and the three ratios multiply: time.ratio = steps.ratio * cost.ratio.
// Pairs in which a run never arrived have no time: the caller says how many were left out.
// Throws Error for values that are not positive and finite.
struct TimeSplit {
  int n = 0;
  RatioEffect time, steps, cost;
};
TimeSplit SplitTime(std::span<const CostPair> pairs, const BootstrapOptions& options = {});

// Arm a with BN, arm b without; ratio = ms(BN) / ms(none).
//   share = 1 - 1 / ratio: the part of a step that is BN's; negative if BN is no slower
// It is also the break-even: BN pays in time if it saves more than this share of the steps, since
//   steps_a ms_a < steps_b ms_b  <=>  1 - steps_a / steps_b > 1 - ms_b / ms_a
struct BnShare {
  double share = 0.0;
  std::optional<Interval> interval;  // from the t interval of the cost ratio
};
BnShare ShareOfStep(const RatioEffect& cost);

}  // namespace batchmark
