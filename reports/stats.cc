#include "reports/stats.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/check.h"

namespace batchmark {
namespace {

void RequireCount(std::span<const double> values, size_t least, const char* what) {
  if (values.size() >= least) return;
  throw InputError(std::string(what) + " needs at least " + std::to_string(least) +
                   " values, got " + std::to_string(values.size()));
}

}  // namespace

void RequireFinite(std::span<const double> values, const std::string& what) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw InputError(what + ": value " + std::to_string(i + 1) + " of " +
                       std::to_string(values.size()) + " is not finite");
    }
  }
}

double Mean(std::span<const double> values) {
  RequireCount(values, 1, "a mean");
  RequireFinite(values, "mean");
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double SampleVariance(std::span<const double> values) {
  RequireCount(values, 2, "a variance");
  const double mean = Mean(values);
  double sum = 0.0;
  for (const double x : values) sum += (x - mean) * (x - mean);
  return sum / static_cast<double>(values.size() - 1);
}

double SampleSd(std::span<const double> values) { return std::sqrt(SampleVariance(values)); }

double Median(std::span<const double> values) {
  RequireCount(values, 1, "a median");
  return Quantile(values, 0.5);
}

double Quantile(std::span<const double> values, double p) {
  RequireCount(values, 1, "a quantile");
  RequireFinite(values, "quantile");
  BATCHMARK_CHECK_MSG(p >= 0.0 && p <= 1.0, "p=" + std::to_string(p));
  std::vector<double> sorted(values.begin(), values.end());
  const double h = static_cast<double>(sorted.size() - 1) * p;
  const auto low = static_cast<size_t>(h);
  const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(low);
  std::nth_element(sorted.begin(), at, sorted.end());
  const double below = *at;
  if (low + 1 == sorted.size()) return below;
  const double above = *std::min_element(at + 1, sorted.end());
  return below + (h - static_cast<double>(low)) * (above - below);
}

std::vector<double> PairedDifferences(std::span<const double> a, std::span<const double> b) {
  BATCHMARK_CHECK_MSG(a.size() == b.size(),
                      std::to_string(a.size()) + " and " + std::to_string(b.size()));
  RequireFinite(a, "paired differences, first arm");
  RequireFinite(b, "paired differences, second arm");
  std::vector<double> differences(a.size());
  for (size_t i = 0; i < a.size(); ++i) differences[i] = a[i] - b[i];
  return differences;
}

std::vector<double> PairedLogRatios(std::span<const double> a, std::span<const double> b) {
  BATCHMARK_CHECK_MSG(a.size() == b.size(),
                      std::to_string(a.size()) + " and " + std::to_string(b.size()));
  RequireFinite(a, "paired ratios, first arm");
  RequireFinite(b, "paired ratios, second arm");
  std::vector<double> logs(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(a[i] > 0.0 && b[i] > 0.0)) {
      throw InputError("paired ratios: pair " + std::to_string(i + 1) +
                       " holds a value that is not positive");
    }
    logs[i] = std::log(a[i] / b[i]);
  }
  return logs;
}

std::vector<double> MidRanks(std::span<const double> values) {
  RequireFinite(values, "ranks");
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t i, size_t j) { return values[i] < values[j]; });
  std::vector<double> ranks(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    while (last + 1 < order.size() && values[order[last + 1]] == values[order[first]]) ++last;
    const double rank = 0.5 * static_cast<double>(first + last) + 1.0;
    for (size_t i = first; i <= last; ++i) ranks[order[i]] = rank;
    first = last + 1;
  }
  return ranks;
}

}  // namespace batchmark
