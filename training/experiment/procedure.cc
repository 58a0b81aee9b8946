#include "training/experiment/procedure.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/check.h"
#include "core/base/median.h"
#include "core/base/text.h"
#include "training/experiment/sweep_spec.h"
#include "training/experiment/sweep_summary.h"

namespace batchmark {
namespace {

SweepMetric MetricOf(const std::string& name) {
  for (const SweepMetricName& known : SweepMetricNames())
    if (name == known.name) return {name, known.more_is_better};
  throw InputError("procedure: there is no metric '" + name + "'");
}

// Median over a value's runs; the worst possible where the middle run has none.
double MedianMetric(const std::vector<RunRecord>& trials, const std::string& key, const std::string& value,
                    const SweepMetric& metric) {
  const double worst = (metric.maximize ? -1.0 : 1.0) * std::numeric_limits<double>::infinity();
  std::vector<double> values;
  for (const RunRecord& run : trials) {
    const auto at = run.spec.find(key);
    if (at != run.spec.end() && at->second == value) values.push_back(SweepMetricOf(run, metric.name).value_or(worst));
  }
  return values.empty() ? worst : MiddleValue(values);
}

}  // namespace

std::vector<std::string> ProcedureValues(const Procedure& p) {
  SweepSpec grid;
  SweepAxis axis{.key = p.key, .kind = SweepAxis::Kind::kLogUniform, .min = p.min, .max = p.max, .count = p.count};
  grid.axes = {axis};
  std::vector<std::string> values;
  for (const Settings& point : EnumerateSweep(grid)) values.push_back(point.front().second);
  return values;
}

size_t TuningRuns(const Experiment& e) {
  if (!e.procedure || e.procedure->kind != Procedure::Kind::kTune) return 0;
  const auto arms = std::count_if(e.arms.begin(), e.arms.end(),
                                  [&](const Arm& arm) { return IsOfProcedure(*e.procedure, arm.name); });
  return static_cast<size_t>(arms * e.procedure->count * e.procedure->seeds);
}

bool IsOfProcedure(const Procedure& p, const std::string& arm) {
  return p.arms.empty() || std::find(p.arms.begin(), p.arms.end(), arm) != p.arms.end();
}

std::vector<std::string> NextBracketValues(const Procedure& p, const KnownDivergence& diverged) {
  std::vector<std::string> missing;
  std::optional<double> low, high;
  for (const std::string& value : ProcedureValues(p)) {
    const std::optional<bool> known = diverged(value);
    if (!known) missing.push_back(value);
    if (!known || high) continue;
    (*known ? high : low) = *ParseNumber(value);
  }
  if (!missing.empty() || !low || !high) return missing;  // all of them train, or none: nothing to halve
  for (int i = 0; i < p.bisections; ++i) {
    SweepSpec middle;
    middle.axes = {
        {.key = p.key, .kind = SweepAxis::Kind::kLogUniform, .min = *low, .max = *high, .count = 3}};
    const std::string value = EnumerateSweep(middle)[1].front().second;
    const std::optional<bool> known = diverged(value);
    if (!known) return {value};
    (*known ? high : low) = *ParseNumber(value);
  }
  return {};
}

TunedValue BestValue(const Procedure& p, const std::vector<RunRecord>& trials) {
  const std::vector<std::string> values = ProcedureValues(p);
  for (const SweepMetric& metric : {MetricOf(p.metric), MetricOf("val_accuracy")}) {
    size_t best = values.size();
    double best_metric = 0.0;
    for (size_t i = 0; i < values.size(); ++i) {
      const double median = MedianMetric(trials, p.key, values[i], metric);
      if (!std::isfinite(median)) continue;
      const bool better = metric.maximize ? median > best_metric : median < best_metric;
      if (best == values.size() || better) best = i, best_metric = median;
    }
    if (best < values.size()) return {values[best], best == 0 || best + 1 == values.size()};
  }
  return {values.front(), true};  // every value diverged
}

}  // namespace batchmark
