// A/A self-calibration: how often does the machinery find a difference where there is none?
// Runs of one spec that differ in their seed only are split at random into two pseudo-arms, paired
// at random, and judged as if they were two arms. The share of splits with a finding is the
// false-positive rate.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "reports/stats.h"

namespace batchmark {

inline constexpr int kMinimumCalibrationRuns = 40;
inline constexpr int kMinimumCalibrationTrials = 2000;

struct CalibrationOptions {
  int trials = kMinimumCalibrationTrials;
  double alpha = 0.05;  // what the test claims
  uint64_t seed = 1;
};

struct Calibration {
  int runs = 0, pairs = 0;  // used; an odd last run is left out of each split
  int trials = 0, findings = 0;
  double rate = 0.0;
  Interval wilson{0.0, 1.0};  // 95 % of the rate
  bool passed = false;  // wilson.lower <= alpha: the rate is not shown to exceed what is claimed
};

// True if the comparison of run a[i] with run b[i], i = 0.., finds a difference at alpha.
using PseudoComparison = std::function<bool(std::span<const size_t> a, std::span<const size_t> b)>;

// Splits depend on (options.seed, runs) only. Throws Error(kBadInput) for fewer than 40 runs or
// 2000 trials: the answer would be too rough to vouch for anything.
Calibration CalibrateAgainstItself(size_t runs, const PseudoComparison& finds,
                                   const CalibrationOptions& options = {});

}  // namespace batchmark
