// Effects on logarithms, with runs that never arrived carried as bounds.
#include "reports/effects.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/check.h"
#include "reports/format.h"

namespace batchmark::report {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const RunRecord* RunOfSeed(const Arm& arm, int64_t seed) {
  for (const RunRecord* run : arm.runs) {
    if (SeedOf(*run) == seed) return run;
  }
  return nullptr;
}

Bound MeasureOf(const Study& study, const RunRecord& run, Measure measure) {
  return measure == Measure::kSteps ? StepsToTarget(study, run) : SecondsToTarget(study, run);
}

std::vector<int64_t> CommonSeeds(const std::vector<const Arm*>& arms) {
  std::vector<int64_t> seeds;
  for (const RunRecord* run : arms[0]->runs) {
    const int64_t seed = SeedOf(*run);
    const bool everywhere = std::all_of(arms.begin(), arms.end(),
                                        [&](const Arm* arm) { return RunOfSeed(*arm, seed); });
    if (everywhere) seeds.push_back(seed);
  }
  return seeds;
}

using Term = std::pair<double, const Arm*>;

Effect EffectOf(const Study& study, Measure measure, const std::vector<Term>& terms,
                const std::vector<int64_t>& seeds) {
  Effect effect;
  effect.seeds = seeds;
  for (int64_t seed : seeds) {
    std::vector<std::pair<double, Bound>> values;
    for (const auto& [coefficient, arm] : terms) {
      values.emplace_back(coefficient, MeasureOf(study, *RunOfSeed(*arm, seed), measure));
    }
    effect.per_seed.push_back(LogCombination(values));
  }
  effect.median = MedianRange(effect.per_seed);
  return effect;
}

}  // namespace

Range LogCombination(const std::vector<std::pair<double, Bound>>& terms) {
  Range range{0, 0};
  for (const auto& [coefficient, bound] : terms) {
    if (coefficient == 0) continue;
    const double part = coefficient * std::log(bound.value);
    range.low += part;
    range.high += part;
    if (!bound.beyond) continue;
    (coefficient > 0 ? range.high : range.low) = coefficient > 0 ? kInfinity : -kInfinity;
  }
  return range;
}

double Median(std::vector<double> values) { return Quantile(std::move(values), 0.5); }

double Quantile(std::vector<double> values, double p) {
  values.erase(std::remove_if(values.begin(), values.end(), [](double v) { return std::isnan(v); }),
               values.end());
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const double position = p * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(position);
  const double part = position - static_cast<double>(below);
  // Without the tests, 0 * infinity and infinity - infinity would make NaN of what is there.
  if (part == 0 || values[below] == values[below + 1] || std::isinf(values[below]))
    return values[below];
  return values[below] + part * (values[below + 1] - values[below]);
}

Range MedianRange(const std::vector<Range>& ranges) {
  std::vector<double> low, high;
  for (const Range& range : ranges) low.push_back(range.low), high.push_back(range.high);
  return {Median(low), Median(high)};
}

Bound MedianBound(std::vector<Bound> values) {
  if (values.empty()) return {std::numeric_limits<double>::quiet_NaN(), false};
  // A bound may lie anywhere above its value, so it sorts behind all that arrived.
  std::sort(values.begin(), values.end(), [](const Bound& a, const Bound& b) {
    return a.beyond != b.beyond ? b.beyond : a.value < b.value;
  });
  const Bound& left = values[(values.size() - 1) / 2];
  const Bound& right = values[values.size() / 2];
  if (left.beyond) {
    // Every value above the middle is only known to exceed its bound: the least of them is safe.
    double least = left.value;
    for (const Bound& bound : values) least = bound.beyond ? std::min(least, bound.value) : least;
    return {least, true};
  }
  return {(left.value + right.value) / 2, right.beyond};
}

std::string RatioText(const Range& log_ratio) {
  if (std::isnan(log_ratio.low) || (std::isinf(log_ratio.low) && std::isinf(log_ratio.high)))
    return "not determined";
  if (log_ratio.Exact()) return Ratio(std::exp(log_ratio.low));
  if (std::isinf(log_ratio.high)) return "> " + Ratio(std::exp(log_ratio.low));
  if (std::isinf(log_ratio.low)) return "< " + Ratio(std::exp(log_ratio.high));
  return Ratio(std::exp(log_ratio.low)) + " to " + Ratio(std::exp(log_ratio.high));
}

