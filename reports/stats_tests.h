// Tests on pairs (two arms that share a seed): sign, Student's t, Wilcoxon signed rank.
#pragma once

#include <optional>
#include <span>

#include "reports/stats.h"

namespace batchmark {

// Exact sign test of "either arm is equally likely to win": wins ~ Binomial(wins + losses, 1/2).
//   two-sided p = min(1, 2 P(X <= min(wins, losses)))
//   kGreater    P(X >= wins);   kLess  P(X <= wins)
// Ties and undecided pairs (neither arrived) are left out beforehand: the conditional test, exact
// for any tie rate. statistic = wins / n; p = 1 if there is no decided pair.
// Source: Conover 1999, section 3.4.
TestResult SignTest(int wins, int losses, Alternative alternative = Alternative::kTwoSided);

// The interval of the median that belongs to the sign test: from the k-th smallest to the k-th
// largest value, k the largest with P(Binomial(n, 1/2) < k) <= (1 - level) / 2. Value i is known to
// lie in [low[i], high[i]], an end may be infinite: so may the interval's. Empty where no k
// fits (at 95 %: below six values).
// Source: Conover 1999, section 3.2; as scipy.stats.quantile_test.
std::optional<Interval> SignInterval(std::span<const double> low, std::span<const double> high,
                                     double level = 0.95);

// Mean of differences with Student's interval:
//   t = (mean - null) / (sd / sqrt(n)), df = n - 1;  interval = mean +- t_quantile sd / sqrt(n)
struct PairedT {
  double mean = 0.0;
  double sd = 0.0;
  TestResult test;
  std::optional<Interval> interval;  // empty if n < 2
};
// If all differences are equal there is no sd to measure by: p is then the sign test's (2^(1 - n)
// two-sided), the smallest that n pairs can support, instead of a 0 that they cannot; statistic 0
// or +-infinity.
PairedT PairedTTest(std::span<const double> differences, double null = 0.0,
                    Alternative alternative = Alternative::kTwoSided, double level = 0.95);

// Wilcoxon signed-rank test of differences symmetric about 0. Zeros are dropped (Wilcoxon 1945),
// ties take mid-ranks. statistic = W+, the rank sum of the positive differences; n = those left.
//   n <= 200  exact, over all 2^n signs of the ranks at hand (with ties: permutation distribution)
//   above     normal, variance (sum of squared ranks) / 4, no continuity correction
TestResult WilcoxonSignedRank(std::span<const double> differences,
                              Alternative alternative = Alternative::kTwoSided);

}  // namespace batchmark
