// Where does a run start to diverge? Logistic curve of a yes/no outcome over ln(learning rate).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "reports/stats.h"
#include "reports/stats_bootstrap.h"

namespace batchmark {

struct DosePoint {
  double dose;  // ln(lr)
  bool hit;     // diverged
};

// P(hit) = 1 / (1 + exp(-(intercept + slope dose))).
struct LogisticCurve {
  double intercept, slope;
};

// Fit by Firth's penalized likelihood, h = diagonal of the weighted hat matrix:
//   sum (y - p + h (1/2 - p)) = 0,   sum (y - p + h (1/2 - p)) dose = 0
// Unlike plain maximum likelihood it is finite when one dose separates the outcomes, which is the
// rule for learning rates. Newton steps, halved until the penalized likelihood grows.
// Source: Firth 1993, Biometrika 80; Heinze & Schemper 2002.
// penalized = false: plain maximum likelihood. Empty with fewer than two different doses, with no
// hit or only hits, or (plain) when the outcomes separate.
std::optional<LogisticCurve> FitLogistic(std::span<const DosePoint> points, bool penalized = true);

// The dose at which half the runs are hit: -intercept / slope, held within the doses tried.
//   no hit at all  the highest dose, marked as a lower bound
//   only hits      the lowest dose, marked as an upper bound
// Empty if there are no points, or if hits do not get more frequent with the dose.
struct HalfPoint {
  double dose;
  enum class Bound { kNone, kLower, kUpper } bound = Bound::kNone;
};
std::optional<HalfPoint> HalfDose(std::span<const DosePoint> points);

// Half dose of all seeds together and its BCa interval over seeds; by_seed[i]: runs of one seed.
struct Ceiling {
  HalfPoint half;
  std::optional<Interval> interval;  // of the dose; empty below six seeds
};
std::optional<Ceiling> FitCeiling(std::span<const std::vector<DosePoint>> by_seed,
                                  const BootstrapOptions& options = {});

}  // namespace batchmark
