// Two stores, or two benchmark files: what became slower or faster, with a test and a minimum
// effect.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/stats.h"

namespace batchmark {

struct CompareOptions {
  double min_effect = 0.05;  // smallest relative change worth a word: 5 %
  double alpha = 0.05;       // family-wise over all rows (Holm)
};

enum class Change { kNone, kBetter, kWorse, kUnclear };
const char* ToText(Change change);  // "no change" | "better" | "worse" | "unclear"

// One thing compared. Smaller values are better in every measure.
struct ComparedRow {
  std::string name;     // benchmark, or arm
  std::string measure;  // "seconds", "ms_per_step", "steps_to_target"
  int n_a = 0, n_b = 0;
  bool paired = false;
  double a = 0, b = 0;                      // medians
  bool a_beyond = false, b_beyond = false;  // of runs that never arrived: lower bounds
  double ratio = 1;  // b / a; where a median is a bound, the nearer end of what it may be
  double ratio_low = 1, ratio_high = 1;  // 0, infinity: not known
  std::optional<Interval> interval;      // 95 % of the ratio, BCa; from six pairs on
  double p = 1, p_adjusted = 1;
  Change change = Change::kUnclear;
  std::string why;  // of unclear: "3 repetitions a side cannot decide"
};

struct Comparison {
  std::vector<ComparedRow> rows;
  size_t equal_bits = 0, other_bits = 0;  // stores: runs of one key in both
  std::vector<std::string> only_a, only_b;
  bool Worse() const;        // something is worse, or bits differ: exit code 1
  std::string Text() const;  // Markdown: a sentence and a table
};

// Both .json (Google Benchmark, repetitions compared by Mann-Whitney) or both stores (runs paired
// on experiment, arm or spec, and seed, compared by the exact sign test where a run never arrived,
// else by Wilcoxon on logs).
//   worse  p (Holm) <= alpha and ratio >= 1 + min_effect;  better  p <= alpha and ratio <= 1 / (1 +
//   min_effect) no change  tested, and not both;  unclear  too few values for the test ever to
//   reach alpha
// Throws Error: kUsage for inputs of two kinds, kBadInput for unreadable ones or ones with nothing
// in common.
Comparison CompareResults(const std::string& a, const std::string& b,
                          const CompareOptions& options = {});

}  // namespace batchmark
