// From a definition to an ordered list of runs: which arm, which seed, with which spec; what a budget cut.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "training/experiment/definition.h"
#include "training/trainer/run_spec.h"

namespace batchmark {

struct PlannedRun {
  size_t arm;  // index into the experiment's arms
  uint64_t seed;
  RunSpec spec;  // resolved
};

struct ExperimentSizing {
  std::string form = "full";  // Experiment::Size
  int seeds = 1;
  int64_t steps = 0;     // 0: as the spec says
  std::string sentence;  // what the budget cut, for people; "" if nothing
};

// Measured cost of one arm on this machine.
struct ArmCost {
  double setup_s = 0;    // build the net, first touch
  double step_s = 0;
  double eval_s = 0;     // one periodic evaluation
  double final_s = 0;    // validation and test at the end
  int64_t steps = 0;     // of the uncut run
  int64_t eval_every = 1;
  double Seconds(int64_t run_steps) const {
    return setup_s + static_cast<double>(run_steps) * step_s +
           static_cast<double>(run_steps / eval_every) * eval_s + final_s;
  }
};

// What a budget is cut by: one entry a run.
struct RunCosts {
  std::vector<ArmCost> every_seed;  // a bracket's grid and bisections among them
  std::vector<ArmCost> once;        // however many seeds: tuning trials, the runs of a calibrated arm
  double Seconds(int seeds, int64_t steps) const;  // steps: 0 for the uncut runs
};

// Seeds first (down to min_seeds), then steps (a multiple of eval_every, down to min_steps), so that all
// runs fit budget_s; says so where even that does not. whole: what is cut, for the sentence.
ExperimentSizing FitBudget(const ExperimentSize& size, const RunCosts& costs, double budget_s,
                           const std::string& whole = "The whole experiment");

// The spec of one run: defaults, then base, then size, then arm, then `overrides`, then seed and steps.
RunSpec ArmSpec(const Experiment& experiment, const ExperimentSize& size, size_t arm, uint64_t seed, int64_t steps,
                const Settings& overrides);

// One run of an arm that is not (yet) in the experiment: `arm` is its index in the caller's list.
PlannedRun PlanRun(const Experiment& experiment, const ExperimentSize& size, const ExperimentSizing& sizing,
                   const Arm& settings, size_t arm, uint64_t seed, const Settings& overrides);

// Seeds are blocks; the order of arms inside a block is drawn (Rng kExperiment), so that drift of the
// machine falls on all arms alike.
// The calibrated arm's further seeds come last.
std::vector<PlannedRun> PlanRuns(const Experiment& experiment, const ExperimentSize& size,
                                 const ExperimentSizing& sizing, const Settings& overrides);

}  // namespace batchmark
