// Error bounds of fp32 kernels against float64, in one place. A bound is never loosened to make a
// test pass: the reason is found first.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

namespace batchmark {

// A sum of k products formed in fp32: |error| <= GemmTolerance(k, sum |a_i b_i|).
// Worst case: (k + 2) u sum |a_i b_i|, u = 2^-24 (Higham 2002, 3.1: gamma_k, one more rounding each
// for a bias and for the merging of parts). Rounding errors of random data add like a random walk,
// so for long sums the bound is 8 sqrt(k + 2) u: with independent errors of at most u each
// (Hoeffding), an element exceeds that with probability 2 exp(-32), even when a million are
// compared.
inline double GemmTolerance(size_t k, double absolute_sum) {
  const double u = std::numeric_limits<float>::epsilon() / 2;
  const double terms = static_cast<double>(k) + 2.0;
  return std::fmin(terms, 8.0 * std::sqrt(terms)) * u * absolute_sum;
}

}  // namespace batchmark
