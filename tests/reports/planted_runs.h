// Runs with planted outcomes, for tests of verdicts.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "reports/results.h"

namespace batchmark::test {

// Seeds 1..n of one arm; a function may then change each run.
template <typename Change>
std::vector<RunRecord> PlantArm(const std::string& arm, int n, Change change) {
  std::vector<RunRecord> runs;
  for (int seed = 1; seed <= n; ++seed) {
    RunRecord run;
    run.key = arm + "/" + std::to_string(seed);
    run.experiment = "planted";
    run.arm = arm;
    run.spec = {{"seed", std::to_string(seed)}, {"lr", "0.01"}, {"eval_every", "20"}};
    run.status = "capped";
    run.steps = 1000;
    run.train_s = 4.0;
    run.ms_per_step = run.ms_per_step_median = 4.0;
    run.train_loss = 0.1;
    run.val_accuracy = run.test_accuracy = 0.97;
    change(run, seed);
    runs.push_back(run);
  }
  return runs;
}

inline void Reach(RunRecord& run, double steps) {
  run.status = "reached";
  run.steps_to_target = static_cast<int64_t>(steps);
  run.time_to_target_s = 0.001 * run.ms_per_step * static_cast<double>(*run.steps_to_target);
}

inline void Diverge(RunRecord& run, int64_t step) {
  run.status = "diverged";
  run.diverged_step = step;
  run.train_loss = std::nan("");
}

// Standard normal, a function of the arm's number and the seed.
inline double Noise(int arm, int seed) {
  return Rng(7, RngStream::kStatistics, 1000 + static_cast<uint64_t>(arm))
      .Normal(static_cast<uint64_t>(seed));
}

// "" if `part` is in `text`, else all of `text`: what a failed CHECK should print.
inline std::string Lacks(const std::string& text, const std::string& part) {
  return text.find(part) == std::string::npos ? text : "";
}

// The sentence of the Error that `action` throws; "accepted" if it throws none.
template <typename Action>
std::string Refusal(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

inline std::vector<RunRecord> operator+(std::vector<RunRecord> a, const std::vector<RunRecord>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace batchmark::test
