// Probes read and never write: the same state with and without them; and they measure what they say.
#include "training/trainer/probes.h"

#include <cmath>
#include <map>

#include "core/base/check.h"
#include "tests/support/catch.h"
#include "training/trainer/trainer.h"

namespace batchmark {
namespace {

const Dataset& Digits() {
  static const Dataset data = LoadDataset("synth-digits", "");
  return data;
}

RunOutcome Run(const std::map<std::string, std::string>& settings) {
  RunSpec spec;
  for (const auto& [key, value] :
       std::map<std::string, std::string>{{"net", "conv3x3:3 relu, dropout:0.2, flatten, dense:12 relu, dense:9 sigmoid, dense:10"},
                                          {"batch", "16"},
                                          {"steps", "6"},
                                          {"eval_every", "3"},
                                          {"eval_size", "128"},
                                          {"threads", "2"}})
    SetRunKey(spec, key, value);
  for (const auto& [key, value] : settings) SetRunKey(spec, key, value);
  return RunTraining(ResolveRunSpec(spec), Digits());
}

const char* const kAll = "preact+preact_train+activations+gradients+noise+landscape+batch_stats+state";

std::map<std::string, double> Last(const RunOutcome& outcome) {
  std::map<std::string, double> last;
  for (const Reading& reading : outcome.readings) last[reading.name] = reading.value;
  return last;
}

TEST_CASE("Probes leave the run's state alone", "[probes]") {
  for (const char* placement : {"none", "pre", "post"}) {
    for (const char* stats : {"batch", "ghost:5", "wide:40", "population+gauss:4", "renorm:2,1"}) {
      CAPTURE(placement, stats);
      const std::map<std::string, std::string> plain = {{"bn.placement", placement}, {"bn.stats", stats}};
      auto probed = plain;
      probed["probe"] = kAll, probed["probe_every"] = "2";
      const RunOutcome with = Run(probed), without = Run(plain);
      CHECK(with.state_hash == without.state_hash);
      CHECK(with.test_accuracy == without.test_accuracy);
      CHECK(with.readings.size() > without.readings.size());
    }
  }
}

// Under precise:K statistics are gathered for the weights of one step, by whoever asks first.
TEST_CASE("Probes and evaluations never see statistics of earlier weights", "[probes]") {
  const auto readings = [](const char* probe, const char* probe_every, const char* eval_every) {
    std::map<std::string, double> values;
    for (const Reading& r : Run({{"bn.eval", "precise:64"},
                                 {"lr", "0.5"},
                                 {"probe", probe},
                                 {"probe_every", probe_every},
                                 {"eval_every", eval_every}}).readings)
      values[r.name + "@" + std::to_string(r.step)] = r.value;
    return values;
  };
  const auto plain = readings("none", "auto", "3");
  for (const char* probe : {"activations", "preact", "landscape+noise"}) {
    CAPTURE(probe);
    const auto probed = readings(probe, "2", "3");  // probes at 0, 2, 4, 6; evaluations at 3, 6
    for (const char* name : {"val_loss@3", "val_loss@6", "val_accuracy@6"}) CHECK(probed.at(name) == plain.at(name));
  }
  const auto often = readings("activations", "1", "1"), once = readings("activations", "6", "3");
  for (const char* name : {"act_sd.0@0", "act_sd.4@0", "act_sd.0@6", "act_sd.4@6"})
    CHECK(often.at(name) == once.at(name));
}

TEST_CASE("Probes' readings do not depend on threads", "[probes][threads]") {
  const auto readings = [](const char* threads) {
    std::vector<std::pair<std::string, double>> values;
    for (const Reading& r : Run({{"probe", kAll}, {"threads", threads}, {"bn.stats", "ghost:5"}}).readings)
      values.emplace_back(r.name + "@" + std::to_string(r.step), r.value);
    return values;
  };
  CHECK(readings("1") == readings("3"));
}

TEST_CASE("Percentiles of every unit, in order, with the run's drift", "[probes]") {
  for (const char* placement : {"none", "pre", "post"}) {
    const RunOutcome outcome = Run({{"probe", "preact"}, {"bn.placement", placement}, {"lr", "0.5"}});
    const auto last = Last(outcome);
    size_t percentiles = 0;
    for (const Reading& r : outcome.readings) percentiles += r.name.rfind("preact_p", 0) == 0;
    CHECK(percentiles == 3 * 3 * 9);  // at steps 0, 3, 6: three of nine units
    for (int unit = 0; unit < 9; ++unit) {
      const std::string u = ".u" + std::to_string(unit);
      CHECK(last.at("preact_p15" + u) <= last.at("preact_p50" + u));
      CHECK(last.at("preact_p50" + u) <= last.at("preact_p85" + u));
    }
    CHECK(last.at("preact_drift") > 0);
    CHECK(last.at("preact_unit") < 9);
  }
}

TEST_CASE("Percentiles are of the activation's input, wherever batch norm stands and whatever is stored", "[probes]") {
  // Before the first step moving moments are 0 and 1 and gamma and beta do nothing: u is the same in every
  // placement but for the rsqrt(1 + eps) of at most two layers. sigmoid(u), or a scaled u, is not.
  for (const char* act : {"relu", "sigmoid", "tanh"}) {
    const auto at_start = [&](const char* placement) {
      const std::string net = std::string("flatten, dense:12 ") + act + ", dense:9 " + act + ", dense:10";
      std::map<std::string, double> start;
      for (const Reading& r : Run({{"probe", "preact"}, {"net", net}, {"bn.placement", placement}}).readings)
        if (r.step == 0 && r.name.rfind("preact_p", 0) == 0) start[r.name] = r.value;
      return start;
    };
    const auto none = at_start("none");
    CHECK(none.size() == 3 * 9);
    for (const char* placement : {"pre", "post"}) {
      for (const auto& [name, value] : at_start(placement)) {
        CAPTURE(act, placement, name);
        CHECK(std::abs(value - none.at(name)) < 0.005 * std::max(1.0, std::abs(none.at(name))));
      }
    }
  }
}

TEST_CASE("Jitter makes the distributions of training steps drift, not those of evaluation", "[probes]") {
  const auto drift = [](const std::string& jitter, const char* name) {
    return Last(Run({{"probe", "preact+preact_train"}, {"bn.placement", "post"}, {"probe_every", "1"},
                     {"net", "flatten, dense:12 relu, " + jitter + "dense:9 sigmoid, dense:10"}, {"lr", "0.001"}}))
        .at(name);
  };
  CHECK(drift("jitter:1, ", "preact_train_drift") > 3.0 * drift("", "preact_train_drift"));
  CHECK(drift("jitter:1, ", "preact_drift") < 1.5 * drift("", "preact_drift"));
}

TEST_CASE("The measured noise is the dial's", "[probes][noise]") {
  const auto noise = [](const std::string& stats, const std::string& batch = "32") {
    return Last(Run({{"probe", "noise"},
                     {"net", "flatten, dense:40 relu, dense:40 relu, dense:10"},
                     {"bn.stats", stats},
                     {"batch", batch},
                     {"steps", "1"}}));
  };
  // In the first layer about 1 / m for a mean of m values, and near 1 / (2 m) for a sd, as far as 32 groups
  // tell. Behind a normalized layer the mean's noise is far smaller: that layer's outputs balance in each group.
  for (const auto& [stats, m] : std::map<std::string, double>{{"ghost:4", 4}, {"ghost:16", 16}, {"batch", 32},
                                                              {"population+gauss:4", 4}, {"wide:512", 512}}) {
    const auto got = noise(stats);
    CAPTURE(stats, got.at("noise_mean.1"), got.at("noise_sd.1"));
    if (stats != "population+gauss:4") {  // its moving moments, after one step, are not the population's yet
      CHECK(got.at("noise_mean.1") * m > 0.6);
      CHECK(got.at("noise_mean.1") * m < 1.6);
      CHECK(got.at("noise_sd.1") < got.at("noise_mean.1"));
    }
    CHECK(got.at("noise_sd.1") > 0);
  }
  CHECK(noise("population").at("noise_mean") == 0.0);
  CHECK(noise("population").at("shift") >= 1.0);
  CHECK(Last(Run({{"probe", "noise"}, {"bn.placement", "none"}})).count("noise_mean") == 0);
}

TEST_CASE("The walk along the gradient sees a curved loss, and gradients have a length", "[probes]") {
  const auto last = Last(Run({{"probe", "landscape+gradients+activations"}, {"lr", "0.1"}}));
  CHECK(last.at("landscape_loss") > 0);
  CHECK(last.at("landscape_gradient") > 0);
  CHECK(last.at("landscape_beta") > 0);
  CHECK(last.at("grad_norm") >= last.at("grad_norm.0"));
  CHECK(last.at("act_sd.4") > 0);  // the sigmoid layer
  CHECK(last.at("act_sd.4") < 0.5);
}

TEST_CASE("Probes that do not fit are refused", "[probes]") {
  CHECK_THROWS_AS(Run({{"probe", "preact"}, {"net", "conv3x3:3 relu, flatten, dense:10"}}), Error);
  CHECK_THROWS_AS(ParseProbeSpec("noise+nois"), Error);
  CHECK(ToText(ParseProbeSpec("state+noise")) == "noise+state");
  CHECK(ToText(ParseProbeSpec("none")) == "none");
}

}  // namespace
}  // namespace batchmark
