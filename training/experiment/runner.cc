#include "training/experiment/runner.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <tuple>

#include "core/base/cpu.h"
#include "core/base/sha256.h"
#include "training/experiment/probe.h"
#include "training/experiment/procedure.h"

namespace batchmark {
namespace {

using nlohmann::ordered_json;

// The sizing of a budget is measured once and kept, so that repeating the command finds its own runs; a
// changed definition is another.
std::string SizingName(const Experiment& e, const ExperimentOptions& options, const Dataset& data) {
  std::string sizes;
  for (const ExperimentSize& size : {e.full, e.cheap.value_or(ExperimentSize()), e.quick}) {
    sizes += std::to_string(size.seeds) + "/" + std::to_string(size.min_seeds) + "/" + std::to_string(size.min_steps);
    for (const auto& [key, value] : size.set) sizes += "," + key + "=" + value;
    for (const std::string& name : size.without) sizes += ",-" + name;
    sizes += ";";
  }
  return "sizing/" + e.name + "/" + options.form + "/" +
         std::to_string(static_cast<int64_t>(options.budget_s)) + "/" +
         Sha256Hex(DefinitionJson(e, {}) + sizes).substr(0, 16) + "/" + data.hash.substr(0, 16) + "/" + HostId();
}

RunCosts MeasureArms(const Experiment& e, const ExperimentSize& size, const ExperimentOptions& options,
                     const Dataset& data) {
  RunCosts list;
  std::map<std::string, ArmCost> measured;
  for (size_t arm = 0; arm < e.arms.size(); ++arm) {
    const RunSpec spec = ArmSpec(e, size, arm, /*seed=*/1, /*steps=*/0, options.overrides);
    const std::string key = CostKey(spec);
    if (!measured.count(key)) measured.emplace(key, MeasureArm(spec, data));
    const ArmCost& cost = measured.at(key);
    const auto add = [&](std::vector<ArmCost>& runs, int count) {
      runs.insert(runs.end(), static_cast<size_t>(count), cost);
    };
    const bool found = e.procedure && IsOfProcedure(*e.procedure, e.arms[arm].name);
    const bool bracket = found && e.procedure->kind == Procedure::Kind::kBracket;
    const bool calibrated = e.calibration && e.calibration->arm == e.arms[arm].name;
    if (found && !bracket) add(list.once, e.procedure->count * e.procedure->seeds);
    if (calibrated && e.calibration->seeds >= size.seeds) {
      add(list.once, e.calibration->seeds);
    } else {
      add(list.every_seed, bracket ? e.procedure->count + e.procedure->bisections : 1);
    }
  }
  return list;
}

struct PlannedSize {
  ExperimentSizing sizing;
  double estimated_s = 0;
};

PlannedSize MeasureSize(const Experiment& e, const std::string& form, double budget_s,
                        const ExperimentOptions& options, const Dataset& data) {
  const ExperimentSize& size = e.Size(form);
  const Experiment in_form = InForm(e, form);
  const RunCosts costs = MeasureArms(in_form, size, options, data);
  std::string whole = form == "cheap" ? "All of that" : "The whole experiment";
  if (const size_t trials = TuningRuns(in_form)) whole += ", " + std::to_string(trials) + " tuning runs included,";
  PlannedSize planned{FitBudget(size, costs, budget_s, whole)};
  planned.sizing.form = form;
  planned.estimated_s = costs.Seconds(planned.sizing.seeds, planned.sizing.steps);
  return planned;
}

// Seeds of the full size give way to the budget first, then, before any steps do, the size itself.
PlannedSize ChooseSize(const Experiment& e, const ExperimentOptions& options, const Dataset& data) {
  const std::string& form = options.form;
  const double budget_s = options.budget_s > 0 ? options.budget_s : e.Size(form).budget_s;
  if (budget_s <= 0 && !options.dry_run) return {{.form = form, .seeds = e.Size(form).seeds}};
  PlannedSize planned = MeasureSize(e, form, budget_s, options, data);
  if (form == "full" && e.cheap && planned.sizing.steps > 0) {
    planned = MeasureSize(e, "cheap", budget_s, options, data);
    planned.sizing.sentence = "The full form does not fit the budget, so the cheap one is run: " +
                              SizeSettingsText(*e.cheap) + "." +
                              (planned.sizing.sentence.empty() ? "" : " ") + planned.sizing.sentence;
  }
  return planned;
}

PlannedSize LoadOrChooseSize(const Experiment& e, const ExperimentOptions& options, const Dataset& data,
                             ResultStore& store) {
  const std::string name = SizingName(e, options, data);
  if (const auto stored = store.FindDocument(name)) {
    const auto j = ordered_json::parse(*stored);
    return {{.form = j.at("form"), .seeds = j.at("seeds"), .steps = j.at("steps"), .sentence = j.at("sentence")},
            j.at("estimated_s")};
  }
  const PlannedSize planned = ChooseSize(e, options, data);
  const ExperimentSizing& sizing = planned.sizing;
  if (planned.estimated_s > 0 && !options.dry_run) {
    store.PutDocument(name, ordered_json{{"form", sizing.form},
                                         {"seeds", sizing.seeds},
                                         {"steps", sizing.steps},
                                         {"sentence", sizing.sentence},
                                         {"estimated_s", planned.estimated_s}}
                                .dump());
  }
  return planned;
}

void StoreDocuments(const Experiment& e, const ExperimentOptions& options, const ExperimentSizing& sizing,
                    const std::vector<std::string>& run_keys, const std::vector<std::string>& trial_keys,
                    const RunSpec& first, const Dataset& data, ResultStore& store) {
  const int64_t cap = first.steps ? *first.steps : TotalSteps(first, data);
  store.PutDocument("experiment/" + e.name, DefinitionJson(e, {.form = sizing.form,
                                                               .seeds = sizing.seeds,
                                                               .step_cap = cap,
                                                               .target = first.target,
                                                               .target_metric = first.target_metric,
                                                               .runs = run_keys,
                                                               .trials = trial_keys}));
  store.PutDocument("environment", EnvironmentJson(first, data));
  if (!options.command.empty()) store.PutDocument("command/" + e.name, options.command);
  store.PutDocument("budget/" + e.name,
                    ordered_json{{"full", {{"seeds", e.Size(sizing.form).seeds}}},
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

  // False: stopped. tuning: trials, which belong to no arm that is judged.
  bool Run(const std::vector<Arm>& arms, const std::vector<PlannedRun>& runs, bool tuning = false) {
    RunQueueOptions queue{.experiment = result_.as_run.name + (tuning ? "/tuning" : "")};
    for (const Arm& arm : arms) queue.arms.push_back(arm.name);
    for (const PlannedRun& run : runs) (tuning ? trial_keys_ : keys_).insert(RunKeyHash(run.spec, data_.hash));
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
      if (!others.empty() && !Run(arms, others)) return false;
      if (runs.empty()) return true;
      if (!Run(arms, runs)) return false;
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
      if (!Run(arms, runs, /*tuning=*/true)) return false;
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
  // Of all runs, and of all trials, so far, in order.
  std::vector<std::string> Keys() const { return {keys_.begin(), keys_.end()}; }
  std::vector<std::string> TrialKeys() const { return {trial_keys_.begin(), trial_keys_.end()}; }

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
  std::set<std::string> keys_, trial_keys_;
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

ExperimentResult RunExperiment(const Experiment& whole, const ExperimentOptions& options, const Dataset& data,
                               ResultStore& store, ExperimentObserver& observer) {
  const auto [sizing, estimated_s] = LoadOrChooseSize(whole, options, data, store);
  const Experiment e = InForm(whole, sizing.form);
  const ExperimentSize& size = e.Size(sizing.form);
  const bool bracket = e.procedure && e.procedure->kind == Procedure::Kind::kBracket;
  const std::vector<PlannedRun> first =
      bracket ? BracketGrid(e, size, sizing, options) : PlanRuns(e, size, sizing, options.overrides);
  observer.OnPlan(first, sizing, estimated_s);
  Rounds rounds(e, size, sizing, options, data, store, observer);
  ExperimentResult& result = rounds.result();
  const size_t known = first.size() + TuningRuns(e);
  if (options.dry_run) {
    result.planned = known;
    return result;
  }
  // The definition first, so that a stopped experiment can be reported; again with what a procedure found.
  const auto store_documents = [&](const std::vector<std::string>& keys) {
    StoreDocuments(result.as_run, options, sizing, keys, rounds.TrialKeys(), first.front().spec, data, store);
  };
  std::vector<std::string> keys;
  for (const PlannedRun& run : first) keys.push_back(RunKeyHash(run.spec, data.hash));
  store_documents(keys);
  if (bracket) {
    rounds.Bracket();
  } else if (!e.procedure || rounds.Tune()) {
    rounds.Run(result.as_run.arms, PlanRuns(result.as_run, size, sizing, options.overrides));
  }
  if (e.procedure) store_documents(rounds.Keys());
  result.planned = std::max(result.planned, known);  // stopped, it has not come to all of them
  result.more_may_follow = bracket && result.interrupted;
  return result;
}

}  // namespace batchmark
