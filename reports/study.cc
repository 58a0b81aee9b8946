// Runs grouped for a reader: studies, their arms, factors and verdict.
#include "reports/study.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "reports/format.h"
#include "reports/study_parts.h"

namespace batchmark::report {
namespace {

void SortRuns(Arm& arm) {
  std::stable_sort(arm.runs.begin(), arm.runs.end(),
                   [](const RunRecord* a, const RunRecord* b) { return SeedOf(*a) < SeedOf(*b); });
}

// Spec keys, seed apart, that take more than one value.
std::vector<std::string> VaryingKeys(const Runs& runs) {
  std::map<std::string, std::set<std::string>> values;
  for (const RunRecord* run : runs) {
    for (const auto& [key, value] : run->spec) values[key].insert(value);
  }
  std::vector<std::string> keys;
  for (const auto& [key, seen] : values) {
    if (key != "seed" && seen.size() > 1) keys.push_back(key);
  }
  return keys;
}

void FindArms(Study& study, const Runs& runs) {
  const std::vector<std::string> keys = VaryingKeys(runs);
  study.factors_declared = true;
  for (const std::string& key : keys) study.factors.push_back({key, key, {}});
  std::vector<std::pair<std::vector<std::string>, Arm>> arms;
  for (const RunRecord* run : runs) {
    std::vector<std::string> values;
    for (const std::string& key : keys) values.push_back(SpecValue(*run, key));
    auto at = std::find_if(arms.begin(), arms.end(),
                           [&](const auto& entry) { return entry.first == values; });
    if (at == arms.end()) {
      Arm arm;
      std::vector<std::string> parts;
      for (size_t i = 0; i < keys.size(); ++i) {
        arm.levels[keys[i]] = values[i];
        parts.push_back(keys[i] + "=" + values[i]);
      }
      arm.name = Joined(parts, " ");
      arms.emplace_back(values, std::move(arm));
      at = arms.end() - 1;
    }
    at->second.runs.push_back(run);
  }
  std::sort(arms.begin(), arms.end(), [](const auto& a, const auto& b) {
    return std::lexicographical_compare(a.first.begin(), a.first.end(), b.first.begin(),
                                        b.first.end(), LevelLess);
  });
  for (auto& entry : arms) study.arms.push_back(std::move(entry.second));
}

void FillFromRuns(Study& study, const Runs& runs) {
  double value = 0;
  for (const RunRecord* run : runs) {
    if (study.target_metric.empty()) study.target_metric = SpecValue(*run, "target_metric");
    if (study.target == 0 && ParseNumber(SpecValue(*run, "target"), &value)) study.target = value;
    if (ParseNumber(SpecValue(*run, "eval_every"), &value)) {
      const auto every = static_cast<int64_t>(value);
      study.eval_every = study.eval_every == 0 ? every : std::min(study.eval_every, every);
      study.eval_every_most = std::max(study.eval_every_most, every);
    }
  }
  if (study.step_cap == 0) {
    for (const RunRecord* run : runs) study.step_cap = std::max(study.step_cap, run->steps);
  }
}

// As RunsOfOneSize: those that the document names, or all where it names none that is there.
Runs TrialsOfOneSize(const Study& study, const Runs& trials) {
  Runs named;
  for (const RunRecord* run : trials) {
    if (study.trial_keys.count(run->key)) named.push_back(run);
  }
  return named.empty() ? trials : named;
}

// By the code and on the runs of the terminal's verdict.
void Judge(Study& study) {
  if (!study.claims || !study.HasRuns()) return;
  std::vector<RunRecord> runs;
  const auto add = [&](const Arm& arm) {
    for (const RunRecord* run : arm.runs) {
      runs.push_back(*run);
      runs.back().experiment = study.claims->name;
    }
  };
  for (const Arm& arm : study.arms) add(arm);
  for (const Family& family : study.families) {
    for (const Arm& arm : family.arms) add(arm);
  }
  study.finding = JudgeExperiment(runs, *study.claims);
}

}  // namespace

size_t Arm::CountStatus(const std::string& status) const {
  return static_cast<size_t>(std::count_if(
      runs.begin(), runs.end(), [&](const RunRecord* run) { return run->status == status; }));
}

size_t Study::Seeds() const {
  size_t most = 0;
  for (const Arm& arm : arms) most = std::max(most, arm.runs.size());
  for (const Family& family : families) {
    for (const Arm& arm : family.arms) most = std::max(most, arm.runs.size());
  }
  return most;
}

const Arm* Study::FindArm(const std::string& name) const {
  for (const Arm& arm : arms) {
    if (arm.name == name) return &arm;
  }
  return nullptr;
}

const Arm* Study::FindArm(const std::map<std::string, std::string>& levels) const {
  for (const Arm& arm : arms) {
    const bool fits = std::all_of(levels.begin(), levels.end(), [&](const auto& wanted) {
      const auto at = arm.levels.find(wanted.first);
      return at != arm.levels.end() && at->second == wanted.second;
    });
    if (fits) return &arm;
  }
  return nullptr;
}

std::string Study::TargetText() const {
  if (!IsAccuracy(target_metric)) {
    return (target_metric.empty() ? "target " : MetricName(target_metric) + " ") + Exact(target);
  }
  const double percent = 100 * target;
  return Percent(target, std::abs(percent - std::round(percent)) < 1e-9 ? 0 : 1) + " " +
         MetricName(target_metric);
}

std::string Study::TimesNote() const {
  std::set<std::string> machines, binaries;
  bool measured = false;
  for (const Arm& arm : arms) {
    for (const RunRecord* run : arm.runs) {
      machines.insert(run->host_id);
      binaries.insert(run->binary_id);
      measured = measured || run->ms_per_step > 0;
    }
  }
  if (!measured) return "No wall times were recorded.";
  if (std::any_of(machines.begin(), machines.end(), SharedItsMachine))
    return "Runs shared the machine (--convergence-only): their seconds mean nothing and are not "
           "shown.";
  if (machines.size() > 1)
    return "Wall times come from " + Plural(machines.size(), "machine") +
           ", so seconds are not compared.";
  if (binaries.size() > 1)
    return "Wall times come from " + std::to_string(binaries.size()) +
           " binaries, so seconds are not compared.";
  return "";
}

bool Study::HasTimes() const { return TimesNote().empty(); }

std::vector<Study> FindStudies(const std::vector<RunRecord>& records,
                               const std::map<std::string, std::string>& documents) {
  static const std::string kTuning = "/tuning";
  std::map<std::string, std::vector<const RunRecord*>> groups, trials;
  for (const RunRecord& record : records) {
    const std::string& name = record.experiment;
    const std::string tuned =
        name.ends_with(kTuning) ? name.substr(0, name.size() - kTuning.size()) : "";
    if (documents.count("experiment/" + tuned)) {
      groups[tuned];  // also before any run of its own
      trials[tuned].push_back(&record);
    } else {
      groups[name].push_back(&record);
    }
  }
  std::vector<Study> studies;
  for (const auto& [experiment, runs] : groups) {
    Study study;
    study.experiment = experiment;
    const auto document = documents.find("experiment/" + experiment);
    if (document != documents.end()) {
      ApplyDefinition(study, document->first, document->second);
      FillDefinedArms(study, RunsOfOneSize(study, runs));
    }
    if (study.arms.empty()) FindArms(study, runs);
    study.trials = TrialsOfOneSize(study, trials[experiment]);
    for (Arm& arm : study.arms) SortRuns(arm);
    FillLevels(study);
    FillFromRuns(study, runs);
    AssignLabels(study);
    AssignStyles(study);
    TakeFamilies(study);
    Judge(study);
    studies.push_back(std::move(study));
  }
  return studies;
}

std::string SpecValue(const RunRecord& run, const std::string& key) {
  const auto found = run.spec.find(key);
  return found == run.spec.end() ? "" : found->second;
}

int64_t SeedOf(const RunRecord& run) {
  return std::strtoll(SpecValue(run, "seed").c_str(), nullptr, 10);
}

Bound StepsToTarget(const Study& study, const RunRecord& run) {
  if (run.steps_to_target) return {static_cast<double>(*run.steps_to_target), false};
  const int64_t last = run.status == "diverged" ? std::max(run.steps, study.step_cap) : run.steps;
  return {static_cast<double>(last), true};
}

Bound SecondsToTarget(const Study& study, const RunRecord& run) {
  if (run.time_to_target_s) return {*run.time_to_target_s, false};
  if (run.status != "diverged") return {run.train_s, true};
  return {std::max(run.train_s, StepsToTarget(study, run).value * run.ms_per_step / 1000), true};
}

}  // namespace batchmark::report
