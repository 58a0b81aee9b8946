#include "reports/stats_power.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "core/base/check.h"
#include "reports/stats_distributions.h"
#include "reports/stats_tests.h"

namespace batchmark {
namespace {

constexpr int kMostPairs = 100000;

// Smallest n in [2, kMostPairs] whose power, which rises with n, reaches the goal.
int Smallest(const std::function<double(int)>& power, double goal) {
  int high = 2;
  while (power(high) < goal) {
    if (high == kMostPairs)
      throw InputError("no number of pairs up to 100000 reaches the power asked for");
    high = std::min(2 * high, kMostPairs);
  }
  int low = high / 2;  // power(low) < goal, or high == 2
  if (high == 2) return 2;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (power(middle) < goal ? low : high) = middle;
  }
  return high;
}

}  // namespace

double PairedTPower(double effect, int n, double alpha) {
  BATCHMARK_CHECK(n >= 2 && std::isfinite(effect));
  const double df = n - 1.0;
  const double t = StudentQuantile(1.0 - 0.5 * alpha, df);
  const double shift = std::sqrt(static_cast<double>(n)) * effect;
  return MeanOverSd(df,
                    [&](double s) { return NormalSf(t * s - shift) + NormalCdf(-t * s - shift); });
}

double OneSidedTPower(double distance, int n, double alpha) {
  BATCHMARK_CHECK(n >= 2 && std::isfinite(distance));
  const double df = n - 1.0;
  const double t = StudentQuantile(1.0 - alpha, df);
  const double shift = std::sqrt(static_cast<double>(n)) * distance;
  return MeanOverSd(df, [&](double s) { return NormalSf(t * s - shift); });
}

double TostPower(double margin, int n, double alpha, double effect) {
  BATCHMARK_CHECK(n >= 2 && margin > 0.0);
  const double df = n - 1.0;
  const double t = StudentQuantile(1.0 - alpha, df);
  const double root = std::sqrt(static_cast<double>(n));
  return MeanOverSd(df, [&](double s) {
    return std::max(0.0, NormalCdf(root * (margin - effect) - t * s) -
                             NormalCdf(-root * (margin + effect) + t * s));
  });
}

double SignPower(double share, int n, double alpha) {
  BATCHMARK_CHECK(share >= 0.0 && share <= 1.0 && n >= 1);
  // The largest number of losses still significant, by symmetry also of wins.
  int most = -1;
  while (most + 1 <= n / 2 && SignTest(most + 1, n - most - 1).p <= alpha) ++most;
  if (most < 0) return 0.0;
  return std::min(1.0, BinomialCdf(most, n, share) + BinomialCdf(most, n, 1.0 - share));
}

int RequiredPairsT(double effect, const PowerGoal& goal) {
  return Smallest([&](int n) { return PairedTPower(effect, n, goal.alpha); }, goal.power);
}

int RequiredPairsTost(double margin, const PowerGoal& goal, double effect) {
  return Smallest([&](int n) { return TostPower(margin, n, goal.alpha, effect); }, goal.power);
}

int RequiredPairsNonInferiority(double distance, const PowerGoal& goal) {
  return Smallest([&](int n) { return OneSidedTPower(distance, n, goal.alpha); }, goal.power);
}

int RequiredPairsSign(double share, const PowerGoal& goal) {
  const double distance = std::fabs(share - 0.5);
  if (distance < 0.01) throw InputError("a sign test needs a share of wins other than one half");
  // Normal approximation: n = ((z_a / 2 + z_b sqrt(q (1 - q))) / distance)^2. Beyond twice that the
  // saw no longer bites.
  const double z_a = NormalQuantile(1.0 - 0.5 * goal.alpha), z_b = NormalQuantile(goal.power);
  const double rough = (0.5 * z_a + z_b * std::sqrt(share * (1.0 - share))) / distance;
  const int last = 20 + static_cast<int>(2.0 * rough * rough);
  int n = last;
  while (n > 1 && SignPower(share, n - 1, goal.alpha) >= goal.power) --n;
  return n;
}

int RequiredSeedsPage(int arms, double share, const PowerGoal& goal) {
  BATCHMARK_CHECK(arms >= 3 && share > 0.5 && share <= 1.0);
  const double z = NormalQuantile(1.0 - 0.5 * goal.alpha) + NormalQuantile(goal.power);
  return static_cast<int>(
      std::ceil(z * z / ((2.0 * share - 1.0) * (2.0 * share - 1.0) * (arms - 1))));
}

int RequiredEventsLogRank(double hazard_ratio, const PowerGoal& goal) {
  const double log_ratio = std::log(hazard_ratio);
  if (!(hazard_ratio > 0.0) || log_ratio == 0.0) {
    throw InputError("a log-rank test needs a hazard ratio other than 1, got " +
                     std::to_string(hazard_ratio));
  }
  const double z = NormalQuantile(1.0 - 0.5 * goal.alpha) + NormalQuantile(goal.power);
  return static_cast<int>(std::ceil(4.0 * z * z / (log_ratio * log_ratio)));
}

int FewestDecisivePairs(int family, double alpha) {
  BATCHMARK_CHECK(family >= 1 && alpha > 0.0);
  int n = 1;
  while (family * std::ldexp(1.0, 1 - n) > alpha) ++n;
  return n;
}

}  // namespace batchmark
