// One claim's test on the effects of its pairs. Used by verdict*.cc only.
#pragma once

#include <functional>
#include <span>

#include "reports/verdict_pairs.h"

namespace batchmark {

// The claim's null and margin on the scale of the effects (logs where they are ratios).
double ClaimNull(const ContrastClaim& claim);
double ClaimMargin(const ContrastClaim& claim);  // tost and noninferiority

// A finding before its test: the claim and what its criterion declares.
ContrastFinding StartFinding(const ContrastClaim& claim);
// Adds an arm's runs that ended otherwise than the measure would have it.
void CountStatuses(const std::vector<const RunRecord*>& runs, int& diverged, int& censored);

// verdict_trend.cc
ContrastFinding TestTrend(std::span<const SeedRuns> seeds, const ContrastClaim& claim,
                          double alpha);
// Everything of a finding but sentence and family: the test, its criterion and the counts.
ContrastFinding TestPairs(std::span<const RunPair> pairs, const ContrastClaim& claim, double alpha);

// verdict_calibration.cc. Another test than TestPairs is for tests of the calibration itself.
using PairTest =
    std::function<ContrastFinding(std::span<const RunPair>, const ContrastClaim&, double)>;
Calibration CalibratePairTest(std::span<const RunRecord* const> runs, const ContrastClaim& claim,
                              const CalibrationOptions& options, const PairTest& test);
CalibrationFinding Calibrate(std::span<const RunRecord* const> runs, const CalibrationClaim& claim,
                             double alpha);

}  // namespace batchmark
