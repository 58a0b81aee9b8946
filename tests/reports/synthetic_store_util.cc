// Made-up runs for tests of the report. Draws are from a small generator of its own, so that golden
// files hold everywhere.
#include "tests/reports/synthetic_store_util.h"

#include <cmath>
#include <limits>

namespace batchmark::test {
namespace {

class Draws {
 public:
  explicit Draws(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 0x1234567) {}
  // About normal: twelve uniforms.
  double Normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum;
  }
  double Uniform() {
    state_ ^= state_ << 13, state_ ^= state_ >> 7, state_ ^= state_ << 17;
    return static_cast<double>(state_ >> 11) / 9007199254740992.0;
  }

 private:
  uint64_t state_;
};

struct Course {
  double speed;  // steps in which the error falls to about a third
  double ms_per_step;
  double target;
  int64_t eval_every, cap;
  bool diverges = false;
};

// Rounded: libm may differ in the last bit between machines, golden files must not.
double Rounded(double value) { return std::round(value * 1e6) / 1e6; }

void RunCourse(RunRecord& r, const Course& c, Draws& draws) {
  const double speed = c.speed * std::exp(0.12 * draws.Normal());
  const double ms = Rounded(c.ms_per_step * std::exp(0.02 * draws.Normal()));
  r.status = "capped";
  r.steps = c.cap;
  for (int64_t step = c.eval_every; step <= c.cap; step += c.eval_every) {
    const auto t = static_cast<double>(step);
    if (c.diverges && step > c.cap / 3) {
      r.status = "diverged";
      r.steps = r.diverged_step = step - c.eval_every / 2;
      r.diverged_place = "loss";
      r.train_loss = std::numeric_limits<double>::quiet_NaN();
      break;
    }
    const double error = 0.9 * std::pow(1 + t / speed, -1.15);
    const double accuracy = Rounded(std::round((1 - error + 0.004 * draws.Normal()) * 1000) / 1000);
    r.val_accuracy = std::min(accuracy, 0.999);
    r.train_loss = Rounded(2.5 * error * std::exp(0.05 * draws.Normal()));
    r.readings.push_back({step, "train_loss", r.train_loss});
    r.readings.push_back({step, "val_accuracy", r.val_accuracy});
    if (!r.steps_to_target && r.val_accuracy >= c.target) r.steps_to_target = step;
  }
  if (r.status == "diverged") r.steps_to_target.reset();
  if (r.steps_to_target) {
    r.status = "reached";
    r.time_to_target_s = Rounded(static_cast<double>(*r.steps_to_target) * ms / 1000);
  }
  r.ms_per_step = r.ms_per_step_median = ms;
  r.train_s = Rounded(static_cast<double>(r.steps) * ms / 1000);
  r.samples_per_s = Rounded(32000 / ms);
  r.test_accuracy = Rounded(r.val_accuracy - 0.003);
}

RunRecord Blank(const std::string& experiment) {
  RunRecord r;
  r.experiment = experiment;
  r.data_name = "synthetic runs (no data set)";
  r.data_hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  r.backend = "AVX3", r.compute = "fp32", r.threads = 2;
  r.binary_id = "synthetic-binary", r.host_id = "synthetic-host";
  r.started_at = r.finished_at = "2024-01-01T00:00:00Z";
  r.spec = {{"net", "seed-cnn"},
            {"batch", "32"},
            {"target", "0.9"},
            {"target_metric", "val_accuracy"},
            {"bn.stats", "batch"}};
  return r;
}

}  // namespace

void FillSyntheticSeed(ResultStore& store, const SyntheticSeedOptions& options) {
  const struct {
    const char *name, *placement, *lr;
    double speed, ms;
  } arms[] = {
      {"BN, lr 0.01", "pre", "0.01", 11, 8.1},
      {"no BN, lr 0.01", "none", "0.01", 46, 6.9},
      {"BN, lr 0.001", "pre", "0.001", 34, 8.0},
      {"no BN, lr 0.001", "none", "0.001", 330, 6.9},
  };
  for (const auto& arm : arms) {
    for (int seed = 1; seed <= options.seeds; ++seed) {
      RunRecord r = Blank("seed-keras-mnist");
      r.arm = arm.name;
      r.key = std::string("synthetic ") + arm.name + " " + std::to_string(seed);
      r.spec["bn.placement"] = arm.placement, r.spec["lr"] = arm.lr;
      r.spec["seed"] = std::to_string(seed), r.spec["eval_every"] = "20",
      r.spec["steps"] = std::to_string(options.step_cap);
      // Paired: a seed's luck is partly shared by its arms.
      Draws draws(static_cast<uint64_t>(seed) * 101 + static_cast<uint64_t>(arm.speed));
      const bool diverges =
          options.diverge && seed == options.seeds && std::string(arm.name) == "no BN, lr 0.01";
      RunCourse(r, {arm.speed, arm.ms, 0.9, 20, options.step_cap, diverges}, draws);
      store.Put(r);
    }
  }
  const std::string cap = std::to_string(options.step_cap), seeds = std::to_string(options.seeds);
  store.PutDocument(
      "experiment/seed-keras-mnist", R"({
 "name": "seed-keras-mnist",
 "title": "Synthetic: a made-up run of the seed experiment",
 "claim": "With batch normalization the network converges in far fewer steps, and to a lower training loss.",
 "source": "Synthetic runs for tests of the report; nothing here was measured.",
 "quick": true, "seeds": )" + seeds + R"(, "step_cap": )" +
                                         cap + R"(, "target": 0.9, "target_metric": "val_accuracy",
 "arms": [
  {"name": "BN, lr 0.01", "set": {"bn.placement": "pre", "lr": "0.01"}},
  {"name": "no BN, lr 0.01", "set": {"bn.placement": "none", "lr": "0.01"}},
  {"name": "BN, lr 0.001", "set": {"bn.placement": "pre", "lr": "0.001"}},
  {"name": "no BN, lr 0.001", "set": {"bn.placement": "none", "lr": "0.001"}}],
 "factors": {"bn": "bn.placement", "lr": "lr"},
 "contrasts": [
  {"name": "as printed: BN at 0.01 against no BN at 0.001", "a": "BN, lr 0.01", "b": "no BN, lr 0.001", "measure": "steps_to_target", "test": "sign", "direction": "less"},
  {"name": "BN at equal rate 0.01", "a": "BN, lr 0.01", "b": "no BN, lr 0.01", "measure": "steps_to_target", "test": "sign", "direction": "less"},
  {"name": "final training loss, as printed", "a": "BN, lr 0.01", "b": "no BN, lr 0.001", "measure": "train_loss", "test": "paired", "direction": "less"},
  {"name": "final training loss at equal rate 0.01", "a": "BN, lr 0.01", "b": "no BN, lr 0.01", "measure": "train_loss", "test": "paired", "direction": "less"}]
})");
  store.PutDocument(
      "environment",
      R"json({"batchmark": "0.1.0 (synthetic)", "compiler": "none, synthetic", "cpu": "made up", "cores available": 2})json");
  store.PutDocument("command", "batchmark experiment run seed-keras-mnist --quick");
  store.PutDocument(
      "budget/seed-keras-mnist",
      R"({"full": {"seeds": 3}, "used": {"seeds": 3, "steps": 600}, "sentence": "The whole experiment would take 2.1 min here; to fit 1.5 min it was cut: steps 900 -> 600."})");
}

