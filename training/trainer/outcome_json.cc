// The JSON object of `train --json`.
#include <cmath>
#include <nlohmann/json.hpp>

#include "training/trainer/trainer.h"

namespace batchmark {
namespace {

using nlohmann::ordered_json;

// JSON has no NaN and no infinity: a diverged loss is null.
ordered_json Number(double value) { return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr); }

template <class T>
ordered_json OrNull(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

}  // namespace

std::string OutcomeJson(const RunSpec& resolved, const Dataset& data, const RunOutcome& o) {
  ordered_json j;
  j["status"] = ToText(o.status);
  j["steps"] = o.steps;
  j["steps_to_target"] = OrNull(o.steps_to_target);
  j["time_to_target_s"] = OrNull(o.time_to_target_s);
  j["train_s"] = o.train_s;
  j["eval_s"] = o.eval_s;
  j["wall_s"] = o.wall_s;
  j["ms_per_step"] = o.ms_per_step;
  j["ms_per_step_median"] = o.ms_per_step_median;
  j["samples_per_s"] = o.samples_per_s;
  j["bn_share"] = nullptr;  // fused: cannot be timed inside one run
  j["train_loss"] = Number(o.train_loss);
  j["val_accuracy"] = Number(o.val_accuracy);
  j["test_accuracy"] = Number(o.test_accuracy);
  j["data"] = data.name + " " + data.hash;
  j["backend"] = o.backend;
  j["compute"] = resolved.compute;
  j["threads"] = o.threads;
  j["state_hash"] = o.state_hash;
  if (o.status == RunStatus::kDiverged) {
    j["diverged_step"] = o.diverged_step;
    j["diverged_place"] = o.diverged_place;
  }
  j["spec"] = ordered_json::parse(SpecJson(resolved));
  return j.dump();
}

}  // namespace batchmark
