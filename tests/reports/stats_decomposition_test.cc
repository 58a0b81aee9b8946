// time = steps x cost: the parts add up, and BN's share is the break-even.
#include "reports/stats_decomposition.h"

#include <cmath>
#include <limits>
#include <vector>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

using Catch::Approx;

std::vector<CostPair> Pairs(size_t n) {  // a: half the steps at 1.25 times the cost
  const Rng rng(3, RngStream::kStatistics, 1);
  std::vector<CostPair> pairs(n);
  for (size_t i = 0; i < n; ++i) {
    const double steps = 800.0 * std::exp(0.2 * rng.Normal(4 * i)),
                 ms = 4.0 * std::exp(0.02 * rng.Normal(4 * i + 1));
    pairs[i] = {0.5 * steps * std::exp(0.1 * rng.Normal(4 * i + 2)), steps,
                1.25 * ms * std::exp(0.01 * rng.Normal(4 * i + 3)), ms};
  }
  return pairs;
}

TEST_CASE("step and cost effects add on the log scale and multiply as ratios", "[stats]") {
  const TimeSplit split = SplitTime(Pairs(12));
  CHECK(split.n == 12);
  CHECK(split.time.log_mean == Approx(split.steps.log_mean + split.cost.log_mean).epsilon(1e-13));
  CHECK(split.time.ratio == Approx(split.steps.ratio * split.cost.ratio).epsilon(1e-13));
  CHECK(split.steps.interval->Contains(0.5));
  CHECK(split.cost.interval->Contains(1.25));
  CHECK(split.time.interval->Contains(0.625));
  REQUIRE(split.time.bootstrap);
  CHECK(split.time.bootstrap->Contains(split.time.ratio));
}

TEST_CASE("intervals appear with the pairs that can carry them", "[stats]") {
  CHECK(SplitTime({}).n == 0);
  CHECK(SplitTime({}).time.ratio == 1.0);
  CHECK_FALSE(SplitTime(Pairs(1)).time.interval);
  CHECK(SplitTime(Pairs(2)).time.interval);
  CHECK_FALSE(SplitTime(Pairs(5)).time.bootstrap);
  CHECK(SplitTime(Pairs(6)).time.bootstrap);
}

TEST_CASE("BN's share of a step is the saving of steps at which it breaks even", "[stats]") {
  const TimeSplit split = SplitTime(Pairs(12));
  const BnShare share = ShareOfStep(split.cost);
  CHECK(share.share == Approx(1.0 - 1.0 / split.cost.ratio));
  CHECK(share.interval->Contains(0.2));
  // With exactly that saving both arms take the same time.
  const double ms_none = 4.0, ms_bn = ms_none * split.cost.ratio, steps_none = 1000.0;
  CHECK((1.0 - share.share) * steps_none * ms_bn == Approx(steps_none * ms_none));
  RatioEffect cheaper;
  cheaper.ratio = 0.8;
  CHECK(ShareOfStep(cheaper).share == Approx(-0.25));
}

TEST_CASE("a pair without a time is refused", "[stats]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(SplitTime(std::vector<CostPair>{{100, 200, 1, 0}}), Error);
  CHECK_THROWS_AS(SplitTime(std::vector<CostPair>{{100, nan, 1, 1}}), Error);
}

}  // namespace
}  // namespace batchmark
