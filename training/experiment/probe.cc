#include "training/experiment/probe.h"

#include <algorithm>
#include <cmath>

#include "core/base/cpu.h"
#include "training/trainer/session.h"

namespace batchmark {

int64_t TotalSteps(const RunSpec& spec, const Dataset& data) {
  if (spec.steps) return *spec.steps;
  const size_t images = spec.train_size == 0 ? data.TrainingImages() : spec.train_size;
  return std::max<int64_t>(1, std::llround(spec.epochs * static_cast<double>(images / spec.batch)));
}

std::string CostKey(const RunSpec& spec) {
  RunSpec neutral = spec;
  const RunSpec standard;
  neutral.lr = standard.lr, neutral.lr_schedule = standard.lr_schedule;
  neutral.seed = standard.seed, neutral.init = standard.init;
  neutral.weight_decay = standard.weight_decay;
  neutral.target = standard.target, neutral.target_metric = standard.target_metric;
  return CanonicalText(neutral, true);
}

ArmCost MeasureArm(const RunSpec& spec, const Dataset& data) {
  constexpr int kWarmUp = 2, kTimed = 6;
  const double begin = NowSeconds();
  RunSpec probe = spec;
  probe.steps = kWarmUp + kTimed;
  probe.eval_size = std::min<size_t>(spec.eval_size == 0 ? kValidationImages : spec.eval_size, 256);
  TrainingSession session(probe, data, {});
  ArmCost cost{.setup_s = NowSeconds() - begin, .steps = TotalSteps(spec, data), .eval_every = spec.eval_every};
  for (int i = 0; i < kWarmUp; ++i) {
    if (!session.Step()) return cost;  // diverges at once: costs nothing
  }
  const double timed = NowSeconds();
  int steps = 0;
  while (steps < kTimed && session.Step()) ++steps;
  cost.step_s = (NowSeconds() - timed) / std::max(1, steps);
  const double eval = NowSeconds();
  session.Evaluate();
  const double per_image = (NowSeconds() - eval) / static_cast<double>(probe.eval_size);
  const size_t eval_size = spec.eval_size == 0 ? kValidationImages : spec.eval_size;
  cost.eval_s = per_image * static_cast<double>(eval_size);
  cost.final_s = per_image * static_cast<double>(kValidationImages + data.test.count);
  return cost;
}

}  // namespace batchmark
