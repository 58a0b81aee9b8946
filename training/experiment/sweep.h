// A sweep as planned runs: arms are its points without the seed; every run is checked before any starts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "training/experiment/run_queue.h"
#include "training/experiment/sweep_spec.h"

namespace batchmark {

struct SweepOptions {
  int shard = 1, shards = 1;  // this command's part: runs with key hash mod shards == shard - 1
  int jobs = 1;
  bool convergence_only = false;  // wall times unusable: one thread a run, `jobs` runs at a time
  std::string command;            // as typed, for the report
};

struct SweepPlan {
  Experiment study;               // arms, factors; no contrasts. name = "sweep-<name>"
  std::vector<PlannedRun> runs;   // of this shard, in the sweep's order
  std::vector<std::string> keys;  // run key hashes, by run
  size_t all_runs = 0;            // of all shards
  size_t repeated = 0;            // points left out because they are an earlier point's run
};

// Without BN the other bn.* keys mean nothing: they go back to their defaults, so that one run stands for
// all such points. Throws Error(kBadInput) naming the axis at fault.
SweepPlan PlanSweep(const SweepSpec& sweep, const SweepOptions& options, const Dataset& data);

// What each run costs here, by run, in seconds; 0 for runs that `done` marks. Measures each different net,
// batch and norm once by a few real steps, and so also finds out whether it can be built at all.
std::vector<double> EstimateSweep(const SweepPlan& plan, const std::vector<bool>& done, const Dataset& data);

// Which runs are in the store already and need no further run.
std::vector<bool> FinishedRuns(const SweepPlan& plan, const SweepOptions& options, const ResultStore& store);

// Runs the plan; finished runs are taken from the store.
ExperimentResult RunSweep(const SweepPlan& plan, const SweepOptions& options, const Dataset& data, ResultStore& store,
                          ExperimentObserver& observer);

}  // namespace batchmark
