// Runs an experiment into a store: measured budget, exactly-once runs, resume by repeating the command.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reports/results.h"
#include "training/data/dataset.h"
#include "training/experiment/plan.h"
#include "training/experiment/run_queue.h"
#include "training/trainer/trainer.h"

namespace batchmark {

struct ExperimentOptions {
  std::string form = "full";  // Experiment::Size; a budget may take "cheap" for "full"
  double budget_s = 0;    // 0: the size's own (quick), or none
  bool dry_run = false;   // plan and cost only
  Settings overrides;     // run keys set for every arm
  std::string command;    // as typed, for the report
};

// Finished runs are taken from the store unless their wall times came from another binary or machine:
// then they are run again (and must give the same bits, or a warning says so). Throws Error.
ExperimentResult RunExperiment(const Experiment& experiment, const ExperimentOptions& options, const Dataset& data,
                               ResultStore& store, ExperimentObserver& observer);

// A finished run as the store keeps it. arm and experiment may be "".
RunRecord MakeRecord(const RunSpec& resolved, const Dataset& data, const RunOutcome& outcome,
                     const std::string& experiment, const std::string& arm, const std::string& started_at);
// Seconds since 1970 as "2026-01-31T12:34:56Z".
std::string UtcNow();
// Environment as a flat JSON object, for the report (document "environment").
std::string EnvironmentJson(const RunSpec& resolved, const Dataset& data);

}  // namespace batchmark
