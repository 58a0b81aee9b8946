#include "reports/stats_calibration.h"

#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "reports/stats_proportions.h"

namespace batchmark {
namespace {

constexpr uint64_t kSplitStream = uint64_t{1} << 48;  // apart from the bootstrap's sub numbers

// Fisher & Yates; draws are numbered from trial * runs.
void Shuffle(std::vector<size_t>& order, const Rng& rng, uint64_t first_draw) {
  for (size_t i = order.size(); i > 1; --i) {
    const uint32_t j = rng.Below(first_draw + i - 1, static_cast<uint32_t>(i));
    std::swap(order[i - 1], order[j]);
  }
}

}  // namespace

Calibration CalibrateAgainstItself(size_t runs, const PseudoComparison& finds,
                                   const CalibrationOptions& options) {
  if (runs < static_cast<size_t>(kMinimumCalibrationRuns)) {
    throw InputError("self-calibration needs at least " + std::to_string(kMinimumCalibrationRuns) +
                     " runs of one spec, got " + std::to_string(runs));
  }
  if (options.trials < kMinimumCalibrationTrials) {
    throw InputError("self-calibration needs at least " +
                     std::to_string(kMinimumCalibrationTrials) + " splits, got " +
                     std::to_string(options.trials));
  }
  Calibration result;
  result.runs = static_cast<int>(runs);
  result.pairs = static_cast<int>(runs / 2);
  result.trials = options.trials;
  const Rng rng(options.seed, RngStream::kStatistics, kSplitStream);
  std::vector<size_t> order(runs);
  std::iota(order.begin(), order.end(), size_t{0});
  const std::span<const size_t> all(order);
  const size_t pairs = runs / 2;
  for (int trial = 0; trial < options.trials; ++trial) {
    Shuffle(order, rng, static_cast<uint64_t>(trial) * runs);
    result.findings += finds(all.subspan(0, pairs), all.subspan(pairs, pairs));
  }
  result.rate = static_cast<double>(result.findings) / result.trials;
  result.wilson = WilsonInterval(result.findings, result.trials);
  result.passed = result.wilson.lower <= options.alpha;
  return result;
}

}  // namespace batchmark
