#include "training/experiment/runner.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/cpu.h"
#include "training/experiment/probe.h"

namespace batchmark {
namespace {

using nlohmann::ordered_json;

// The sizing of a budget is measured once and kept, so that repeating the command finds its own runs.
std::string SizingName(const Experiment& e, const ExperimentOptions& options, const Dataset& data) {
  return "sizing/" + e.name + (options.quick ? "/quick/" : "/full/") +
         std::to_string(static_cast<int64_t>(options.budget_s)) + "/" + data.hash.substr(0, 16) + "/" + HostId();
}

ExperimentSizing LoadOrMeasureSizing(const Experiment& e, const ExperimentSize& size, const ExperimentOptions& options,
                                     const Dataset& data, ResultStore& store, double& estimated_s) {
  const double budget_s = options.budget_s > 0 ? options.budget_s : size.budget_s;
  if (budget_s <= 0 && !options.dry_run) return {.seeds = size.seeds};
  const std::string name = SizingName(e, options, data);
  if (const auto stored = store.FindDocument(name)) {
    const auto j = ordered_json::parse(*stored);
    estimated_s = j.value("estimated_s", 0.0);
    return {.seeds = j.at("seeds"), .steps = j.at("steps"), .sentence = j.at("sentence")};
  }
  std::vector<ArmCost> costs;
  for (size_t arm = 0; arm < e.arms.size(); ++arm) {
    costs.push_back(MeasureArm(ArmSpec(e, size, arm, /*seed=*/1, /*steps=*/0, options.overrides), data));
  }
  const ExperimentSizing sizing = FitBudget(size, costs, budget_s);
  estimated_s = 0;
  for (const ArmCost& cost : costs) {
    estimated_s += sizing.seeds * cost.Seconds(sizing.steps > 0 ? std::min(sizing.steps, cost.steps) : cost.steps);
  }
  if (!options.dry_run) {
    store.PutDocument(name, ordered_json{{"seeds", sizing.seeds},
                                         {"steps", sizing.steps},
                                         {"sentence", sizing.sentence},
                                         {"estimated_s", estimated_s}}
                                .dump());
  }
  return sizing;
}

void StoreDocuments(const Experiment& e, const ExperimentOptions& options, const ExperimentSizing& sizing,
                    const ExperimentSize& size, const RunSpec& first, const Dataset& data, ResultStore& store) {
  const int64_t cap = first.steps ? *first.steps : TotalSteps(first, data);
  store.PutDocument("experiment/" + e.name, DefinitionJson(e, options.quick, sizing.seeds, cap,
                                                           NumberText(first.target), first.target_metric));
  store.PutDocument("environment", EnvironmentJson(first, data));
  if (!options.command.empty()) store.PutDocument("command", options.command);
  store.PutDocument("budget/" + e.name,
                    ordered_json{{"full", {{"seeds", size.seeds}}},
                                 {"used", {{"seeds", sizing.seeds}, {"steps", cap}}},
                                 {"sentence", sizing.sentence}}
                        .dump());
}

}  // namespace

ExperimentResult RunExperiment(const Experiment& e, const ExperimentOptions& options, const Dataset& data,
                               ResultStore& store, ExperimentObserver& observer) {
  const ExperimentSize& size = options.quick ? e.quick : e.full;
  double estimated_s = 0;
  const ExperimentSizing sizing = LoadOrMeasureSizing(e, size, options, data, store, estimated_s);
  const std::vector<PlannedRun> runs = PlanRuns(e, size, sizing, options.overrides);
  observer.OnPlan(runs, sizing, estimated_s);
  if (options.dry_run) return {.planned = runs.size()};
  StoreDocuments(e, options, sizing, size, runs.front().spec, data, store);
  RunQueueOptions queue{.experiment = e.name};
  for (const Arm& arm : e.arms) queue.arms.push_back(arm.name);
  return RunAll(runs, queue, data, store, observer);
}

}  // namespace batchmark
