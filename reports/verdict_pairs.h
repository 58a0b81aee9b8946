// What is known of each pair's effect: a number, a bound, or nothing. Used by verdict.cc only.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reports/verdict.h"

namespace batchmark {

// Lies in [low, high]; exact if both are the same finite number. A bound is strict: the value of a
// censored run lies beyond it. -inf or +inf at both ends: worse than any number (a diverged run).
struct Known {
  double low, high;
  bool IsExact() const;
};

// The runs of one seed: one run an arm, or (lr_ceiling) all rates of an arm's family. b is empty
// for a claim about one arm.
struct RunPair {
  int64_t seed = 0;
  std::vector<const RunRecord*> a, b;
};

std::vector<const RunRecord*> PointersTo(std::span<const RunRecord> runs);

// The runs of one seed in each arm of a claim, as ArmsOf lists them.
struct SeedRuns {
  int64_t seed = 0;
  std::vector<std::vector<const RunRecord*>> arms;
};

// In increasing order of seed; `unpaired` counts seeds that only some of the arms have. Throws
// Error(kBadInput) if a seed has two runs where one is meant.
std::vector<SeedRuns> MatchSeeds(std::span<const RunRecord* const> runs, const ContrastClaim& claim,
                                 int& unpaired);
std::vector<RunPair> PairsOf(std::span<const SeedRuns> seeds);

bool IsArrival(const std::string& measure);       // steps_to_target, time_to_target_s
bool IsShare(const std::string& measure);         // diverged_share, reached_share
bool HigherIsBetter(const std::string& measure);  // accuracies, lr_ceiling
bool IsRatio(const ContrastClaim& claim);         // effects are ln(a / b)

// What is known of one arm's measure (its log where effects are ratios). Empty: it is missing.
std::optional<Known> MeasureOf(const std::vector<const RunRecord*>& runs,
                               const ContrastClaim& claim);
// The effect a - b (or ln(a / b)) of a pair. Empty: the measure is missing (a reading never taken).
std::optional<Known> EffectOf(const RunPair& pair, const ContrastClaim& claim);
// Of a share: whether it was hit.
bool IsHit(const RunRecord& run, const std::string& measure);

}  // namespace batchmark
