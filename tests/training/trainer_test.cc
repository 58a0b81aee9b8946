// Whole runs: same bits on any thread count, divergence as a result, resume, targets, impossible specs.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/simd/backend.h"
#include "tests/support/catch.h"
#include "tests/support/test_folder.h"
#include "training/trainer/session.h"
#include "training/trainer/target_rule.h"
#include "training/trainer/trainer.h"

namespace batchmark {
namespace {

const Dataset& Digits() {
  static const Dataset data = LoadDataset("synth-digits", "");
  return data;
}

RunSpec Spec(const std::map<std::string, std::string>& settings) {
  RunSpec spec;
  for (const auto& [key, value] : std::map<std::string, std::string>{{"data", "synth-digits"}, {"eval_size", "64"}, {"threads", "2"}}) {
    SetRunKey(spec, key, value);
  }
  for (const auto& [key, value] : settings) SetRunKey(spec, key, value);
  ValidateRunSpec(spec);
  return ResolveRunSpec(spec);
}

constexpr const char* kSmallNet = "conv3x3:4 relu, maxpool2, flatten, dense:12 relu, dense:10";

// Asks to stop once, after a given step.
class StopAfter : public RunObserver {
 public:
  explicit StopAfter(int64_t step) : stop_(step) {}
  void OnStep(int64_t step, int64_t, double) override { step_ = step; }
  bool StopRequested() override { return step_ == stop_; }

