// What a sweep came to, an arm a line, best first.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/results.h"
#include "training/experiment/sweep.h"

namespace batchmark {

struct ArmSummary {
  std::string arm;
  size_t runs = 0, reached = 0, diverged = 0, pruned = 0;
  // Median over seeds of the sweep's metric; empty: the median run has none (it never arrived, or diverged).
  std::optional<double> metric;
};

// The metric of one run; empty if it has none. A diverged run has no score, whatever its weights give.
std::optional<double> SweepMetricOf(const RunRecord& run, const std::string& metric);

// Best first; arms without the metric last, in the order of the plan. Arms without runs are left out.
std::vector<ArmSummary> SummarizeSweep(const SweepPlan& plan, const SweepMetric& metric,
                                       const std::vector<RunRecord>& runs);

}  // namespace batchmark
