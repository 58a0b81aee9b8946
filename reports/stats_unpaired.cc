#include "reports/stats_unpaired.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "reports/stats_distributions.h"

namespace batchmark {
namespace {

constexpr size_t kLargestExact = 60;  // 60 * 30 * 3660 additions: milliseconds

// ways[s]: subsets of `size` ranks whose sum is s / 2. Counts up to C(60, 30) = 1.2e17 keep 16
// digits.
std::vector<double> SubsetSums(std::span<const double> ranks, size_t size) {
  size_t total = 0;
  for (const double rank : ranks) total += static_cast<size_t>(std::lround(2.0 * rank));
  std::vector<std::vector<double>> ways(size + 1, std::vector<double>(total + 1, 0.0));
  ways[0][0] = 1.0;
  for (size_t i = 0; i < ranks.size(); ++i) {
    const auto step = static_cast<size_t>(std::lround(2.0 * ranks[i]));
    for (size_t k = std::min(size, i + 1); k >= 1; --k) {
      for (size_t s = step; s <= total; ++s) ways[k][s] += ways[k - 1][s - step];
    }
  }
  return ways[size];
}

double ExactP(std::span<const double> ranks, size_t size, double rank_sum,
              Alternative alternative) {
  const std::vector<double> ways = SubsetSums(ranks, size);
  const auto at = static_cast<size_t>(std::lround(2.0 * rank_sum));
  double lower = 0.0, upper = 0.0, all = 0.0;
  for (size_t s = 0; s < ways.size(); ++s) {
    all += ways[s];
    if (s <= at) lower += ways[s];
    if (s >= at) upper += ways[s];
  }
  return TailP(lower / all, upper / all, alternative);
}

double NormalP(std::span<const double> pooled, double n_a, double n_b, double u,
               Alternative alternative) {
  std::map<double, double> counts;
  for (const double x : pooled) ++counts[x];
  const double n = n_a + n_b;
  double ties = 0.0;
  for (const auto& [value, t] : counts) ties += t * t * t - t;
  const double variance = n_a * n_b / 12.0 * ((n + 1.0) - ties / (n * (n - 1.0)));
  if (variance <= 0.0) return 1.0;
  const double sd = std::sqrt(variance);
  const double centre = 0.5 * n_a * n_b;
  return TailP(NormalCdf((u - centre + 0.5) / sd), NormalSf((u - centre - 0.5) / sd), alternative);
}

}  // namespace

TestResult MannWhitney(std::span<const double> a, std::span<const double> b,
                       Alternative alternative) {
  std::vector<double> pooled(a.begin(), a.end());
  pooled.insert(pooled.end(), b.begin(), b.end());
  const std::vector<double> ranks = MidRanks(pooled);
  TestResult result;
  result.n = static_cast<int>(pooled.size());
  if (a.empty() || b.empty()) return result;
  double rank_sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i) rank_sum += ranks[i];
  const double n_a = static_cast<double>(a.size()), n_b = static_cast<double>(b.size());
  result.statistic = rank_sum - 0.5 * n_a * (n_a + 1.0);
  result.p = pooled.size() <= kLargestExact
                 ? ExactP(ranks, a.size(), rank_sum, alternative)
                 : NormalP(pooled, n_a, n_b, result.statistic, alternative);
  return result;
}

TestResult BrownForsythe(std::span<const std::vector<double>> groups) {
  TestResult result;
  std::vector<std::vector<double>> deviations;
  bool too_small = groups.size() < 2;
  for (const std::vector<double>& group : groups) {
    result.n += static_cast<int>(group.size());
    too_small = too_small || group.size() < 3;
    if (too_small) continue;
    const double median = Median(group);
    deviations.emplace_back();
    for (const double x : group) deviations.back().push_back(std::fabs(x - median));
  }
  if (too_small) return result;
  std::vector<double> all;
  for (const auto& group : deviations) all.insert(all.end(), group.begin(), group.end());
  const double grand = Mean(all);
  double between = 0.0, within = 0.0;
  for (const auto& group : deviations) {
    const double mean = Mean(group);
    between += static_cast<double>(group.size()) * (mean - grand) * (mean - grand);
    for (const double z : group) within += (z - mean) * (z - mean);
  }
  if (within <= 0.0) return result;
  const double df1 = static_cast<double>(groups.size()) - 1.0;
  const double df2 = static_cast<double>(all.size() - groups.size());
  result.statistic = (between / df1) / (within / df2);
  result.p = FSf(result.statistic, df1, df2);
  return result;
}

}  // namespace batchmark
