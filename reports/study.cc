// Runs grouped for a reader: studies, their arms, factors and contrasts.
#include "reports/study.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "core/base/check.h"
#include "reports/format.h"
#include "reports/svg.h"

namespace batchmark::report {
namespace {

using Json = nlohmann::ordered_json;

bool ParseNumber(const std::string& text, double* value) {
  char* end = nullptr;
  *value = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0' && !std::isnan(*value);
}

// Numbers by value, then texts; "none" (no BN, no noise ...) before everything, since it is what
// others are compared with.
bool LevelLess(const std::string& a, const std::string& b) {
  if ((a == "none") != (b == "none")) return a == "none";
  double x = 0, y = 0;
  const bool a_number = ParseNumber(a, &x), b_number = ParseNumber(b, &y);
  if (a_number != b_number) return a_number;
  if (a_number && x != y) return x < y;
  return a < b;
}

std::string SpecValue(const RunRecord& run, const std::string& key) {
  const auto found = run.spec.find(key);
  return found == run.spec.end() ? "" : found->second;
}

// Documents come from other programs too: a field may be missing, or a number where a text is
// expected.
std::string TextOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

double NumberOf(const Json& object, const char* name, double fallback) {
  double value = 0;
  return ParseNumber(TextOf(object, name), &value) ? value : fallback;
}

void SortRuns(Arm& arm) {
  std::stable_sort(arm.runs.begin(), arm.runs.end(),
                   [](const RunRecord* a, const RunRecord* b) { return SeedOf(*a) < SeedOf(*b); });
}

// Spec keys, seed apart, that take more than one value.
std::vector<std::string> VaryingKeys(const std::vector<const RunRecord*>& runs) {
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

void FillLevels(Study& study) {
  for (Factor& factor : study.factors) {
    std::set<std::string> seen;
    for (Arm& arm : study.arms) {
      auto level = arm.levels.find(factor.key);
      if (level == arm.levels.end() && !arm.runs.empty()) {
        level = arm.levels.emplace(factor.key, SpecValue(*arm.runs[0], factor.key)).first;
      }
      if (level != arm.levels.end()) seen.insert(level->second);
    }
    factor.levels.assign(seen.begin(), seen.end());
    std::sort(factor.levels.begin(), factor.levels.end(), LevelLess);
  }
}

size_t LevelIndex(const Factor& factor, const Arm& arm) {
  const auto level = arm.levels.find(factor.key);
  if (level == arm.levels.end()) return 0;
  const auto at = std::find(factor.levels.begin(), factor.levels.end(), level->second);
  return at == factor.levels.end() ? 0 : static_cast<size_t>(at - factor.levels.begin());
}

bool IsNumeric(const Factor& factor) {
  double ignored = 0;
  return std::all_of(factor.levels.begin(), factor.levels.end(),
                     [&](const std::string& level) { return ParseNumber(level, &ignored); });
}

std::string Lightened(const std::string& color, double amount) {
  std::string out = "#";
  for (size_t i = 1; i < 7; i += 2) {
    const int channel = static_cast<int>(std::strtol(color.substr(i, 2).c_str(), nullptr, 16));
    char text[3];
    std::snprintf(text, sizeof text, "%02x",
                  static_cast<unsigned>(std::lround(channel + amount * (255 - channel))) & 255u);
    out += text;
  }
  return out;
}

std::string LevelColor(const Factor& factor, size_t index) {
  // BN keeps its colour in every report.
  static const std::map<std::string, size_t> placements = {{"pre", 0}, {"none", 1}, {"post", 2}};
  if (factor.key == "bn.placement" && index < factor.levels.size()) {
    const auto fixed = placements.find(factor.levels[index]);
    if (fixed != placements.end()) return CategoryColor(fixed->second);
  }
  if (IsNumeric(factor) && factor.levels.size() > 2) {
    return SequenceColor(0.85 * static_cast<double>(index) /
                         static_cast<double>(factor.levels.size() - 1));
  }
  return CategoryColor(index);
}

// Hue by the first factor; with a second one dash and lightness. More factors: a colour an arm.
void AssignStyles(Study& study) {
  static const char* const dashes[] = {"", "7 5", "2 4", "10 4 2 4"};
  const std::vector<Factor>& factors = study.factors;
  for (size_t i = 0; i < study.arms.size(); ++i) {
    Arm& arm = study.arms[i];
    if (factors.size() == 1 || factors.size() == 2) {
      arm.color = LevelColor(factors[0], LevelIndex(factors[0], arm));
    } else {
      arm.color = CategoryColor(i);
    }
    if (factors.size() != 2) continue;
    const Factor& second = factors[1];
    const size_t from_top = second.levels.size() - 1 - LevelIndex(second, arm);
    arm.dash = dashes[std::min<size_t>(from_top, 3)];
    arm.color = Lightened(
        arm.color,
        second.levels.size() < 2 ? 0 : 0.3 * static_cast<double>(std::min<size_t>(from_top, 2)));
  }
}

// Levels make the better label, unless two arms would share it.
void AssignLabels(Study& study) {
  std::map<std::string, int> uses;
  for (Arm& arm : study.arms) {
    std::vector<std::string> parts;
    for (const Factor& factor : study.factors) {
      const auto level = arm.levels.find(factor.key);
      if (level != arm.levels.end()) parts.push_back(LevelLabel(factor.key, level->second));
    }
    arm.label = parts.empty() ? arm.name : Joined(parts, ", ");
    ++uses[arm.label];
  }
  for (Arm& arm : study.arms) {
    if (uses[arm.label] > 1 || arm.label.empty())
      arm.label = arm.name.empty() ? "all runs" : arm.name;
  }
}

// A definition without factors: the keys that its arms set to different values.
void FindFactors(Study& study) {
  std::map<std::string, std::set<std::string>> values;
  for (const Arm& arm : study.arms) {
    for (const auto& [key, value] : arm.levels) values[key].insert(value);
  }
  for (const auto& [key, seen] : values) {
    if (seen.size() > 1) study.factors.push_back({key, key, {}});
  }
}

void ApplyDefinition(Study& study, const Json& document) {
  study.defined = true;
  study.title = TextOf(document, "title");
  study.claim = TextOf(document, "claim");
  study.source = TextOf(document, "source");
  study.target_metric = TextOf(document, "target_metric");
  study.target = NumberOf(document, "target", 0);
  study.quick = TextOf(document, "quick") == "true";
  study.step_cap = static_cast<int64_t>(NumberOf(document, "step_cap", 0));
  for (const Json& key : document.value("runs", Json::array()))
    study.run_keys.insert(key.get<std::string>());
  for (const Json& entry : document.value("arms", Json::array())) {
    Arm arm;
    arm.name = TextOf(entry, "name");
    const Json set = entry.value("set", Json::object());
    for (const auto& [key, value] : set.items()) {
      arm.levels[key] = value.is_string() ? value.get<std::string>() : value.dump();
    }
    study.arms.push_back(std::move(arm));
  }
  const Json factors = document.value("factors", Json::object());
  for (const auto& [name, key] : factors.items()) {
    study.factors.push_back({name, key.get<std::string>(), {}});
  }
  if (study.factors.empty()) FindFactors(study);
  for (const Json& entry : document.value("contrasts", Json::array())) {
    study.contrasts.push_back({TextOf(entry, "name"), TextOf(entry, "a"), TextOf(entry, "b"),
                               TextOf(entry, "measure"), TextOf(entry, "test"),
                               TextOf(entry, "direction"), NumberOf(entry, "margin", 0)});
  }
}

// One store may hold an experiment at several sizes (quick, full, another budget), under the same
// arms. The document describes the last one run, by the keys of its runs. Where it names none, or
// none that is there (a store merged from other machines), the size is what a spec says apart from
// the seed and from what tells arms apart.
std::vector<const RunRecord*> RunsOfOneSize(Study& study,
                                            const std::vector<const RunRecord*>& runs) {
  std::vector<const RunRecord*> named;
  for (const RunRecord* run : runs) {
    if (study.run_keys.count(run->key) && study.FindArm(run->arm)) named.push_back(run);
  }
  if (!named.empty()) {
    study.left_out = runs.size() - named.size();
    return named;
  }
  std::set<std::string> arm_keys = {"seed"};
  for (const Arm& arm : study.arms) {
    for (const auto& [key, value] : arm.levels) arm_keys.insert(key);
  }
  struct Group {
    std::vector<const RunRecord*> runs;
    bool described = false;
    std::string finished_at;
  };
  std::map<std::string, Group> groups;
  for (const RunRecord* run : runs) {
    if (!study.FindArm(run->arm)) continue;
    std::string size;
    for (const auto& [key, value] : run->spec)
      size += arm_keys.count(key) ? "" : key + "=" + value + "\n";
    Group& group = groups[size];
    double target = 0, steps = 0;
    group.described = ParseNumber(SpecValue(*run, "target"), &target) && target == study.target &&
                      (!ParseNumber(SpecValue(*run, "steps"), &steps) ||
                       steps == static_cast<double>(study.step_cap));
    group.finished_at = std::max(group.finished_at, run->finished_at);
    group.runs.push_back(run);
  }
  const Group* best = nullptr;
  for (const auto& [size, group] : groups) {
    const auto rank = [](const Group& g) {
      return std::make_tuple(g.described, g.finished_at, g.runs.size());
    };
    if (!best || rank(group) > rank(*best)) best = &group;
    study.left_out += group.runs.size();
  }
  if (!best) return {};
  // Sizes whose arms set their own steps look alike here: of two runs of one arm and seed the
  // later.
  std::map<std::pair<std::string, int64_t>, const RunRecord*> latest;
  for (const RunRecord* run : best->runs) {
    const RunRecord*& kept = latest[{run->arm, SeedOf(*run)}];
    if (!kept || kept->finished_at < run->finished_at) kept = run;
  }
  std::vector<const RunRecord*> one_size;
  for (const auto& [name, run] : latest) one_size.push_back(run);
  study.left_out -= one_size.size();
  return one_size;
}

void FillDefinedArms(Study& study, const std::vector<const RunRecord*>& runs) {
  for (Arm& arm : study.arms) {
    for (const RunRecord* run : runs) {
      if (run->arm == arm.name) arm.runs.push_back(run);
    }
    // A run's spec is the truth of what ran, and has the canonical spelling ("0.01", not "1e-2").
    if (arm.runs.empty()) continue;
    for (auto& [key, value] : arm.levels) {
      if (arm.runs[0]->spec.count(key)) value = SpecValue(*arm.runs[0], key);
    }
  }
}

void FindArms(Study& study, const std::vector<const RunRecord*>& runs) {
  const std::vector<std::string> keys = VaryingKeys(runs);
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

void FillFromRuns(Study& study, const std::vector<const RunRecord*>& runs) {
  double value = 0;
  for (const RunRecord* run : runs) {
    if (study.target_metric.empty()) study.target_metric = SpecValue(*run, "target_metric");
    if (study.target == 0 && ParseNumber(SpecValue(*run, "target"), &value)) study.target = value;
    if (study.eval_every == 0 && ParseNumber(SpecValue(*run, "eval_every"), &value)) {
      study.eval_every = static_cast<int64_t>(value);
    }
  }
  if (study.step_cap == 0) {
    for (const RunRecord* run : runs) study.step_cap = std::max(study.step_cap, run->steps);
  }
}

// The claims, judged on the runs that the report shows. Definitions by hand may leave the tests
// out: then there is no verdict.
void Judge(Study& study, const std::string& document) {
  if (study.contrasts.empty() || study.Seeds() == 0) return;
  for (const Contrast& contrast : study.contrasts) {
    if (contrast.test.empty()) return;
  }
  const ExperimentClaims claims = ParseExperimentClaims(document);
  std::vector<RunRecord> runs;
  for (const Arm& arm : study.arms) {
    for (const RunRecord* run : arm.runs) {
      runs.push_back(*run);
      runs.back().experiment = claims.name;
    }
  }
  study.finding = JudgeExperiment(runs, claims);
}

Json ParseDocument(const std::string& name, const std::string& text) {
  Json document = Json::parse(text, nullptr, false);
  if (!document.is_object())
    throw InputError("document " + name + " of the store is no JSON object");
  return document;
}

}  // namespace

size_t Arm::CountStatus(const std::string& status) const {
  return static_cast<size_t>(std::count_if(
      runs.begin(), runs.end(), [&](const RunRecord* run) { return run->status == status; }));
}

size_t Study::Seeds() const {
  size_t most = 0;
  for (const Arm& arm : arms) most = std::max(most, arm.runs.size());
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
  if (target_metric.find("accuracy") == std::string::npos) {
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
  std::map<std::string, std::vector<const RunRecord*>> groups;
  for (const RunRecord& record : records) groups[record.experiment].push_back(&record);
  std::vector<Study> studies;
  for (const auto& [experiment, runs] : groups) {
    Study study;
    study.experiment = experiment;
    const auto document = documents.find("experiment/" + experiment);
    if (document != documents.end()) {
      try {
        ApplyDefinition(study, ParseDocument(document->first, document->second));
      } catch (const nlohmann::json::exception& error) {
        throw InputError("document " + document->first +
                         " of the store has an unexpected shape: " + error.what());
      }
      FillDefinedArms(study, RunsOfOneSize(study, runs));
    }
    if (study.arms.empty()) FindArms(study, runs);
    for (Arm& arm : study.arms) SortRuns(arm);
    FillLevels(study);
    FillFromRuns(study, runs);
    AssignLabels(study);
    AssignStyles(study);
    if (study.defined) Judge(study, document->second);
    studies.push_back(std::move(study));
  }
  return studies;
}

std::string LevelLabel(const std::string& key, const std::string& value) {
  if (key == "bn.placement") {
    return value == "none"   ? "no BN"
           : value == "pre"  ? "BN"
           : value == "post" ? "BN after act."
                             : "BN " + value;
  }
  if (key == "lr" || key == "batch") return key + " " + value;
  if (key == "net" || key == "bn.stats" || key == "input" || key == "compute") return value;
  return key + " " + value;
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
