// Runs that depend on runs. Both procedures are functions of what is known so far, so a repeated command
// finds its way through the store and continues where it was.
//
//   bracket   for each arm and seed: every value of a log grid, then `bisections` halvings (in the log) of the
//             gap between the smallest value that diverged and the largest below it that did not. Its runs
//             are arms of their own, "<arm> lr 0.1", which the measure lr_ceiling reads together ("<arm>*").
//   tune      for each arm named: every value of a log grid on `seeds` seeds of their own (from 1001 on);
//             the value of the best median metric is set in the arm. The trials are stored under
//             "<experiment>/tuning" and never enter a verdict.
// Values are rounded to six digits, like a sweep's.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reports/results.h"
#include "training/experiment/definition.h"

namespace batchmark {

std::vector<std::string> ProcedureValues(const Procedure& procedure);  // the log grid
// Trials of an experiment that tunes, over all arms; they come before its runs. 0 for any other.
size_t TuningRuns(const Experiment& experiment);
bool IsOfProcedure(const Procedure& procedure, const std::string& arm);

// The values still to be run of one arm and seed, empty when done. diverged: by value; empty = not yet run.
using KnownDivergence = std::function<std::optional<bool>(const std::string& value)>;
std::vector<std::string> NextBracketValues(const Procedure& procedure, const KnownDivergence& diverged);

inline constexpr uint64_t kFirstTuningSeed = 1001;

struct TunedValue {
  std::string value;
  bool at_border = false;  // the best may lie outside the grid
};
// trials: every run of one arm's tuning. Ties go to the smaller value; if no value has the metric (none
// arrived), the best median validation accuracy decides.
TunedValue BestValue(const Procedure& procedure, const std::vector<RunRecord>& trials);

}  // namespace batchmark
