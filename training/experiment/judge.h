// A definition's claims in the verdict's words (reports/verdict.h): how many pairs they need, what the runs
// say, and the exit code. One family, one verdict.
#pragma once

#include <string>
#include <vector>

#include "reports/verdict.h"
#include "training/experiment/definition.h"

namespace batchmark {

// Throws Error(kBadInput), naming the contrast.
ExperimentClaims ClaimsOf(const Experiment& experiment);

// Sentences to print before anything runs: what each contrast needs to decide, at that many seeds.
std::vector<std::string> RequiredRuns(const Experiment& experiment, int seeds);

struct Judgement {
  ExperimentFinding finding;
  std::vector<std::string> sentences;  // verdict first, then a line a contrast, cost, notes, A/A
  // 0: supported or inconclusive. 1: refuted, or the self-calibration failed.
  int exit_code = 0;
};

// runs: those of this experiment's plan, and of no other size.
Judgement JudgeRuns(const Experiment& experiment, const std::vector<RunRecord>& runs);

}  // namespace batchmark
