// RunSpec -> RunOutcome: the training loop, evaluation cadence, target rule, phases of wall time.
// Writes no results and prints nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "training/data/dataset.h"
#include "training/trainer/run_spec.h"

namespace batchmark {

enum class RunStatus { kReached, kCapped, kDiverged, kInterrupted };
const char* ToText(RunStatus status);  // "reached" ...

// One reading of a metric. Names: "train_loss" (mean batch loss since the last reading), "val_loss",
// "val_accuracy", "val_accuracy_batch_stats"; "pruned" (prune_rule.h).
struct Reading {
  int64_t step;
  std::string name;
  double value;
};

struct RunOutcome {
  RunStatus status = RunStatus::kCapped;
  int64_t steps = 0;
  std::optional<int64_t> steps_to_target;  // first evaluation of the confirmed crossing; empty = censored
  std::optional<double> time_to_target_s;  // train_s at that step
  double setup_s = 0, train_s = 0, eval_s = 0, wall_s = 0;
  double ms_per_step = 0, ms_per_step_median = 0, samples_per_s = 0;
  double train_loss = 0;  // last reading
  double val_accuracy = 0, test_accuracy = 0;
  int64_t diverged_step = -1;
  std::string diverged_place;  // "loss", "block 2 dense:64: d_weights", ...
  std::string state_hash;
  std::string backend;  // SIMD target that ran
  int threads = 0;
  std::vector<Reading> readings;
};

// What a caller may see and ask while a run goes on. Called between steps; costs nothing when null.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void OnStep(int64_t step, int64_t total_steps, double train_s) { (void)step, (void)total_steps, (void)train_s; }
  virtual void OnReading(const Reading& reading) { (void)reading; }
  virtual bool StopRequested() { return false; }  // true: finish the step, checkpoint, return interrupted
};

struct RunFiles {
  std::string dump_dir;        // --dump: init/, final/, batches.npy, losses.npy, spec.json
  std::string checkpoint_dir;  // --checkpoint
  bool resume = false;
};

// spec must be resolved. Throws Error for impossible specs (batch larger than the data, dense BN on one
// row, unknown net words ...). Divergence is an outcome.
RunOutcome RunTraining(const RunSpec& spec, const Dataset& data, RunObserver* observer = nullptr,
                       const RunFiles& files = {});

// The JSON object of `train --json`, one line.
std::string OutcomeJson(const RunSpec& resolved, const Dataset& data, const RunOutcome& outcome);

}  // namespace batchmark
