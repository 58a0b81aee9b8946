// Readings of an arm's runs against steps: the median over seeds and a band.
#pragma once

#include <string>
#include <vector>

#include "reports/study.h"

namespace batchmark::report {

struct CurvePoint {
  int64_t step;
  double median, low, high;
  size_t runs;  // with a value here, or diverged before
};

// At each step where at least half of the arm's runs have the reading. A run that diverged earlier
// counts with the worst value
// (`worst`, usually an infinity), so that a curve never improves by losing its failures; the band
// is of the seeds still running: their range up to ten of them, beyond that their 10 to 90 %
// quantiles.
std::vector<CurvePoint> AggregateReadings(const Arm& arm, const std::string& name, double worst);

inline constexpr size_t kSeedsForQuantileBand = 11;
std::string BandText(const Study& study);  // "Bands: range of the seeds."

}  // namespace batchmark::report
