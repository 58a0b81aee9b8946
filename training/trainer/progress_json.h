// How far a run has come, as JSON: the header of a checkpoint.
#pragma once

#include <cstdint>
#include <string>

#include "training/trainer/target_rule.h"
#include "training/trainer/trainer.h"

namespace batchmark {

struct Progress {
  RunOutcome outcome;  // steps, clocks, readings so far
  TargetRule::Snapshot target;
  double loss_sum;
  int64_t loss_count;
};

std::string ProgressJson(const Progress& progress);
Progress ParseProgress(const std::string& json);  // throws Error(kBadInput)

}  // namespace batchmark
