// A definition as the store keeps it, for the report and the verdict.
#include <nlohmann/json.hpp>

#include "training/experiment/definition.h"

namespace batchmark {
namespace {

using nlohmann::ordered_json;

ordered_json ContrastJson(const Contrast& c) {
  ordered_json j{{"name", c.name}};
  if (!c.a.empty()) j["a"] = c.a;
  if (!c.b.empty()) j["b"] = c.b;
  if (!c.arms.empty()) j["arms"] = c.arms;
  j["measure"] = c.measure, j["test"] = c.test, j["direction"] = c.direction;
  j["margin"] = c.margin;
  if (!c.role.empty()) j["role"] = c.role;
  if (c.min_effect != 0.0) j["min_effect"] = c.min_effect;
  if (c.n_min != 0) j["n_min"] = c.n_min;
  if (c.assumed_effect != 0.0) j["assumed_effect"] = c.assumed_effect;
  if (c.assumed_sd != 0.0) j["assumed_sd"] = c.assumed_sd;
  return j;
}

}  // namespace

std::string DefinitionJson(const Experiment& e, const DefinitionUse& use) {
  ordered_json j{{"name", e.name},         {"title", e.title},         {"claim", e.claim},
                 {"source", e.source},     {"form", use.form},         {"quick", use.form == "quick"},
                 {"seeds", use.seeds},     {"step_cap", use.step_cap}, {"target", use.target},
                 {"target_metric", use.target_metric}};
  j["arms"] = ordered_json::array();
  for (const Arm& arm : e.arms) {
    ordered_json set = ordered_json::object();
    for (const auto& [key, value] : arm.set) set[key] = value;
    j["arms"].push_back({{"name", arm.name}, {"set", set}});
  }
  j["factors"] = ordered_json::object();
  for (const auto& [word, key] : e.factors) j["factors"][word] = key;
  j["contrasts"] = ordered_json::array();
  for (const Contrast& c : e.contrasts) j["contrasts"].push_back(ContrastJson(c));
  if (e.calibration) {
    j["calibration"] = ContrastJson(e.calibration->contrast);
    j["calibration"]["arm"] = e.calibration->arm;
  }
  if (!use.runs.empty()) j["runs"] = use.runs;
  if (!use.trials.empty()) j["trials"] = use.trials;
  return j.dump(1);
}

}  // namespace batchmark