Effect Factorial::RowAt(const Study& study, Measure measure, size_t column_level) const {
  return EffectOf(study, measure, {{1, arms[0][column_level]}, {-1, arms[1][column_level]}}, seeds);
}

Effect Factorial::ColumnAt(const Study& study, Measure measure, size_t row_level) const {
  return EffectOf(study, measure, {{1, arms[row_level][0]}, {-1, arms[row_level][1]}}, seeds);
}

Effect Factorial::RowMain(const Study& study, Measure measure) const {
  return EffectOf(study, measure,
                  {{.5, arms[0][0]}, {.5, arms[0][1]}, {-.5, arms[1][0]}, {-.5, arms[1][1]}},
                  seeds);
}

Effect Factorial::ColumnMain(const Study& study, Measure measure) const {
  return EffectOf(study, measure,
                  {{.5, arms[0][0]}, {.5, arms[1][0]}, {-.5, arms[0][1]}, {-.5, arms[1][1]}},
                  seeds);
}

Effect Factorial::Interaction(const Study& study, Measure measure) const {
  return EffectOf(study, measure,
                  {{1, arms[0][1]}, {-1, arms[1][1]}, {-1, arms[0][0]}, {1, arms[1][0]}}, seeds);
}

Effect Factorial::Confounded(const Study& study, Measure measure) const {
  return EffectOf(study, measure, {{1, arms[0][0]}, {-1, arms[1][1]}}, seeds);
}

std::optional<Range> RowShare(const Factorial& f, const Study& study, Measure measure) {
  std::vector<Range> shares;
  for (int64_t seed : f.seeds) {
    double log[2][2];
    bool open[2][2];
    for (size_t i = 0; i < 2; ++i) {
      for (size_t j = 0; j < 2; ++j) {
        const Bound bound = MeasureOf(study, *RunOfSeed(*f.arms[i][j], seed), measure);
        log[i][j] = std::log(bound.value);
        open[i][j] = bound.beyond;
      }
    }
    const double total = log[0][0] - log[1][1];
    const double row = (log[0][0] + log[0][1] - log[1][0] - log[1][1]) / 2;
    if (open[1][1] || !(total > 0)) {
      shares.push_back({-kInfinity, kInfinity});
      continue;
    }
    // A larger log[0][0] adds x to the whole and x / 2 to the row's part, so the share moves
    // towards 1/2; log[0][1] adds to the row's part only, log[1][0] takes from it.
    Range share{row / total, row / total};
    if (open[0][0]) share = {std::min(share.low, 0.5), std::max(share.high, 0.5)};
    if (open[0][1]) share.high = kInfinity;
    if (open[1][0]) share.low = -kInfinity;
    shares.push_back(share);
  }
  const Range median = MedianRange(shares);
  if (std::isinf(median.low) && std::isinf(median.high)) return std::nullopt;
  return median;
}

std::optional<Factorial> FindFactorial(const Study& study) {
  if (!study.factors_declared || study.factors.size() != 2 || study.arms.size() != 4)
    return std::nullopt;
  Factorial f;
  const bool swap = study.factors[1].key == "bn.placement";
  f.row = study.factors[swap ? 1 : 0];
  f.column = study.factors[swap ? 0 : 1];
  if (f.row.levels.size() != 2 || f.column.levels.size() != 2) return std::nullopt;
  std::vector<const Arm*> all;
  for (size_t i = 0; i < 2; ++i) {
    f.row_levels[i] = f.row.levels[i], f.column_levels[i] = f.column.levels[i];
    for (size_t j = 0; j < 2; ++j) {
      const Arm* arm =
          study.FindArm({{f.row.key, f.row.levels[i]}, {f.column.key, f.column.levels[j]}});
      if (!arm || arm->runs.empty()) return std::nullopt;
      f.arms[i][j] = arm;
      all.push_back(arm);
    }
  }
  f.seeds = CommonSeeds(all);
  if (f.seeds.empty()) return std::nullopt;
  return f;
}

Effect PairedLogRatio(const Study& study, const Arm& a, const Arm& b, Measure measure) {
  return EffectOf(study, measure, {{1, &b}, {-1, &a}}, CommonSeeds({&a, &b}));
}

}  // namespace batchmark::report
