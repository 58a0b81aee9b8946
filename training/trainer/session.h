// One run's moving parts: data order, net, optimizer, target rule, dump, checkpoint. The loop that drives
// them is RunTraining. Allocates all at construction; Step allocates nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/aligned.h"
#include "core/base/parallel.h"
#include "training/data/dataset.h"
#include "training/data/input.h"
#include "training/net/net.h"
#include "training/trainer/dump.h"
#include "training/trainer/evaluation.h"
#include "training/trainer/lr_schedule.h"
#include "training/trainer/probes.h"
#include "training/trainer/target_rule.h"
#include "training/trainer/trainer.h"

namespace batchmark {

class TrainingSession {
 public:
  // spec resolved. From here on the process computes on spec.simd. Restores the checkpoint when files.resume.
  // Throws Error.
  TrainingSession(const RunSpec& spec, const Dataset& data, const RunFiles& files);

  int64_t total_steps() const { return total_steps_; }
  RunOutcome& outcome() { return outcome_; }
  const TargetRule& target() const { return target_; }
  const std::vector<double>& step_seconds() const { return step_seconds_; }
  Parallel& parallel() { return parallel_; }

  // One optimizer update. False: the run has diverged (status, step and place are recorded).
  bool Step();
  // Periodic readings; feeds the target rule.
  void Evaluate();
  // Readings of the spec's probes, if it has any and this step has its turn.
  void Probe();
  void FinishProbes();
  // Whole validation and test set, at the end (a diverged run scores what its weights give).
  void FinalScores();
  void SaveCheckpoint();
  void FinishDump();
  // SHA-256 of weights, BN moments, optimizer state and step counter.
  std::string StateHash();

 private:
  void LoadBatch(int64_t step);
  bool Diverge(const std::string& place);
  // What evaluation passes are; under precise:K their statistics are gathered, once a step.
  PassMode PrepareEvaluation();
  void Update(float lr);
  std::vector<std::span<const float>> StateTensors() const;
  void Restore();

  RunSpec spec_;
  const Dataset& data_;
  RunFiles files_;
  Parallel parallel_;
  InputScaler scaler_;
  BatchOrder order_;
  LrSchedule schedule_;
  size_t rows_;  // of a training pass: the mini-batch, or M under wide:M
  std::unique_ptr<Net> net_;
  std::unique_ptr<Evaluator> evaluator_;
  TargetRule target_;
  std::optional<Dump> dump_;
  std::unique_ptr<Probes> probes_;
  int64_t total_steps_ = 0;
  int64_t gathered_step_ = -1;  // whose weights the precise statistics belong to
  std::string run_key_;
  RunOutcome outcome_;

  std::vector<int32_t> indices_;  // [rows_]: the mini-batch first
  AlignedBuffer<float> x_, d_logits_, losses_;
  AlignedBuffer<uint8_t> labels_, correct_;
  std::vector<AlignedBuffer<float>> velocity_;  // by tensor; empty without momentum
  std::vector<double> step_seconds_;
  double loss_sum_ = 0;  // since the last reading
  int64_t loss_count_ = 0;
};

}  // namespace batchmark
