// Readings of an arm's runs against steps: the median over seeds and a band.
#include "reports/curves.h"

#include <cmath>
#include <map>

#include "reports/effects.h"

namespace batchmark::report {

std::vector<CurvePoint> AggregateReadings(const Arm& arm, const std::string& name, double worst) {
  std::map<int64_t, std::vector<double>> by_step;
  for (const RunRecord* run : arm.runs) {
    for (const RunReading& reading : run->readings) {
      if (reading.name != name) continue;
      by_step[reading.step].push_back(std::isnan(reading.value) ? worst : reading.value);
    }
  }
  for (const RunRecord* run : arm.runs) {
    if (run->status != "diverged") continue;
    int64_t last = -1;
    for (const RunReading& reading : run->readings) {
      if (reading.name == name) last = std::max(last, reading.step);
    }
    for (auto& [step, values] : by_step) {
      if (step > last) values.push_back(worst);
    }
  }
  const bool quantiles = arm.runs.size() >= kSeedsForQuantileBand;
  std::vector<CurvePoint> curve;
  for (auto& [step, values] : by_step) {
    if (2 * values.size() < arm.runs.size()) continue;
    std::vector<double> running;
    for (double value : values) {
      if (std::isfinite(value)) running.push_back(value);
    }
    curve.push_back({step, Median(values), Quantile(running, quantiles ? 0.1 : 0),
                     Quantile(running, quantiles ? 0.9 : 1), values.size()});
  }
  return curve;
}

std::string BandText(const Study& study) {
  const size_t seeds = study.Seeds();
  if (seeds <= 1) return "One run an arm.";
  return std::string("Lines: median over seeds; bands: ") +
         (seeds >= kSeedsForQuantileBand ? "10 to 90 % of the seeds." : "range of the seeds.");
}

}  // namespace batchmark::report
