#include "training/experiment/sweep.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/check.h"
#include "core/base/text.h"
#include "training/experiment/probe.h"
#include "training/experiment/runner.h"

namespace batchmark {
namespace {

// Without BN the other bn.* keys have no effect.
void ForgetUnusedNormKeys(RunSpec& spec) {
  if (spec.bn.placement != Placement::kNone) return;
  spec.bn = NormSpec();
  spec.bn.placement = Placement::kNone;
}

// Axes that take more than one value in these points, in their order; the seed is no arm.
std::vector<std::string> VaryingKeys(const std::vector<Settings>& points) {
  std::vector<std::string> order;
  std::map<std::string, std::set<std::string>> seen;
  for (const Settings& point : points) {
    for (const auto& [key, value] : point) {
      if (seen[key].empty()) order.push_back(key);
      seen[key].insert(value);
    }
  }
  std::erase_if(order, [&](const std::string& key) { return key == "seed" || seen[key].size() < 2; });
  return order;
}

// The axis that a refusal of the whole spec ("batch: 512 is larger ...") is about, or "".
std::string WhereOf(const SweepSpec& sweep, const std::string& sentence) {
  for (const SweepAxis& axis : sweep.axes)
    if (sentence.rfind(axis.key + ":", 0) == 0 || sentence.rfind(axis.key + "=", 0) == 0) return axis.where + ": ";
  return "";
}

RunSpec SpecOfPoint(const SweepSpec& sweep, const Settings& point, const SweepOptions& options) {
  try {
    RunSpec spec;
    for (const auto& [key, value] : point) SetRunKey(spec, key, value);
    if (!sweep.prune.empty()) SetRunKey(spec, "prune", sweep.prune);
    ForgetUnusedNormKeys(spec);
    if (options.convergence_only) spec.threads = 1;
    ValidateRunSpec(spec);
    return ResolveRunSpec(spec);
  } catch (const Error& error) {
    throw Error(error.code(), WhereOf(sweep, error.what()) + error.what());
  }
}

// "bn.placement=pre lr=0.1": what sets this run apart, as the spec has it.
Arm ArmOf(const RunSpec& spec, const std::vector<std::string>& varying) {
  Arm arm;
  for (const std::string& key : varying) {
    if (spec.bn.placement == Placement::kNone && key.rfind("bn.", 0) == 0 && key != "bn.placement") continue;
    for (const RunKey& row : RunKeys())
      if (row.name == key) arm.set.emplace_back(key, row.get(spec));
    arm.name += (arm.name.empty() ? "" : " ") + key + "=" + arm.set.back().second;
  }
  if (arm.name.empty()) arm.name = "all";
  return arm;
}

void CheckTimesAreWanted(const SweepSpec& sweep, const SweepOptions& options) {
  for (const SweepMetricName& metric : SweepMetricNames()) {
    if (options.convergence_only && metric.is_time && sweep.metric.name == metric.name)
      throw InputError("metric " + sweep.metric.name + " is a wall time, which --convergence-only does not measure");
  }
}

bool InShard(const std::string& key, const SweepOptions& options) {
  const uint64_t hash = std::stoull(key.substr(0, 16), nullptr, 16);
  return hash % static_cast<uint64_t>(options.shards) == static_cast<uint64_t>(options.shard - 1);
}

}  // namespace

SweepPlan PlanSweep(const SweepSpec& sweep, const SweepOptions& options, const Dataset& data) {
  CheckTimesAreWanted(sweep, options);
  const std::vector<Settings> points = EnumerateSweep(sweep);
  const std::vector<std::string> varying = VaryingKeys(points);
  SweepPlan plan;
  plan.study.name = "sweep-" + sweep.name;
  plan.study.title = sweep.description.empty() ? "Sweep " + sweep.name : sweep.description;
  for (const std::string& key : varying) plan.study.factors.emplace_back(key, key);
  std::map<std::string, size_t> arms;
  std::set<std::string> keys, targets;
  for (const Settings& point : points) {
    const RunSpec spec = SpecOfPoint(sweep, point, options);
    const std::string key = RunKeyHash(spec, data.hash);
    if (!keys.insert(key).second) {
      ++plan.repeated;
      continue;
    }
    targets.insert(spec.simd);
    Arm arm = ArmOf(spec, varying);
    const auto [found, is_new] = arms.emplace(arm.name, plan.study.arms.size());
    if (is_new) plan.study.arms.push_back(std::move(arm));
    if (!InShard(key, options)) continue;
    plan.runs.push_back({found->second, spec.seed, spec});
    plan.keys.push_back(key);
  }
  plan.all_runs = keys.size();
  if (options.jobs > 1 && targets.size() > 1)
    throw InputError("simd: runs at one time share one SIMD target; sweep it with -j 1");
  return plan;
}

std::vector<double> EstimateSweep(const SweepPlan& plan, const std::vector<bool>& done, const Dataset& data) {
  std::map<std::string, ArmCost> measured;
  std::vector<double> seconds(plan.runs.size(), 0.0);
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    if (done[i]) continue;
    const PlannedRun& run = plan.runs[i];
    const std::string key = CostKey(run.spec);
    try {
      if (!measured.count(key)) measured.emplace(key, MeasureArm(run.spec, data));
    } catch (const Error& error) {
      throw Error(error.code(), "arm '" + plan.study.arms[run.arm].name + "': " + error.what());
    }
    const ArmCost& cost = measured.at(key);
    seconds[i] = cost.Seconds(TotalSteps(run.spec, data));
  }
  return seconds;
}

std::vector<bool> FinishedRuns(const SweepPlan& plan, const SweepOptions& options, const ResultStore& store) {
  std::vector<bool> done;
  for (const std::string& key : plan.keys) {
    const auto stored = store.Find(key);
    done.push_back(stored && IsReusable(*stored, options.convergence_only));
  }
  return done;
}

ExperimentResult RunSweep(const SweepPlan& plan, const SweepOptions& options, const Dataset& data, ResultStore& store,
                          ExperimentObserver& observer) {
  if (plan.runs.empty()) return {};
  const RunSpec& first = plan.runs.front().spec;
  std::set<uint64_t> seeds;
  int64_t cap = 0;
  for (const PlannedRun& run : plan.runs) {
    seeds.insert(run.seed);
    cap = std::max(cap, TotalSteps(run.spec, data));
  }
  store.PutDocument("experiment/" + plan.study.name,
                    DefinitionJson(plan.study, {.seeds = static_cast<int>(seeds.size()),
                                                .step_cap = cap,
                                                .target = first.target,
                                                .target_metric = first.target_metric}));
  store.PutDocument("environment", EnvironmentJson(first, data));
  if (!options.command.empty()) store.PutDocument("command/" + plan.study.name, options.command);
  RunQueueOptions queue{
      .experiment = plan.study.name, .jobs = options.jobs, .convergence_only = options.convergence_only};
  for (const Arm& arm : plan.study.arms) queue.arms.push_back(arm.name);
  return RunAll(plan.runs, queue, data, store, observer);
}

}  // namespace batchmark
