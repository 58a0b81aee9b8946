// An experiment's definition as the store keeps it, and the runs that belong to it.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "core/base/check.h"
#include "reports/study_parts.h"
#include "reports/svg.h"
#include "reports/verdict_text.h"

namespace batchmark::report {
namespace {

using Json = nlohmann::ordered_json;

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

void ReadDefinition(Study& study, const Json& document) {
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
  for (const Json& key : document.value("trials", Json::array()))
    study.trial_keys.insert(key.get<std::string>());
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
  study.factors_declared = !study.factors.empty();
  if (!study.factors_declared) FindFactors(study);
}

// Claims of definitions by hand may leave the tests out: then there is no verdict.
bool HasTests(const Json& document) {
  const Json contrasts = document.value("contrasts", Json::array());
  return !contrasts.empty() &&
         std::all_of(contrasts.begin(), contrasts.end(),
                     [](const Json& entry) { return !TextOf(entry, "test").empty(); });
}

}  // namespace

void ApplyDefinition(Study& study, const std::string& name, const std::string& text) {
  const Json document = Json::parse(text, nullptr, false);
  if (!document.is_object())
    throw InputError("document " + name + " of the store is no JSON object");
  try {
    ReadDefinition(study, document);
    if (HasTests(document)) study.claims = ParseExperimentClaims(text);
  } catch (const nlohmann::json::exception& error) {
    throw InputError("document " + name + " of the store has an unexpected shape: " + error.what());
  }
}

// One store may hold an experiment at several sizes (quick, full, another budget), under the same
// arms. The document describes the last one run, by the keys of its runs. Where it names none, or
// none that is there (a store merged from other machines), the size is what a spec says apart from
// the seed and from what tells arms apart.
Runs RunsOfOneSize(Study& study, const Runs& runs) {
  Runs named;
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
    Runs runs;
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
  Runs one_size;
  for (const auto& [name, run] : latest) one_size.push_back(run);
  study.left_out -= one_size.size();
  return one_size;
}

void FillDefinedArms(Study& study, const Runs& runs) {
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

void TakeFamilies(Study& study) {
  if (!study.claims) return;
  std::map<std::string, size_t> index;
  for (const ContrastClaim& claim : study.claims->contrasts) {
    for (const std::string& name : ArmsOf(claim)) {
      if (!name.ends_with('*') || index.count(name)) continue;
      index[name] = study.families.size();
      study.families.push_back({ArmText(name), CategoryColor(study.families.size()), {}});
      const std::string start = name.substr(0, name.size() - 1);
      const auto is_of = [&](const Arm& arm) { return arm.name.rfind(start, 0) == 0; };
      for (const Arm& arm : study.arms) {
        if (is_of(arm)) study.families.back().arms.push_back(arm);
      }
      std::erase_if(study.arms, is_of);
    }
  }
  std::erase_if(study.families, [](const Family& family) { return family.arms.empty(); });
}

}  // namespace batchmark::report
