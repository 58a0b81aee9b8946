// The learning rate of each step, as text that round-trips.
//   constant          lr
//   cosine            lr * (1 + cos(pi * t / T)) / 2, T = total steps, t counted from 0 (SGDR
//   without restarts) linear:F          from lr at the first step straight to F * lr at the last
//   step:F@S,F@S...   lr until step S, then F * lr (F is a factor on the first rate, not on the one
//   before)
// Source: Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace batchmark {

struct LrSchedule {
  enum class Kind { kConstant, kCosine, kLinear, kStep };
  struct Drop {
    double factor;
    int64_t step;
  };
  Kind kind = Kind::kConstant;
  double final_factor = 0.0;  // linear:F
  std::vector<Drop> drops;    // step:..., by rising step
};

LrSchedule ParseLrSchedule(const std::string& text);  // throws Error(kBadInput)
std::string ToText(const LrSchedule& schedule);

// step in [0, total_steps). Same bits on every machine: no libm.
double LearningRate(const LrSchedule& schedule, double lr, int64_t step, int64_t total_steps);

}  // namespace batchmark
