#include "reports/stats_decomposition.h"

#include <cmath>
#include <vector>

#include "core/base/check.h"
#include "reports/stats_tests.h"

namespace batchmark {
namespace {

std::optional<Interval> Exp(const std::optional<Interval>& logs) {
  if (!logs) return std::nullopt;
  return Interval{std::exp(logs->lower), std::exp(logs->upper)};
}

}  // namespace

RatioEffect GeometricMeanRatio(std::span<const double> log_ratios,
                               const BootstrapOptions& options) {
  RatioEffect effect;
  if (log_ratios.empty()) return effect;
  const PairedT test = PairedTTest(log_ratios);
  effect.log_mean = Mean(log_ratios);
  effect.ratio = std::exp(effect.log_mean);
  effect.interval = Exp(test.interval);
  effect.bootstrap = Exp(BcaInterval(log_ratios, Mean, options));
  return effect;
}

TimeSplit SplitTime(std::span<const CostPair> pairs, const BootstrapOptions& options) {
  std::vector<double> steps_a, steps_b, ms_a, ms_b;
  for (const CostPair& pair : pairs) {
    steps_a.push_back(pair.steps_a);
    steps_b.push_back(pair.steps_b);
    ms_a.push_back(pair.ms_a);
    ms_b.push_back(pair.ms_b);
  }
  const std::vector<double> steps = PairedLogRatios(steps_a, steps_b),
                            cost = PairedLogRatios(ms_a, ms_b);
  std::vector<double> time(steps.size());
  for (size_t i = 0; i < time.size(); ++i) time[i] = steps[i] + cost[i];
  TimeSplit split;
  split.n = static_cast<int>(pairs.size());
  split.time = GeometricMeanRatio(time, options);
  split.steps = GeometricMeanRatio(steps, options);
  split.cost = GeometricMeanRatio(cost, options);
  return split;
}

BnShare ShareOfStep(const RatioEffect& cost) {
  BATCHMARK_CHECK(cost.ratio > 0.0);
  BnShare result{1.0 - 1.0 / cost.ratio, std::nullopt};
  if (cost.interval)
    result.interval = Interval{1.0 - 1.0 / cost.interval->lower, 1.0 - 1.0 / cost.interval->upper};
  return result;
}

}  // namespace batchmark
