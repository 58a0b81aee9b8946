#include "reports/stats_distributions.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/check.h"

namespace batchmark {
namespace {

// Continued fraction of the incomplete beta function, modified Lentz.
double BetaFraction(double x, double a, double b) {
  constexpr double kTiny = 1e-300;
  constexpr double kEpsilon = 1e-16;
  auto floor_at_tiny = [](double v) { return std::fabs(v) < kTiny ? kTiny : v; };
  double c = 1.0;
  double d = 1.0 / floor_at_tiny(1.0 - (a + b) * x / (a + 1.0));
  double result = d;
  // Terms needed grow as sqrt(max(a, b)); 10000 covers shape parameters far beyond any study's n.
  for (int m = 1; m <= 10000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m));
    d = 1.0 / floor_at_tiny(1.0 + even * d);
    c = floor_at_tiny(1.0 + even / c);
    result *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0));
    d = 1.0 / floor_at_tiny(1.0 + odd * d);
    c = floor_at_tiny(1.0 + odd / c);
    const double factor = d * c;
    result *= factor;
    if (std::fabs(factor - 1.0) < kEpsilon) break;
  }
  return result;
}

}  // namespace

double TailP(double lower, double upper, Alternative alternative) {
  switch (alternative) {
    case Alternative::kLess:
      return std::min(1.0, lower);
    case Alternative::kGreater:
      return std::min(1.0, upper);
    case Alternative::kTwoSided:
      break;
  }
  return std::min(1.0, 2.0 * std::min(lower, upper));
}

double NormalCdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
double NormalSf(double x) { return 0.5 * std::erfc(x / std::numbers::sqrt2); }

double NormalQuantile(double p) {
  BATCHMARK_CHECK_MSG(p > 0.0 && p < 1.0, "p=" + std::to_string(p));
  if (p > 0.5) {  // the lower tail keeps its relative precision
    return -NormalQuantile(1.0 - p);
  }
  // Start: Abramowitz & Stegun 26.2.23 (error 4.5e-4); each Halley step triples the digits.
  const double t = std::sqrt(-2.0 * std::log(p));
  double x = -(t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
  for (int i = 0; i < 3; ++i) {
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::numbers::pi);
    const double u = (NormalCdf(x) - p) / density;
    x -= u / (1.0 + 0.5 * x * u);
  }
  return x;
}

double RegularizedBeta(double x, double a, double b) {
  BATCHMARK_CHECK(a > 0.0 && b > 0.0);
  if (!(x > 0.0)) return 0.0;
  if (!(x < 1.0)) return 1.0;
  const double log_front =
      a * std::log(x) + b * std::log1p(-x) + std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b);
  if (x < (a + 1.0) / (a + b + 2.0)) return std::exp(log_front) * BetaFraction(x, a, b) / a;
  return 1.0 - std::exp(log_front) * BetaFraction(1.0 - x, b, a) / b;
}

double StudentSf(double t, double df) {
  if (std::isinf(t)) return t > 0.0 ? 0.0 : 1.0;
  // P(|T| > |t|) = I_{df / (df + t^2)}(df / 2, 1 / 2)
  const double both_tails = RegularizedBeta(df / (df + t * t), 0.5 * df, 0.5);
  return t >= 0.0 ? 0.5 * both_tails : 1.0 - 0.5 * both_tails;
}

double StudentQuantile(double p, double df) {
  BATCHMARK_CHECK_MSG(p > 0.0 && p < 1.0, "p=" + std::to_string(p));
  if (p < 0.5) return -StudentQuantile(1.0 - p, df);
  if (p == 0.5) return 0.0;
  double low = 0.0, high = 1.0;
  while (StudentSf(high, df) > 1.0 - p) high *= 2.0;
  // Bisection to the last bit: about 60 halvings, no derivative to go wrong.
  for (;;) {
    const double middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) return middle;
    (StudentSf(middle, df) > 1.0 - p ? low : high) = middle;
  }
}

double FSf(double f, double df1, double df2) {
  if (!(f > 0.0)) return 1.0;
  if (std::isinf(f)) return 0.0;
  return RegularizedBeta(df2 / (df2 + df1 * f), 0.5 * df2, 0.5 * df1);
}

double ChiSquared1Sf(double x) { return x > 0.0 ? std::erfc(std::sqrt(0.5 * x)) : 1.0; }

double LogChoose(int n, int k) {
  BATCHMARK_CHECK(n >= 0 && k >= 0 && k <= n);
  return std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0);
}

double BinomialPmf(int k, int n, double share) {
  BATCHMARK_CHECK(share >= 0.0 && share <= 1.0);
  if (k < 0 || k > n) return 0.0;
  if (share == 0.0) return k == 0 ? 1.0 : 0.0;
  if (share == 1.0) return k == n ? 1.0 : 0.0;
  return std::exp(LogChoose(n, k) + k * std::log(share) + (n - k) * std::log1p(-share));
}

double BinomialCdf(int k, int n, double share) {
  double sum = 0.0;
  for (int i = 0; i <= std::min(k, n); ++i) sum += BinomialPmf(i, n, share);
  return std::min(sum, 1.0);
}

double MeanOverSd(double df, const std::function<double(double)>& g) {
  BATCHMARK_CHECK(df >= 1.0);
  // Density of s: c s^(df-1) exp(-df s^2 / 2), ln c = (df/2) ln(df/2) + ln 2 - ln Gamma(df/2). It
  // sits around 1 with sd about 1 / sqrt(2 df); 12 sd each side (and down to 0) leave less than
  // 1e-15.
  const double log_c = 0.5 * df * std::log(0.5 * df) + std::numbers::ln2 - std::lgamma(0.5 * df);
  const double reach = 12.0 / std::sqrt(2.0 * df);
  const double from = std::max(0.0, 1.0 - reach);
  const double to = 1.0 + reach;
  constexpr int kPanels = 4000;  // even
  const double h = (to - from) / kPanels;
  double sum = 0.0;
  for (int i = 0; i <= kPanels; ++i) {
    const double s = from + h * i;
    const double weight = (i == 0 || i == kPanels) ? 1.0 : (i % 2 == 1 ? 4.0 : 2.0);
    const double density = s > 0.0 ? std::exp(log_c + (df - 1.0) * std::log(s) - 0.5 * df * s * s)
                                   : (df == 1.0 ? std::exp(log_c) : 0.0);
    sum += weight * density * g(s);
  }
  return sum * h / 3.0;
}

}  // namespace batchmark
