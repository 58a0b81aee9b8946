#include "reports/stats_proportions.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "reports/stats_distributions.h"

namespace batchmark {
namespace {

void RequireCounts(int hits, int n) {
  BATCHMARK_CHECK_MSG(hits >= 0 && n >= hits, std::to_string(hits) + " of " + std::to_string(n));
}

// x with I_x(a, b) = p, by bisection.
double BetaQuantile(double p, double a, double b) {
  double low = 0.0, high = 1.0;
  for (;;) {
    const double middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) return middle;
    (RegularizedBeta(middle, a, b) < p ? low : high) = middle;
  }
}

}  // namespace

Interval WilsonInterval(int hits, int n, double level) {
  RequireCounts(hits, n);
  if (n == 0) return {0.0, 1.0};
  const double z = NormalQuantile(0.5 * (1.0 + level));
  const double share = static_cast<double>(hits) / n;
  const double z2n = z * z / n;
  const double centre = share + 0.5 * z2n;
  const double reach = z * std::sqrt(share * (1.0 - share) / n + 0.25 * z2n / n);
  // Rounding must not leave the ends short of 0 and 1.
  return {hits == 0 ? 0.0 : (centre - reach) / (1.0 + z2n),
          hits == n ? 1.0 : (centre + reach) / (1.0 + z2n)};
}

Interval ClopperPearsonInterval(int hits, int n, double level) {
  RequireCounts(hits, n);
  const double tail = 0.5 * (1.0 - level);
  return {hits == 0 ? 0.0 : BetaQuantile(tail, hits, n - hits + 1.0),
          hits == n ? 1.0 : BetaQuantile(1.0 - tail, hits + 1.0, n - hits)};
}

TestResult BinomialTest(int hits, int n, double share, Alternative alternative) {
  RequireCounts(hits, n);
  BATCHMARK_CHECK(share >= 0.0 && share <= 1.0);
  if (n == 0) return {};
  const double lower = BinomialCdf(hits, n, share);
  const double upper = BinomialCdf(n - hits, n, 1.0 - share);
  const double p = alternative == Alternative::kLess      ? lower
                   : alternative == Alternative::kGreater ? upper
                                                          : 2.0 * std::min(lower, upper);
  return {static_cast<double>(hits) / n, std::min(1.0, p), n};
}

TestResult FisherExact(int hits_a, int n_a, int hits_b, int n_b, Alternative alternative) {
  RequireCounts(hits_a, n_a);
  RequireCounts(hits_b, n_b);
  if (n_a == 0 || n_b == 0) return {};
  const int hits = hits_a + hits_b, n = n_a + n_b;
  auto probability = [&](int k) {  // hypergeometric: k of the hits fall on a
    return std::exp(LogChoose(n_a, k) + LogChoose(n_b, hits - k) - LogChoose(n, hits));
  };
  const double seen = probability(hits_a);
  double p = 0.0;
  for (int k = std::max(0, hits - n_b); k <= std::min(hits, n_a); ++k) {
    const double each = probability(k);
    const bool counts = alternative == Alternative::kLess      ? k <= hits_a
                        : alternative == Alternative::kGreater ? k >= hits_a
                                                               : each <= seen * (1.0 + 1e-7);
    if (counts) p += each;
  }
  return {static_cast<double>(hits_a) / n_a - static_cast<double>(hits_b) / n_b, std::min(1.0, p),
          n};
}

}  // namespace batchmark