 private:
  int64_t stop_, step_ = 0;
};

std::string Message(const std::map<std::string, std::string>& settings) {
  try {
    RunTraining(Spec(settings), Digits());
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::kBadInput);
    return error.what();
  }
  return "";
}

// Steps and one evaluation, without the whole validation and test sets at the end of RunTraining.
std::string StateAfterSteps(const std::map<std::string, std::string>& settings) {
  TrainingSession session(Spec(settings), Digits(), {});
  while (session.outcome().steps < session.total_steps() && session.Step()) {
  }
  session.Evaluate();
  CHECK(std::isfinite(session.outcome().train_loss));
  return session.StateHash();
}

TEST_CASE("The state after a few steps is the same on 1, 2, 3 and 8 threads", "[trainer][threads]") {
  const std::vector<std::map<std::string, std::string>> nets = {
      {{"net", "seed-cnn"}, {"bn.placement", "pre"}, {"steps", "3"}},
      {{"net", "seed-cnn"}, {"bn.placement", "post"}, {"steps", "3"}},
      {{"net", "seed-cnn"}, {"bn.placement", "none"}, {"steps", "3"}},
      {{"net", "seed-cnn"}, {"bn.stats", "ghost:5"}, {"steps", "3"}},
      {{"net", "ioffe-mlp"}, {"batch", "60"}, {"input", "binary"}, {"steps", "20"}},
      {{"net", "conv3x3:8 relu, dropout:0.3, flatten, dense:10"}, {"momentum", "0.9"}, {"steps", "5"}},
  };
  for (auto settings : nets) {
    settings["threads"] = "1";
    const std::string one = StateAfterSteps(settings);
    for (const char* threads : {"2", "3", "8"}) {
      settings["threads"] = threads;
      CAPTURE(settings.at("net"), threads);
      CHECK(StateAfterSteps(settings) == one);
    }
  }
}

TEST_CASE("Another seed, rate or noise gives another state", "[trainer]") {
  const std::map<std::string, std::string> base = {{"net", kSmallNet}, {"steps", "4"}};
  const std::string state = StateAfterSteps(base);
  CHECK(StateAfterSteps(base) == state);
  for (const auto& [key, value] : std::map<std::string, std::string>{
           {"seed", "2"}, {"lr", "0.02"}, {"bn.stats", "ghost:8"}, {"bn.placement", "none"}, {"batch", "31"},
           {"bn.eval", "cumulative"}, {"weight_decay", "0.1"}, {"bn.gamma_decay", "0.1"}, {"bn.affine", "false"},
           {"init", "he"}, {"input", "standardize"}, {"order", "sorted:2"}}) {
    auto settings = base;
    settings[key] = value;
    CAPTURE(key, value);
    CHECK(StateAfterSteps(settings) != state);
  }
}

TEST_CASE("Training learns", "[trainer]") {
  const RunOutcome outcome = RunTraining(
      Spec({{"net", kSmallNet}, {"steps", "400"}, {"lr", "0.1"}, {"bn.eval", "ema:0.9"}, {"eval_every", "50"}, {"target", "0.8"}, {"eval_size", "1000"}}),
      Digits());
  CHECK(outcome.status == RunStatus::kReached);
  CHECK(outcome.test_accuracy > 0.8);
  CHECK(outcome.steps == 400);
  REQUIRE(outcome.steps_to_target);
  CHECK(*outcome.steps_to_target % 50 == 0);
  CHECK(*outcome.time_to_target_s > 0);
  CHECK(*outcome.time_to_target_s <= outcome.train_s);
}

TEST_CASE("A run stops at its confirmed target when asked to", "[trainer]") {
  const RunOutcome outcome = RunTraining(Spec({{"net", kSmallNet}, {"steps", "400"}, {"lr", "0.1"}, {"bn.eval", "ema:0.9"}, {"eval_every", "10"}, {"target", "0.3"},
                              {"confirm", "1"}, {"stop_at_target", "true"}}), Digits());
  REQUIRE(outcome.steps_to_target);
  CHECK(outcome.steps == *outcome.steps_to_target + 10);
}

TEST_CASE("A rate of 1e6 without batch norm is recorded as diverged, with step and place", "[trainer][diverged]") {
  const RunOutcome plain =
      RunTraining(Spec({{"lr", "1e6"}, {"bn.placement", "none"}, {"net", kSmallNet}, {"steps", "50"}}), Digits());
  CHECK(plain.status == RunStatus::kDiverged);
  CHECK(plain.diverged_step >= 1);
  CHECK(plain.diverged_step < 50);
  CHECK(!plain.diverged_place.empty());
  // With batch norm whatever happens is a result, never a throw.
  CHECK_NOTHROW(RunTraining(Spec({{"lr", "1e6"}, {"net", kSmallNet}, {"steps", "20"}}), Digits()));
}

TEST_CASE("Interrupted and resumed gives the bits of the uninterrupted run", "[trainer][resume]") {
  const TestFolder folder;
  for (const char* stats : {"batch", "renorm:3,5", "population+gauss:8", "wide:48"}) {
    const RunSpec spec = Spec({{"net", kSmallNet}, {"steps", "12"}, {"momentum", "0.9"}, {"bn.stats", stats}, {"eval_every", "4"}});
    const std::string whole = RunTraining(spec, Digits()).state_hash;
    const RunFiles files{.checkpoint_dir = folder / stats, .resume = true};
    StopAfter stop(5);
    CHECK(RunTraining(spec, Digits(), &stop, files).status == RunStatus::kInterrupted);
    const RunOutcome resumed = RunTraining(spec, Digits(), nullptr, files);
    CAPTURE(stats);
    CHECK(resumed.steps == 12);
    CHECK(resumed.state_hash == whole);
    CHECK(resumed.readings.size() == 9);
  }
}

TEST_CASE("A damaged checkpoint falls back to the older one, or is refused", "[trainer][resume]") {
  const TestFolder folder;
  const RunSpec spec = Spec({{"net", kSmallNet}, {"steps", "12"}});
  const std::string whole = RunTraining(spec, Digits()).state_hash;
  const RunFiles files{.checkpoint_dir = folder.path(), .resume = true};
  StopAfter first(3), second(6);
  RunTraining(spec, Digits(), &first, files);
  RunTraining(spec, Digits(), &second, files);
  const std::string current = folder / "checkpoint.bin";
  const auto size = std::filesystem::file_size(current);
  const auto kept = folder / "kept";
  std::filesystem::copy_file(current, kept);
  for (uintmax_t at : {uintmax_t{0}, uintmax_t{9}, size / 3, size - 70, size - 1}) {
    std::filesystem::copy_file(kept, current, std::filesystem::copy_options::overwrite_existing);
    std::fstream file(current, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(file.get() ^ 0x10);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
    file.close();
    CAPTURE(at);
    CHECK(RunTraining(spec, Digits(), nullptr, files).state_hash == whole);
    std::filesystem::copy_file(kept, current, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(current, at);
    CHECK(RunTraining(spec, Digits(), nullptr, files).state_hash == whole);
  }
  std::filesystem::resize_file(folder / "checkpoint.old.bin", 100);
  CHECK_THROWS_AS(RunTraining(spec, Digits(), nullptr, files), Error);
  // Another spec must not continue this run.
  std::filesystem::copy_file(kept, current, std::filesystem::copy_options::overwrite_existing);
  CHECK_THROWS_AS(RunTraining(Spec({{"net", kSmallNet}, {"steps", "13"}}), Digits(), nullptr, files), Error);
}

TEST_CASE("The target must be met and stay met", "[trainer][target]") {
  TargetRule rule(0.9, 2, true);
  const double accuracy[] = {0.5, 0.91, 0.89, 0.92, 0.90, 0.95, 0.1};
  std::vector<bool> confirmed;
  for (int i = 0; i < 7; ++i) confirmed.push_back(rule.Observe(100 * (i + 1), i, accuracy[i]));
  CHECK(confirmed == std::vector<bool>{false, false, false, false, false, true, true});
  CHECK(*rule.steps() == 400);
  CHECK(*rule.seconds() == 3.0);
  TargetRule never(0.9, 1, true);
  never.Observe(1, 0, std::nan(""));
  never.Observe(2, 0, 0.95);
  CHECK(!never.steps());
  TargetRule loss(0.1, 0, false);
  CHECK(loss.Observe(7, 0, 0.05));
  CHECK(*loss.steps() == 7);
}

TEST_CASE("How often a run is evaluated or probed does not touch its training", "[trainer]") {
  // Training under these reads the moving moments, which precise:K must leave alone.
  for (const char* stats : {"batch", "population", "population+gauss:8", "renorm:3,5"}) {
    const auto state = [&](const char* eval_every, const char* eval) {
      TrainingSession session(Spec({{"net", kSmallNet}, {"steps", "6"}, {"bn.stats", stats}, {"bn.eval", eval},
                                    {"eval_every", eval_every}, {"probe", "preact"}}),
                              Digits(), {});
      while (session.outcome().steps < session.total_steps() && session.Step()) {
        session.Probe();
        if (session.outcome().steps % std::stoi(eval_every) == 0) session.Evaluate();
      }
      return session.StateHash();
    };
    CAPTURE(stats);
    CHECK(state("1", "precise:100") == state("6", "precise:100"));
    CHECK(state("2", "precise:100") == state("6", "ema:0.99"));
  }
}

TEST_CASE("precise:K scores with the moments of K training images", "[trainer]") {
  // Moving moments that hardly move score far lower; the batch's own score alike.
  const auto scored = [](const char* eval) {
    return RunTraining(Spec({{"net", kSmallNet}, {"steps", "60"}, {"eval_every", "60"}, {"lr", "0.1"}, {"bn.eval", eval}}),
                        Digits()).val_accuracy;
  };
  const double precise = scored("precise:2000");
  CHECK(std::fabs(precise - scored("batch")) < 0.03);
  CHECK(precise > scored("ema:0.9999") + 0.1);
}

TEST_CASE("A run is computed on the SIMD target of its spec", "[trainer]") {
  struct Restore {
    std::string backend = ActiveBackend();
    ~Restore() { ForceBackend(backend); }
  } restore;
  for (const std::string& name : BackendNames()) {
    // Whatever was in use before: all of the run is built for its own target.
    std::string state;
    for (const std::string& before : {name, BackendNames().front(), BackendNames().back()}) {
      ForceBackend(before);
      const RunOutcome outcome = RunTraining(Spec({{"net", kSmallNet}, {"steps", "2"}, {"simd", name}}), Digits());
      CAPTURE(name, before);
      CHECK(outcome.backend == name);
      if (state.empty()) state = outcome.state_hash;
      CHECK(outcome.state_hash == state);
    }
  }
}

TEST_CASE("Impossible specs are refused in one sentence", "[trainer][errors]") {
  CHECK_THAT(Message({{"batch", "60000"}}), ContainsText("batch=60000 is larger than"));
  CHECK_THAT(Message({{"batch", "1"}, {"net", "ioffe-mlp"}}), ContainsText("over 1 value"));
  CHECK_THAT(Message({{"batch", "10"}, {"net", "ioffe-mlp"}, {"bn.stats", "ghost:1"}}), ContainsText("over 1 value"));
  CHECK_THAT(Message({{"train_size", "55001"}}), ContainsText("train_size=55001 is larger"));
  CHECK_THAT(Message({{"net", "conv3x3:4 relu, flatten, dense:11"}}), ContainsText("11 outputs"));
  CHECK_THAT(Message({{"net", "conv29x29:4 relu, flatten, dense:10"}}), ContainsText("28x28"));
  CHECK_THAT(Message({{"bn.stats", "wide:8"}}), ContainsText("between the batch"));
  CHECK(Message({{"batch", "1"}, {"net", "ioffe-mlp"}, {"bn.placement", "none"}, {"steps", "2"}}).empty());
  CHECK(Message({{"batch", "1"}, {"net", kSmallNet}, {"bn.stats", "population"}, {"steps", "2"}}).empty());
}

}  // namespace
}  // namespace batchmark
