#include "training/experiment/plan.h"

#include <algorithm>
#include <numeric>

#include "core/base/rng.h"
#include "core/base/text.h"

namespace batchmark {
namespace {

double Total(const std::vector<ArmCost>& costs, int64_t steps) {
  double seconds = 0;
  for (const ArmCost& cost : costs) seconds += cost.Seconds(steps > 0 ? std::min(steps, cost.steps) : cost.steps);
  return seconds;
}

// Rounded to one decimal, for a sentence.
std::string Minutes(double seconds) {
  return NumberText(static_cast<double>(static_cast<int64_t>(seconds / 6.0 + 0.5)) / 10.0) + " min";
}

}  // namespace

double RunCosts::Seconds(int seeds, int64_t steps) const {
  return seeds * Total(every_seed, steps) + Total(once, steps);
}

ExperimentSizing FitBudget(const ExperimentSize& size, const RunCosts& costs, double budget_s,
                           const std::string& whole) {
  ExperimentSizing sizing{.seeds = size.seeds};
  if (budget_s <= 0 || costs.Seconds(size.seeds, 0) <= budget_s) return sizing;
  const double for_seeds_s = budget_s - Total(costs.once, 0);
  sizing.seeds = static_cast<int>(
      std::clamp(for_seeds_s / Total(costs.every_seed, 0), double(size.min_seeds), double(size.seeds)));
  std::string cut;
  if (sizing.seeds < size.seeds) {
    cut = "seeds " + std::to_string(size.seeds) + " -> " + std::to_string(sizing.seeds);
  }
  if (costs.Seconds(sizing.seeds, 0) > budget_s) {
    int64_t longest = 0, every = 1;
    for (const ArmCost& cost : costs.every_seed)
      longest = std::max(longest, cost.steps), every = std::max(every, cost.eval_every);
    int64_t steps = longest / every * every;
    while (steps > every && costs.Seconds(sizing.seeds, steps) > budget_s) steps -= every;
    const int64_t least = size.min_steps > 0 ? std::min(size.min_steps, longest) : longest / 2 / every * every;
    sizing.steps = std::max({every, steps, least});
    cut += (cut.empty() ? "" : ", ") + ("steps " + std::to_string(longest)) + " -> " + std::to_string(sizing.steps);
  }
  sizing.sentence = whole + " would take " + Minutes(costs.Seconds(size.seeds, 0)) + " here; to fit " +
                    Minutes(budget_s) + " it was cut: " + cut + ".";
  const double planned_s = costs.Seconds(sizing.seeds, sizing.steps);
  if (planned_s > 1.05 * budget_s) {
    sizing.sentence += " It takes " + Minutes(planned_s) + " all the same: fewer runs or steps would show nothing.";
  }
  return sizing;
}

namespace {

RunSpec SpecOf(const Experiment& experiment, const ExperimentSize& size, const Settings& arm, uint64_t seed,
               int64_t steps, const Settings& overrides) {
  RunSpec spec;
  for (const Settings* settings : {&experiment.base, &size.set, &arm, &overrides}) {
    for (const auto& [key, value] : *settings) SetRunKey(spec, key, value);
  }
  spec.seed = seed;
  if (steps > 0 && (!spec.steps || steps < *spec.steps)) spec.steps = steps;
  ValidateRunSpec(spec);
  return ResolveRunSpec(spec);
}

}  // namespace

RunSpec ArmSpec(const Experiment& experiment, const ExperimentSize& size, size_t arm, uint64_t seed, int64_t steps,
                const Settings& overrides) {
  return SpecOf(experiment, size, experiment.arms[arm].set, seed, steps, overrides);
}

PlannedRun PlanRun(const Experiment& experiment, const ExperimentSize& size, const ExperimentSizing& sizing,
                   const Arm& settings, size_t arm, uint64_t seed, const Settings& overrides) {
  return {arm, seed, SpecOf(experiment, size, settings.set, seed, sizing.steps, overrides)};
}

std::vector<PlannedRun> PlanRuns(const Experiment& experiment, const ExperimentSize& size,
                                 const ExperimentSizing& sizing, const Settings& overrides) {
  std::vector<PlannedRun> runs;
  for (int s = 1; s <= sizing.seeds; ++s) {
    const auto seed = static_cast<uint64_t>(s);
    std::vector<size_t> order(experiment.arms.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const Rng rng(seed, RngStream::kExperiment);
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.Below(i, static_cast<uint32_t>(i))]);
    for (size_t arm : order) {
      runs.push_back({arm, seed, ArmSpec(experiment, size, arm, seed, sizing.steps, overrides)});
    }
  }
  if (!experiment.calibration) return runs;
  size_t arm = 0;
  while (experiment.arms[arm].name != experiment.calibration->arm) ++arm;
  for (int s = sizing.seeds + 1; s <= experiment.calibration->seeds; ++s) {
    const auto seed = static_cast<uint64_t>(s);
    runs.push_back({arm, seed, ArmSpec(experiment, size, arm, seed, sizing.steps, overrides)});
  }
  return runs;
}

}  // namespace batchmark
