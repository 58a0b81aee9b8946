// Planned runs into a store, exactly once each: the part that experiments and sweeps share.
//
// Two modes. Timing: one run at a time on all its threads. Convergence only: several runs at a time;
// their steps and bits are as good as any, their wall times are not, and so the store marks their host as
// "shared:<host>", which equals no machine: a command that wants times will run them again.
#pragma once

#include <string>
#include <vector>

#include "reports/results.h"
#include "training/data/dataset.h"
#include "training/experiment/plan.h"
#include "training/trainer/trainer.h"

namespace batchmark {

// What a caller sees. OnStep and OnReading come from the run under way (not in convergence-only mode);
// StopRequested ends everything after it. Calls never overlap.
class ExperimentObserver : public RunObserver {
 public:
  virtual void OnPlan(const std::vector<PlannedRun>& runs, const ExperimentSizing& sizing, double estimated_s) {
    (void)runs, (void)sizing, (void)estimated_s;
  }
  virtual void OnRunStart(size_t index, size_t count, const std::string& arm, uint64_t seed) {
    (void)index, (void)count, (void)arm, (void)seed;
  }
  virtual void OnRunDone(const RunRecord& record, bool from_store) { (void)record, (void)from_store; }
  virtual void OnWarning(const std::string& sentence) { (void)sentence; }
};

struct ExperimentResult {
  size_t planned = 0;  // of an experiment all runs that are known of, also those behind a stop
  size_t executed = 0, reused = 0;
  size_t failed = 0;  // could not be carried out (a crash, not a divergence); not stored, tried again next time
  bool interrupted = false;
  bool more_may_follow = false;  // planned is the least: later runs depend on the outcome of earlier ones
  // An experiment as it was run: with the arms and values that a procedure found.
  Experiment as_run;

  void Add(const ExperimentResult& part) {
    planned += part.planned, executed += part.executed, reused += part.reused, failed += part.failed;
    interrupted = interrupted || part.interrupted;
  }
};

struct RunQueueOptions {
  std::string experiment;         // the store's name for it
  std::vector<std::string> arms;  // by PlannedRun::arm
  int jobs = 1;                   // runs at a time; above 1 only with convergence_only
  bool convergence_only = false;
};

// A stored run stands for a planned one: always where only convergence counts, else if its wall times are of
// this binary on this machine.
bool IsReusable(const RunRecord& stored, bool convergence_only);

// Finished runs are taken from the store, the others run in order. A run of other bits than the stored one
// of the same key is reported by OnWarning, and so is a run that could not be carried out. Throws Error when
// the store cannot be written.
ExperimentResult RunAll(const std::vector<PlannedRun>& runs, const RunQueueOptions& options, const Dataset& data,
                        ResultStore& store, ExperimentObserver& observer);

}  // namespace batchmark
