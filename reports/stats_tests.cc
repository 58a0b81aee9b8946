#include "reports/stats_tests.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/check.h"
#include "reports/stats_distributions.h"

namespace batchmark {
namespace {

constexpr size_t kLargestExactWilcoxon = 200;  // 200 * 40,200 additions: milliseconds

// Differences of stored decimals (0.981 - 0.979) agree to rounding only.
constexpr double kSame = 1e-12;

bool AllEqual(std::span<const double> values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return *most - *least <= kSame * std::max(std::fabs(*least), std::fabs(*most));
}

// probabilities[s]: the ranks of random signs' positive part sum to s / 2.
std::vector<double> SignedRankDistribution(std::span<const double> ranks) {
  size_t total = 0;
  for (const double rank : ranks) total += static_cast<size_t>(std::lround(2.0 * rank));
  std::vector<double> probabilities(total + 1, 0.0);
  probabilities[0] = 1.0;
  size_t reached = 0;
  for (const double rank : ranks) {
    const auto step = static_cast<size_t>(std::lround(2.0 * rank));
    reached += step;
    for (size_t s = reached + 1; s-- > 0;) {
      const double with = s >= step ? probabilities[s - step] : 0.0;
      probabilities[s] = 0.5 * (probabilities[s] + with);
    }
  }
  return probabilities;
}

double ExactSignedRankP(std::span<const double> ranks, double w, Alternative alternative) {
  const std::vector<double> probabilities = SignedRankDistribution(ranks);
  const auto at = static_cast<size_t>(std::lround(2.0 * w));
  double lower = 0.0, upper = 0.0;
  for (size_t s = 0; s <= at; ++s) lower += probabilities[s];
  for (size_t s = probabilities.size(); s-- > at;) upper += probabilities[s];
  return TailP(lower, upper, alternative);
}

double NormalSignedRankP(std::span<const double> ranks, double w, Alternative alternative) {
  double sum = 0.0, squares = 0.0;
  for (const double rank : ranks) {
    sum += rank;
    squares += rank * rank;
  }
  const double z = (w - 0.5 * sum) / std::sqrt(0.25 * squares);
  return TailP(NormalCdf(z), NormalSf(z), alternative);
}

}  // namespace

TestResult SignTest(int wins, int losses, Alternative alternative) {
  BATCHMARK_CHECK(wins >= 0 && losses >= 0);
  const int n = wins + losses;
  if (n == 0) return {};
  const double lower = BinomialCdf(wins, n, 0.5);
  const double upper = BinomialCdf(losses, n, 0.5);  // P(X >= wins), by symmetry
  return {static_cast<double>(wins) / n, TailP(lower, upper, alternative), n};
}

std::optional<Interval> SignInterval(std::span<const double> low, std::span<const double> high,
                                     double level) {
  BATCHMARK_CHECK(level > 0.0 && level < 1.0);
  BATCHMARK_CHECK(low.size() == high.size());
  const size_t n = low.size();
  size_t k = 0;
  while (k < n &&
         BinomialCdf(static_cast<int>(k), static_cast<int>(n), 0.5) <= 0.5 * (1.0 - level)) {
    ++k;
  }
  if (k == 0) return std::nullopt;
  std::vector<double> lows(low.begin(), low.end()), highs(high.begin(), high.end());
  std::sort(lows.begin(), lows.end());
  std::sort(highs.begin(), highs.end());
  return Interval{lows[k - 1], highs[n - k]};
}

PairedT PairedTTest(std::span<const double> differences, double null, Alternative alternative,
                    double level) {
  BATCHMARK_CHECK(level > 0.0 && level < 1.0 && std::isfinite(null));
  RequireFinite(differences, "paired t test");
  PairedT result;
  result.test.n = static_cast<int>(differences.size());
  if (differences.empty()) return result;
  result.mean = Mean(differences);
  if (differences.size() < 2) return result;

  const double n = static_cast<double>(differences.size());
  if (AllEqual(differences)) {
    result.mean = differences[0];
    result.interval = Interval{result.mean, result.mean};
    if (std::fabs(result.mean - null) <= kSame * std::fabs(null)) return result;
    const bool above = result.mean > null;
    result.test.p = SignTest(above ? result.test.n : 0, above ? 0 : result.test.n, alternative).p;
    result.test.statistic =
        above ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
    return result;
  }
  result.sd = SampleSd(differences);
  const double error = result.sd / std::sqrt(n);
  const double t = (result.mean - null) / error;
  result.test.statistic = t;
  result.test.p = TailP(StudentSf(-t, n - 1.0), StudentSf(t, n - 1.0), alternative);
  const double reach = StudentQuantile(0.5 * (1.0 + level), n - 1.0) * error;
  result.interval = Interval{result.mean - reach, result.mean + reach};
  return result;
}

TestResult WilcoxonSignedRank(std::span<const double> differences, Alternative alternative) {
  RequireFinite(differences, "Wilcoxon test");
  std::vector<double> sizes;
  std::vector<bool> positive;
  for (const double d : differences) {
    if (d == 0.0) continue;
    sizes.push_back(std::fabs(d));
    positive.push_back(d > 0.0);
  }
  if (sizes.empty()) return {};
  const std::vector<double> ranks = MidRanks(sizes);
  double w = 0.0;
  for (size_t i = 0; i < ranks.size(); ++i) w += positive[i] ? ranks[i] : 0.0;
  const double p = ranks.size() <= kLargestExactWilcoxon ? ExactSignedRankP(ranks, w, alternative)
                                                         : NormalSignedRankP(ranks, w, alternative);
  return {w, p, static_cast<int>(ranks.size())};
}

}  // namespace batchmark
