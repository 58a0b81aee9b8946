#include "training/experiment/sweep_summary.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/median.h"

namespace batchmark {

std::optional<double> SweepMetricOf(const RunRecord& run, const std::string& metric) {
  if (metric == "ms_per_step") return run.ms_per_step;
  if (run.status == "diverged") return {};
  if (metric == "steps_to_target" && run.steps_to_target) return static_cast<double>(*run.steps_to_target);
  if (metric == "time_to_target_s") return run.time_to_target_s;
  if (metric == "val_accuracy") return run.val_accuracy;
  if (metric == "test_accuracy") return run.test_accuracy;
  if (metric == "train_loss") return run.train_loss;
  if (metric == "val_loss") {
    for (auto reading = run.readings.rbegin(); reading != run.readings.rend(); ++reading)
      if (reading->name == metric) return reading->value;
  }
  return {};
}

std::vector<ArmSummary> SummarizeSweep(const SweepPlan& plan, const SweepMetric& metric,
                                       const std::vector<RunRecord>& runs) {
  const double worst = (metric.maximize ? -1.0 : 1.0) * std::numeric_limits<double>::infinity();
  std::vector<ArmSummary> summaries;
  for (const Arm& arm : plan.study.arms) {
    ArmSummary summary{.arm = arm.name};
    std::vector<double> values;
    for (const RunRecord& run : runs) {
      if (run.arm != arm.name) continue;
      ++summary.runs;
      summary.reached += run.status == "reached";
      summary.diverged += run.status == "diverged";
      summary.pruned += std::any_of(run.readings.begin(), run.readings.end(),
                                    [](const RunReading& reading) { return reading.name == "pruned"; });
      values.push_back(SweepMetricOf(run, metric.name).value_or(worst));
    }
    if (summary.runs == 0) continue;
    const double median = MiddleValue(values);
    if (std::isfinite(median)) summary.metric = median;
    summaries.push_back(std::move(summary));
  }
  std::stable_sort(summaries.begin(), summaries.end(), [&](const ArmSummary& a, const ArmSummary& b) {
    if (!a.metric || !b.metric) return a.metric.has_value() && !b.metric;
    return metric.maximize ? *a.metric > *b.metric : *a.metric < *b.metric;
  });
  return summaries;
}

}  // namespace batchmark
