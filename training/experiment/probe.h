// What a run will cost here: a few steps and evaluations of the real net, timed.
#pragma once

#include <cstdint>
#include <string>

#include "training/data/dataset.h"
#include "training/experiment/plan.h"

namespace batchmark {

// Steps of the uncut run.
int64_t TotalSteps(const RunSpec& resolved, const Dataset& data);
// Specs of one text have one cost: rates, seeds and targets are left out of it.
std::string CostKey(const RunSpec& resolved);
ArmCost MeasureArm(const RunSpec& resolved, const Dataset& data);

}  // namespace batchmark
