#include "reports/stats_trend.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/base/check.h"
#include "reports/stats_distributions.h"

namespace batchmark {
namespace {

constexpr size_t kLargestExactArms = 8;  // 8! = 40,320 orders of one seed's ranks

using Distribution = std::vector<double>;  // [2 * (sum of j rank)] -> probability

Distribution OneSeed(std::vector<double> ranks) {
  std::sort(ranks.begin(), ranks.end());
  auto doubled_sum = [&] {
    size_t sum = 0;
    for (size_t j = 0; j < ranks.size(); ++j) {
      sum += (j + 1) * static_cast<size_t>(std::lround(2.0 * ranks[j]));
    }
    return sum;
  };
  Distribution distribution(doubled_sum() + 1, 0.0);  // sorted ranks give the largest sum
  double orders = 0.0;
  do {  // distinct orders of tied ranks are equally likely
    ++distribution[doubled_sum()];
    ++orders;
  } while (std::next_permutation(ranks.begin(), ranks.end()));
  for (double& probability : distribution) probability /= orders;
  return distribution;
}

Distribution Convolve(const Distribution& x, const Distribution& y) {
  Distribution sum(x.size() + y.size() - 1, 0.0);
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] == 0.0) continue;
    for (size_t j = 0; j < y.size(); ++j) sum[i + j] += x[i] * y[j];
  }
  return sum;
}

double ExactPage(std::span<const std::vector<double>> ranks, double page) {
  std::map<std::vector<double>, Distribution> seen;  // by tie pattern
  Distribution total{1.0};
  for (std::vector<double> row : ranks) {
    std::sort(row.begin(), row.end());
    auto [at, fresh] = seen.try_emplace(row);
    if (fresh) at->second = OneSeed(row);
    total = Convolve(at->second, total);
  }
  double p = 0.0;
  for (auto s = static_cast<size_t>(std::lround(2.0 * page)); s < total.size(); ++s) p += total[s];
  return std::min(1.0, p);
}

double NormalPage(std::span<const std::vector<double>> ranks, double page) {
  const double k = static_cast<double>(ranks[0].size());
  const double middle = 0.5 * (k + 1.0);
  const double orders = k * (k * k - 1.0) / 12.0;  // sum (j - middle)^2
  double variance = 0.0;
  for (const std::vector<double>& row : ranks) {
    double squares = 0.0;
    for (const double r : row) squares += (r - middle) * (r - middle);
    variance += orders * squares / (k - 1.0);
  }
  const double centre = static_cast<double>(ranks.size()) * k * middle * middle;
  return variance > 0.0 ? NormalSf((page - centre) / std::sqrt(variance)) : 1.0;
}

}  // namespace

TestResult PageTrend(std::span<const std::vector<double>> values) {
  TestResult result;
  result.n = static_cast<int>(values.size());
  if (values.empty()) return result;
  const size_t k = values[0].size();
  std::vector<std::vector<double>> ranks;
  for (const std::vector<double>& row : values) {
    BATCHMARK_CHECK(row.size() == k);
    ranks.push_back(MidRanks(row));
    for (size_t j = 0; j < k; ++j) result.statistic += static_cast<double>(j + 1) * ranks.back()[j];
  }
  if (k < 2) return result;
  result.p = k <= kLargestExactArms ? ExactPage(ranks, result.statistic)
                                    : NormalPage(ranks, result.statistic);
  return result;
}

}  // namespace batchmark
