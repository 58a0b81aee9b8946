#include "reports/stats_bootstrap.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "reports/stats_distributions.h"

namespace batchmark {
namespace {

std::vector<double> Replicates(size_t n, const IndexStatistic& statistic,
                               const BootstrapOptions& options) {
  const Rng rng(options.seed, RngStream::kStatistics, options.sub);
  std::vector<double> replicates(static_cast<size_t>(options.resamples));
  std::vector<uint32_t> drawn(n);
  uint64_t index = 0;
  for (double& replicate : replicates) {
    for (uint32_t& unit : drawn) unit = rng.Below(index++, static_cast<uint32_t>(n));
    replicate = statistic(drawn);
  }
  return replicates;
}

// The acceleration a, from the jackknife; 0 when leaving out any unit changes nothing.
double Acceleration(size_t n, const IndexStatistic& statistic) {
  std::vector<double> jackknife(n);
  std::vector<uint32_t> kept(n - 1);
  for (size_t left_out = 0; left_out < n; ++left_out) {
    for (size_t i = 0; i + 1 < n; ++i) kept[i] = static_cast<uint32_t>(i < left_out ? i : i + 1);
    jackknife[left_out] = statistic(kept);
  }
  const double centre = Mean(jackknife);
  double squares = 0.0, cubes = 0.0;
  for (const double value : jackknife) {
    const double u = centre - value;
    squares += u * u;
    cubes += u * u * u;
  }
  return squares > 0.0 ? cubes / (6.0 * std::pow(squares, 1.5)) : 0.0;
}

}  // namespace

std::optional<Interval> BcaInterval(size_t n, const IndexStatistic& statistic,
                                    const BootstrapOptions& options) {
  BATCHMARK_CHECK(options.level > 0.0 && options.level < 1.0 && options.resamples >= 100);
  if (n < kMinimumBootstrapUnits) return std::nullopt;
  std::vector<uint32_t> all(n);
  for (size_t i = 0; i < n; ++i) all[i] = static_cast<uint32_t>(i);
  const double estimate = statistic(all);
  const std::vector<double> replicates = Replicates(n, statistic, options);
  RequireFinite(std::span(&estimate, 1), "bootstrap, the estimate");
  RequireFinite(replicates, "bootstrap, the replicates");

  const auto [least, most] = std::minmax_element(replicates.begin(), replicates.end());
  if (*least == *most) return Interval{*least, *most};

  const double count = static_cast<double>(replicates.size());
  double below = 0.0;
  for (const double replicate : replicates) {
    below += replicate < estimate ? 1.0 : (replicate == estimate ? 0.5 : 0.0);
  }
  // An estimate outside all replicates would make z0 infinite: count it as half a replicate away.
  const double z0 = NormalQuantile(std::clamp(below / count, 0.5 / count, 1.0 - 0.5 / count));
  const double a = Acceleration(n, statistic);
  auto end = [&](double tail) {
    const double z = z0 + NormalQuantile(tail);
    const double denominator = 1.0 - a * z;
    // Past the pole of the correction the extreme replicate is meant.
    if (denominator <= 0.0) return z > 0.0 ? *most : *least;
    return Quantile(replicates, NormalCdf(z0 + z / denominator));
  };
  return Interval{end(0.5 * (1.0 - options.level)), end(0.5 * (1.0 + options.level))};
}

std::optional<Interval> BcaInterval(std::span<const double> sample,
                                    const SampleStatistic& statistic,
                                    const BootstrapOptions& options) {
  RequireFinite(sample, "bootstrap, the sample");
  std::vector<double> values;
  return BcaInterval(
      sample.size(),
      [&](std::span<const uint32_t> drawn) {
        values.resize(drawn.size());
        for (size_t i = 0; i < drawn.size(); ++i) values[i] = sample[drawn[i]];
        return statistic(values);
      },
      options);
}

std::optional<Interval> BcaInterval(std::span<const double> a, std::span<const double> b,
                                    const PairedStatistic& statistic,
                                    const BootstrapOptions& options) {
  BATCHMARK_CHECK_MSG(a.size() == b.size(),
                      std::to_string(a.size()) + " and " + std::to_string(b.size()));
  RequireFinite(a, "bootstrap, the first arm");
  RequireFinite(b, "bootstrap, the second arm");
  std::vector<double> drawn_a, drawn_b;
  return BcaInterval(
      a.size(),
      [&](std::span<const uint32_t> drawn) {
        drawn_a.resize(drawn.size());
        drawn_b.resize(drawn.size());
        for (size_t i = 0; i < drawn.size(); ++i) {
          drawn_a[i] = a[drawn[i]];
          drawn_b[i] = b[drawn[i]];
        }
        return statistic(drawn_a, drawn_b);
      },
      options);
}

}  // namespace batchmark
