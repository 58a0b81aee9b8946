// BCa bootstrap intervals (bias-corrected and accelerated) of any statistic of resampled units.
//   z0 = Phi^-1(share of replicates below the estimate, ties counted half)
//   a  = sum U^3 / (6 (sum U^2)^1.5),  U_i = mean of the jackknife values - value without unit i
//   ends = type-7 quantiles of the replicates at Phi(z0 + (z0 + z) / (1 - a (z0 + z))),
//          z = Phi^-1((1 +- level) / 2)
// Source: Efron 1987, "Better bootstrap confidence intervals", JASA 82; scipy.stats.bootstrap.
// Resampling is a function of (options.seed, options.sub) and the number of units only.
// Below six units there is no interval: resamples of so few values say nothing of the tails.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "reports/stats.h"

namespace batchmark {

inline constexpr int kMinimumBootstrapUnits = 6;

struct BootstrapOptions {
  double level = 0.95;
  int resamples = 2000;
  uint64_t seed = 1;
  uint64_t sub = 0;  // a number of its own for each interval of a report
};

// The general form: units are numbered 0..n-1 (a unit = a seed with all its arms) and the statistic
// sees the numbers drawn, repeats included. Empty if n < 6; throws Error if a statistic is not
// finite. If all replicates are equal (no spread at all) the interval is that one value.
using IndexStatistic = std::function<double(std::span<const uint32_t>)>;
std::optional<Interval> BcaInterval(size_t n, const IndexStatistic& statistic,
                                    const BootstrapOptions& options = {});

using SampleStatistic = std::function<double(std::span<const double>)>;
std::optional<Interval> BcaInterval(std::span<const double> sample,
                                    const SampleStatistic& statistic,
                                    const BootstrapOptions& options = {});

// Pairs are drawn together. CHECKs equal sizes.
using PairedStatistic = std::function<double(std::span<const double>, std::span<const double>)>;
std::optional<Interval> BcaInterval(std::span<const double> a, std::span<const double> b,
                                    const PairedStatistic& statistic,
                                    const BootstrapOptions& options = {});

}  // namespace batchmark
