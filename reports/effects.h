// Effects on logarithms, with runs that never arrived carried as bounds: an effect is a range [low,
// high] of what is compatible with the data, a single number when every run arrived.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reports/study.h"

namespace batchmark::report {

struct Range {
  double low, high;
  bool Exact() const { return low == high; }
};

// sum of coefficient * log(bound): a lower bound with a positive coefficient leaves the sum open
// above.
Range LogCombination(const std::vector<std::pair<double, Bound>>& terms);
// Elementwise median: the median of any values inside the ranges lies inside it.
Range MedianRange(const std::vector<Range>& ranges);

// Median of values of which some are lower bounds; it is a lower bound itself if a middle one is.
Bound MedianBound(std::vector<Bound> values);

// As stats.h's, but tolerant of what diverged runs leave: NaNs are skipped (all NaN: NaN),
// infinities sort last.
double Median(std::vector<double> values);
double Quantile(std::vector<double> values, double p);

// An effect over paired seeds, as a log ratio. The median of the seeds: one run that never arrived
// does not make all of it a bound.
struct Effect {
  Range median{0, 0};
  std::vector<Range> per_seed;
  std::vector<int64_t> seeds;
};

// "5.8×", "> 5.8×", "< 0.3×", "not determined".
std::string RatioText(const Range& log_ratio);

enum class Measure { kSteps, kSeconds };

// Two by two: level 0 of each factor is the reference. effects are log(reference / level), so that
// above 0 the level is faster.
struct Factorial {
  Factor row, column;  // row: the factor in question (BN), column: the other (lr)
  std::array<std::string, 2> row_levels, column_levels;
  std::array<std::array<const Arm*, 2>, 2> arms{};  // [row level][column level]
  std::vector<int64_t> seeds;                       // present in all four arms

  Effect RowAt(const Study& study, Measure measure, size_t column_level) const;
  Effect ColumnAt(const Study& study, Measure measure, size_t row_level) const;
  Effect RowMain(const Study& study, Measure measure) const;
  Effect ColumnMain(const Study& study, Measure measure) const;
  Effect Interaction(const Study& study, Measure measure) const;  // RowAt(1) - RowAt(0)
  Effect Confounded(const Study& study,
                    Measure measure) const;  // both levels 1 against both levels 0
};

// The part of Confounded that is the row factor's main effect, seed by seed, then the median; the
// rest is the column's. What runs that never arrived leave open is an infinity. Empty if there is
// no gap, or its better arm did not arrive.
std::optional<Range> RowShare(const Factorial& factorial, const Study& study, Measure measure);

// The study as a two-by-two, bn.placement as row if it is a factor; empty if it is none.
std::optional<Factorial> FindFactorial(const Study& study);

// Paired on seed: log(b / a), so above 0 where a is smaller. Seeds present in both arms.
Effect PairedLogRatio(const Study& study, const Arm& a, const Arm& b, Measure measure);

}  // namespace batchmark::report
