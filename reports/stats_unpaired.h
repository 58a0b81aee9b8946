// Two or more samples that share nothing: Mann-Whitney U, Brown-Forsythe.
#pragma once

#include <span>
#include <vector>

#include "reports/stats.h"

namespace batchmark {

// Mann-Whitney U test; kGreater: values of a tend to be larger.
// statistic = U_a = R_a - n_a (n_a + 1) / 2, R_a the mid-rank sum of a; n = n_a + n_b.
//   n <= 60  exact, over all choices of n_a of the mid-ranks at hand (ties: permutation
//   distribution) above    normal, tie-corrected variance, continuity correction, as
//   scipy.stats.mannwhitneyu
// p = 1 if a sample is empty. Source: Mann & Whitney 1947; ties: Conover 1999, section 5.1.
TestResult MannWhitney(std::span<const double> a, std::span<const double> b,
                       Alternative alternative = Alternative::kTwoSided);

// Brown-Forsythe test of equal spread: one-way analysis of variance of |x - median of its group|.
// statistic = F with (k - 1, n - k) degrees of freedom. p = 1 with fewer than two groups, with a
// group of fewer than three values (two always sit equally far from their median) or without any
// spread inside the groups.
// Source: Brown & Forsythe 1974, JASA 69; scipy.stats.levene(center="median").
TestResult BrownForsythe(std::span<const std::vector<double>> groups);

}  // namespace batchmark
