#include "training/experiment/runner.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "core/base/cpu.h"
#include "training/experiment/probe.h"
#include "training/experiment/procedure.h"

namespace batchmark {
namespace {

using nlohmann::ordered_json;

// The sizing of a budget is measured once and kept, so that repeating the command finds its own runs.
std::string SizingName(const Experiment& e, const ExperimentOptions& options, const Dataset& data) {
  return "sizing/" + e.name + (options.quick ? "/quick/" : "/full/") +
         std::to_string(static_cast<int64_t>(options.budget_s)) + "/" + data.hash.substr(0, 16) + "/" + HostId();
}

// What a budget is cut by: runs that come with each seed, and those that come once.
struct CostList {
  std::vector<ArmCost> every_seed;
  double once_s = 0;
};

CostList MeasureArms(const Experiment& e, const ExperimentSize& size, const ExperimentOptions& options,
                     const Dataset& data) {
  CostList list;
  std::map<std::string, ArmCost> measured;
  for (size_t arm = 0; arm < e.arms.size(); ++arm) {
    const RunSpec spec = ArmSpec(e, size, arm, /*seed=*/1, /*steps=*/0, options.overrides);
    const std::string key = CostKey(spec);
    if (!measured.count(key)) measured.emplace(key, MeasureArm(spec, data));
    const ArmCost& cost = measured.at(key);
    int runs = 1;
    if (e.procedure && IsOfProcedure(*e.procedure, e.arms[arm].name)) {
      const int trials = e.procedure->count;
      if (e.procedure->kind == Procedure::Kind::kBracket) {
        runs = trials + e.procedure->bisections;
      } else {
        list.once_s += trials * e.procedure->seeds * cost.Seconds(cost.steps);
      }
    }
    list.every_seed.insert(list.every_seed.end(), static_cast<size_t>(runs), cost);
    if (e.calibration && e.calibration->arm == e.arms[arm].name)
      list.once_s += std::max(0, e.calibration->seeds - size.seeds) * cost.Seconds(cost.steps);
  }
  return list;
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
  const CostList costs = MeasureArms(e, size, options, data);
  const double for_seeds_s = budget_s > 0 ? std::max(1.0, budget_s - costs.once_s) : 0.0;
  const ExperimentSizing sizing = FitBudget(size, costs.every_seed, for_seeds_s);
  estimated_s = costs.once_s;
  for (const ArmCost& cost : costs.every_seed) {
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

// One experiment under way: what its rounds of runs share.
class Rounds {
 public:
  Rounds(const Experiment& e, const ExperimentSize& size, const ExperimentSizing& sizing,
         const ExperimentOptions& options, const Dataset& data, ResultStore& store, ExperimentObserver& observer)
      : size_(size), sizing_(sizing), options_(options), data_(data), store_(store), observer_(observer) {
    result_.as_run = e;
  }

  // False: stopped.
  bool Run(const std::string& experiment, const std::vector<Arm>& arms, const std::vector<PlannedRun>& runs) {
    RunQueueOptions queue{.experiment = experiment};
    for (const Arm& arm : arms) queue.arms.push_back(arm.name);
    result_.Add(RunAll(runs, queue, data_, store_, observer_));
    return !result_.interrupted;
  }

  // Every arm and seed runs its grid, then one halving a round, until none is missing.
  bool Bracket() {
    const Experiment families = result_.as_run;
    const Procedure& p = *families.procedure;
    std::map<std::tuple<std::string, uint64_t, std::string>, bool> diverged;  // by family, seed, value
    std::map<std::string, size_t> index;
    std::vector<Arm>& arms = result_.as_run.arms;
    // Arms that the procedure leaves alone run once a seed, in the first round.
    std::erase_if(arms, [&](const Arm& arm) { return IsOfProcedure(p, arm.name); });
    const size_t plain = arms.size();
    for (bool first = true;; first = false) {
      std::vector<PlannedRun> runs;
      std::vector<std::tuple<std::string, uint64_t, std::string>> asked;
      std::vector<PlannedRun> others;
      for (uint64_t seed = 1; seed <= static_cast<uint64_t>(sizing_.seeds); ++seed) {
        for (size_t arm = 0; first && arm < plain; ++arm)
          others.push_back(PlanRun(families, size_, sizing_, arms[arm], arm, seed, options_.overrides));
        for (const Arm& family : families.arms) {
          if (!IsOfProcedure(p, family.name)) continue;
          const auto known = [&](const std::string& value) -> std::optional<bool> {
            const auto at = diverged.find({family.name, seed, value});
            return at == diverged.end() ? std::nullopt : std::optional(at->second);
          };
          for (const std::string& value : NextBracketValues(p, known)) {
            const Arm arm = Trial(p, family, value);
            const auto [found, is_new] = index.emplace(arm.name, arms.size());
            if (is_new) arms.push_back(arm);
            runs.push_back(PlanRun(families, size_, sizing_, arm, found->second, seed, options_.overrides));
            asked.emplace_back(family.name, seed, value);
          }
        }
      }
      if (!others.empty() && !Run(families.name, arms, others)) return false;
      if (runs.empty()) return true;
      if (!Run(families.name, arms, runs)) return false;
      for (size_t i = 0; i < runs.size(); ++i) {
        const auto stored = store_.Find(RunKeyHash(runs[i].spec, data_.hash));
        // A run that could not be carried out would be asked for again and again.
        if (!stored) return true;
        diverged[asked[i]] = stored->status == "diverged";
      }
    }
  }

  // Sets the best value of each arm that is to be tuned.
  bool Tune() {
    const Procedure p = *result_.as_run.procedure;
    for (Arm& arm : result_.as_run.arms) {
      if (!IsOfProcedure(p, arm.name)) continue;
      std::vector<Arm> arms;
      std::vector<PlannedRun> runs;
      for (const std::string& value : ProcedureValues(p)) {
        arms.push_back(Trial(p, arm, value));
        for (int s = 0; s < p.seeds; ++s) {
          runs.push_back(PlanRun(result_.as_run, size_, sizing_, arms.back(), arms.size() - 1,
                                 kFirstTuningSeed + static_cast<uint64_t>(s), options_.overrides));
        }
      }
      if (!Run(result_.as_run.name + "/tuning", arms, runs)) return false;
      std::vector<RunRecord> trials;
      for (const PlannedRun& run : runs)
        if (auto record = store_.Find(RunKeyHash(run.spec, data_.hash))) trials.push_back(std::move(*record));
      const TunedValue best = BestValue(p, trials);
      if (best.at_border) {
        observer_.OnWarning("arm '" + arm.name + "': the best " + p.key + ", " + best.value +
                            ", is at the border of the range tried");
      }
      arm.set.emplace_back(p.key, best.value);
    }
    return true;
  }

  ExperimentResult& result() { return result_; }

 private:
  static Arm Trial(const Procedure& p, const Arm& arm, const std::string& value) {
    Arm trial = arm;
    trial.name += " " + p.key + " " + value;
    trial.set.emplace_back(p.key, value);
    return trial;
  }

  const ExperimentSize& size_;
  const ExperimentSizing& sizing_;
  const ExperimentOptions& options_;
  const Dataset& data_;
  ResultStore& store_;
  ExperimentObserver& observer_;
  ExperimentResult result_;
};

// A bracket's plan before anything is known: the grids.
std::vector<PlannedRun> BracketGrid(const Experiment& e, const ExperimentSize& size, const ExperimentSizing& sizing,
                                    const ExperimentOptions& options) {
  std::vector<PlannedRun> runs;
  for (uint64_t seed = 1; seed <= static_cast<uint64_t>(sizing.seeds); ++seed) {
    for (size_t arm = 0; arm < e.arms.size(); ++arm) {
      const bool tried = IsOfProcedure(*e.procedure, e.arms[arm].name);
      const std::vector<std::string> values = tried ? ProcedureValues(*e.procedure) : std::vector<std::string>{""};
      for (const std::string& value : values) {
        Arm trial = e.arms[arm];
        if (tried) trial.set.emplace_back(e.procedure->key, value);
        runs.push_back(PlanRun(e, size, sizing, trial, arm, seed, options.overrides));
      }
    }
  }
  return runs;
}

}  // namespace

ExperimentResult RunExperiment(const Experiment& e, const ExperimentOptions& options, const Dataset& data,
                               ResultStore& store, ExperimentObserver& observer) {
  const ExperimentSize& size = options.quick ? e.quick : e.full;
  double estimated_s = 0;
  const ExperimentSizing sizing = LoadOrMeasureSizing(e, size, options, data, store, estimated_s);
  const bool bracket = e.procedure && e.procedure->kind == Procedure::Kind::kBracket;
  const std::vector<PlannedRun> first =
      bracket ? BracketGrid(e, size, sizing, options) : PlanRuns(e, size, sizing, options.overrides);
  observer.OnPlan(first, sizing, estimated_s);
  Rounds rounds(e, size, sizing, options, data, store, observer);
  if (options.dry_run) {
    rounds.result().planned = first.size();
    return rounds.result();
  }
  // The definition first, so that a stopped experiment can be reported; again with what a procedure found.
  const auto store_documents = [&] {
    StoreDocuments(rounds.result().as_run, options, sizing, size, first.front().spec, data, store);
  };
  store_documents();
  if (bracket) {
    rounds.Bracket();
  } else if (!e.procedure || rounds.Tune()) {
    rounds.Run(e.name, rounds.result().as_run.arms, PlanRuns(rounds.result().as_run, size, sizing, options.overrides));
  }
  if (e.procedure) store_documents();
  return rounds.result();
}

}  // namespace batchmark
