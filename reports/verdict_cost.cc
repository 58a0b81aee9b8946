// Runs as arrivals, and a contrast of times split into steps and cost of a step.
#include <cmath>

#include "core/base/check.h"
#include "reports/format.h"
#include "reports/verdict_pairs.h"
#include "reports/verdict_text.h"

namespace batchmark {
namespace {

// Seconds to the target over steps to the target: with it time = steps x cost holds exactly.
std::optional<double> MsPerStepToTarget(const RunRecord& run) {
  if (!run.steps_to_target || !run.time_to_target_s || *run.steps_to_target <= 0)
    return std::nullopt;
  if (!(*run.time_to_target_s > 0.0) || !std::isfinite(*run.time_to_target_s)) return std::nullopt;
  return 1000.0 * *run.time_to_target_s / static_cast<double>(*run.steps_to_target);
}

bool HasCost(const RunRecord& run) {
  return run.ms_per_step_median > 0.0 && std::isfinite(run.ms_per_step_median);
}

std::string WithInterval(const RatioEffect& effect) {
  std::string text = FactorText(effect.ratio);
  if (effect.interval) {
    text +=
        " [" + FactorText(effect.interval->lower) + ", " + FactorText(effect.interval->upper) + "]";
  }
  return text;
}

std::string CostSentence(const ContrastCost& cost, const std::string& a, const std::string& b) {
  if (cost.split.n == 0) return "No pair of " + a + " and " + b + " has two times to the target.";
  std::string text = a + " against " + b + ": time " + WithInterval(cost.split.time) + " = steps " +
                     WithInterval(cost.split.steps) + " x cost of a step " +
                     WithInterval(cost.split.cost) +
                     " (geometric means, n = " + std::to_string(cost.split.n) + ").";
  if (cost.left_out > 0)
    text += " " + report::Plural(cost.left_out, "pair") + " left out: a run never arrived.";
  return text;
}

}  // namespace

Arrival StepsArrival(const RunRecord& run) {
  if (run.steps_to_target)
    return {static_cast<double>(*run.steps_to_target), Arrival::Kind::kEvent};
  if (run.status == "diverged") {
    const int64_t at = run.diverged_step >= 0 ? run.diverged_step : run.steps;
    return {static_cast<double>(at), Arrival::Kind::kDiverged};
  }
  return {static_cast<double>(run.steps), Arrival::Kind::kCensored};
}

std::optional<Arrival> SecondsArrival(const RunRecord& run) {
  if (run.steps_to_target) {
    if (!run.time_to_target_s) return std::nullopt;
    return Arrival{*run.time_to_target_s, Arrival::Kind::kEvent};
  }
  return Arrival{run.train_s,
                 run.status == "diverged" ? Arrival::Kind::kDiverged : Arrival::Kind::kCensored};
}

ContrastCost JudgeCost(std::span<const RunRecord> runs, const std::string& arm_a,
                       const std::string& arm_b) {
  ContrastClaim arms;
  arms.a = arm_a;
  arms.b = arm_b;
  int unpaired = 0;
  ContrastCost cost;
  std::vector<CostPair> arrived;
  std::vector<double> log_costs;
  for (const RunPair& pair : PairsOf(MatchSeeds(PointersTo(runs), arms, unpaired))) {
    const RunRecord &a = *pair.a.front(), &b = *pair.b.front();
    const auto ms_a = MsPerStepToTarget(a), ms_b = MsPerStepToTarget(b);
    if (ms_a && ms_b) {
      arrived.push_back({static_cast<double>(*a.steps_to_target),
                         static_cast<double>(*b.steps_to_target), *ms_a, *ms_b});
    } else {
      ++cost.left_out;
    }
    if (HasCost(a) && HasCost(b))
      log_costs.push_back(std::log(a.ms_per_step_median / b.ms_per_step_median));
  }
  cost.split = SplitTime(arrived);
  cost.cost_pairs = static_cast<int>(log_costs.size());
  cost.step_cost = GeometricMeanRatio(log_costs);
  cost.share = ShareOfStep(cost.step_cost);
  cost.sentence = CostSentence(cost, arm_a, arm_b);
  return cost;
}

}  // namespace batchmark
