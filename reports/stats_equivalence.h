// Claims of equality and of "not worse by more than": a margin is declared first, then tested.
// A difference test that finds nothing never shows equality; these do.
#pragma once

#include <optional>
#include <span>

#include "reports/stats.h"

namespace batchmark {

// Paired TOST: two one-sided t tests of -margin < mean difference < margin, each at alpha.
//   p = max(p of mean <= -margin, p of mean >= margin)
//   interval: 1 - 2 alpha; equivalence at alpha <=> the interval lies inside (-margin, margin)
//   p_outside, of the opposite claim |mean| > margin: min(1, 2 min(the tails beyond either margin))
// Source: Schuirmann 1987; as statsmodels ttost_paired.
// Non-inferiority: only the worse side counts.
//   higher is better: mean difference > -margin;  lower is better: mean difference < margin
// Throws Error(kBadInput) for a margin that is not positive and finite. With fewer than 2 pairs
// p = 1 and there is no interval. Differences that are all equal: see PairedTTest.
struct Equivalence {
  double mean = 0.0;
  double p = 1.0;
  double p_outside = 1.0;            // the opposite: beyond the margin
  std::optional<Interval> interval;  // 1 - 2 alpha
  int n = 0;
};
Equivalence TostPaired(std::span<const double> differences, double margin, double alpha = 0.05);
Equivalence NonInferiorityPaired(std::span<const double> differences, double margin,
                                 bool higher_is_better, double alpha = 0.05);

}  // namespace batchmark