void FillSyntheticSweep(ResultStore& store) {
  for (const char* placement : {"none", "pre"}) {
    for (int b = 0; b < 6; ++b) {
      for (int l = 0; l < 7; ++l) {
        for (int seed = 1; seed <= 2; ++seed) {
          RunRecord r = Blank("");
          const int batch = 8 << (b * 1);
          const double lr = 0.001 * std::pow(10.0, l * 0.5);
          char text[32];
          std::snprintf(text, sizeof text, "%.3g", lr);
          r.spec["batch"] = std::to_string(batch), r.spec["lr"] = text,
          r.spec["bn.placement"] = placement;
          r.spec["seed"] = std::to_string(seed), r.spec["eval_every"] = "25",
          r.spec["steps"] = "2000";
          const bool bn = std::string(placement) == "pre";
          const double rate = lr * std::sqrt(static_cast<double>(batch) / 32);
          r.key = std::string("synthetic sweep ") + placement + " " + std::to_string(batch) + " " +
                  text + " " + std::to_string(seed);
          Draws draws(static_cast<uint64_t>(b * 1000 + l * 10 + seed));
          RunCourse(r,
                    {(bn ? 0.25 : 0.6) / rate + 6 + 60 * rate, 0.6 + 0.19 * batch * (bn ? 1.15 : 1),
                     0.9, 25, 2000, rate > (bn ? 1.2 : 0.25)},
                    draws);
          store.Put(r);
        }
      }
    }
  }
}

void FillSyntheticPercentiles(ResultStore& store) {
  for (const char* placement : {"none", "pre"}) {
    const bool bn = std::string(placement) == "pre";
    RunRecord r = Blank("ioffe-fig1");
    r.arm = r.spec["bn.placement"] = placement;
    r.spec["seed"] = "1";
    r.key = std::string("synthetic percentiles ") + placement;
    Draws draws(bn ? 5 : 6);
    RunCourse(r, {bn ? 400.0 : 3000.0, 0.2, 0.9, 500, 50000}, draws);
    for (int unit = 0; unit < 5; ++unit) {
      double middle = 0, spread = bn ? 1.0 : 0.1;
      for (int64_t step = 500; step <= 50000; step += 500) {
        middle += (bn ? 0.01 : 0.05) * draws.Normal() * (1 + unit) /
                  std::sqrt(static_cast<double>(step) / 500);
        spread *= std::exp((bn ? 0.0 : 0.3) / std::sqrt(static_cast<double>(step)));
        const std::string name = ".u" + std::to_string(unit);
        r.readings.push_back({step, "preact_p15" + name, Rounded(middle - spread)});
        r.readings.push_back({step, "preact_p50" + name, Rounded(middle)});
        r.readings.push_back({step, "preact_p85" + name, Rounded(middle + spread)});
      }
    }
    r.readings.push_back({50000, "preact_unit", 2});
    store.Put(r);
  }
}

void FillSyntheticNoise(ResultStore& store) {
  const struct {
    const char* stats;
    double speed;
  } dial[] = {
      {"ghost:4", 60}, {"ghost:16", 45}, {"batch", 40}, {"wide:512", 41}, {"population", 70}};
  for (const auto& [stats, speed] : dial) {
    for (int seed = 1; seed <= 6; ++seed) {
      RunRecord r = Blank("");
      r.spec["bn.stats"] = stats, r.spec["bn.placement"] = "pre",
      r.spec["seed"] = std::to_string(seed);
      r.key = std::string("synthetic noise ") + stats + " " + std::to_string(seed);
      Draws draws(static_cast<uint64_t>(speed) * 31 + static_cast<uint64_t>(seed));
      RunCourse(r, {speed, 2, 0.9, 50, 2000}, draws);
      store.Put(r);
    }
  }
}

}  // namespace batchmark::test
