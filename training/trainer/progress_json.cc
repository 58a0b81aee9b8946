#include "training/trainer/progress_json.h"

#include <nlohmann/json.hpp>

#include "core/base/check.h"

namespace batchmark {

using nlohmann::json;

std::string ProgressJson(const Progress& p) {
  json readings = json::array();
  for (const Reading& r : p.outcome.readings) readings.push_back({r.step, r.name, r.value});
  return json{{"steps", p.outcome.steps},
              {"train_s", p.outcome.train_s},
              {"eval_s", p.outcome.eval_s},
              {"train_loss", p.outcome.train_loss},
              {"val_accuracy", p.outcome.val_accuracy},
              {"readings", readings},
              {"target", {p.target.met_in_a_row, p.target.first_step, p.target.first_train_s, p.target.confirmed}},
              {"loss_sum", p.loss_sum},
              {"loss_count", p.loss_count}}
      .dump();
}

Progress ParseProgress(const std::string& text) {
  try {
    const json j = json::parse(text);
    Progress p{};
    p.outcome.steps = j.at("steps");
    p.outcome.train_s = j.at("train_s");
    p.outcome.eval_s = j.at("eval_s");
    p.outcome.train_loss = j.at("train_loss");
    p.outcome.val_accuracy = j.at("val_accuracy");
    for (const json& r : j.at("readings")) p.outcome.readings.push_back({r.at(0), r.at(1), r.at(2)});
    const json& t = j.at("target");
    p.target = {t.at(0), t.at(1), t.at(2), t.at(3)};
    p.loss_sum = j.at("loss_sum");
    p.loss_count = j.at("loss_count");
    return p;
  } catch (const json::exception& error) {
    throw InputError(std::string("checkpoint header: ") + error.what());
  }
}

}  // namespace batchmark
