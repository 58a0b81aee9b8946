// The verdict's tests on equal runs: how often do they find what is not there?
#include <cstdio>

#include "core/base/check.h"
#include "reports/verdict_tests.h"
#include "reports/verdict_text.h"

namespace batchmark {

Calibration CalibratePairTest(std::span<const RunRecord* const> runs, const ContrastClaim& claim,
                              const CalibrationOptions& options, const PairTest& test) {
  if (claim.measure == "lr_ceiling" || claim.test == ContrastTest::kTrend) {
    throw InputError("self-calibration takes runs of one spec, in pairs: they have no " +
                     (claim.test == ContrastTest::kTrend ? "trend" : claim.measure));
  }
  ContrastClaim pseudo = claim;
  pseudo.a = "first half";
  pseudo.b = "second half";
  ValidateClaim(pseudo);
  pseudo.n_min = 2;
  const bool equal =
      pseudo.direction == Direction::kEqual || pseudo.test == ContrastTest::kNonInferiority;
  std::vector<RunPair> pairs;
  return CalibrateAgainstItself(
      runs.size(),
      [&](std::span<const size_t> a, std::span<const size_t> b) {
        pairs.resize(a.size());
        for (size_t i = 0; i < a.size(); ++i)
          pairs[i] = {static_cast<int64_t>(i), {runs[a[i]]}, {runs[b[i]]}};
        const Criterion criterion = test(pairs, pseudo, options.alpha).criterion;
        return criterion.p_opposite <= options.alpha || (!equal && criterion.p <= options.alpha);
      },
      options);
}

Calibration CalibrateClaim(std::span<const RunRecord> runs, const ContrastClaim& claim,
                           const CalibrationOptions& options) {
  return CalibratePairTest(PointersTo(runs), claim, options, TestPairs);
}

CalibrationFinding Calibrate(std::span<const RunRecord* const> runs, const CalibrationClaim& claim,
                             double alpha) {
  std::vector<const RunRecord*> equal;
  for (const RunRecord* run : runs) {
    if (run->arm == claim.arm) equal.push_back(run);
  }
  if (equal.size() < static_cast<size_t>(kMinimumCalibrationRuns)) {
    return {std::nullopt, "A/A: needs " + std::to_string(kMinimumCalibrationRuns) +
                              " equal runs, has " + std::to_string(equal.size()) +
                              "; not calibrated."};
  }
  const Calibration result = CalibratePairTest(equal, claim.claim, {.alpha = alpha}, TestPairs);
  return {result, CalibrationSentence(result, alpha)};
}

std::string CalibrationSentence(const Calibration& calibration, double alpha) {
  char text[256];
  std::snprintf(text, sizeof text,
                "A/A: %d of %d random splits of %d equal runs into two pseudo-arms gave a finding, "
                "a false-positive rate "
                "of %.1f %% (95 %% Wilson interval %.1f to %.1f %%) at a claimed %.1f %%: %s.",
                calibration.findings, calibration.trials, calibration.runs,
                100.0 * calibration.rate, 100.0 * calibration.wilson.lower,
                100.0 * calibration.wilson.upper, 100.0 * alpha,
                calibration.passed ? "passed" : "failed");
  return text;
}

}  // namespace batchmark
