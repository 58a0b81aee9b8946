// The lr ceiling: logistic fits against statsmodels and a root of Firth's score, bounds, intervals.
#include "reports/stats_logistic.h"

#include <limits>

#include "core/base/check.h"
#include "tests/reports/golden.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

using test::GoldenJson;
using test::RelativeError;
using Bound = HalfPoint::Bound;
using Points = std::vector<DosePoint>;

TEST_CASE("logistic fits agree with statsmodels and with Firth's score equations", "[stats]") {
  for (const auto& row : GoldenJson("stats_planning.json")["logistic"]) {
    Points points;
    for (size_t i = 0; i < row["dose"].size(); ++i)
      points.push_back({row["dose"][i], row["hit"][i] == 1});
    const auto firth = FitLogistic(points);
    REQUIRE(firth);
    CHECK(RelativeError(firth->intercept, row["firth"][0]) < 1e-8);
    CHECK(RelativeError(firth->slope, row["firth"][1]) < 1e-8);
    const auto plain = FitLogistic(points, false);
    CHECK(plain.has_value() == !row["plain"].is_null());
    if (!plain) continue;
    CHECK(RelativeError(plain->intercept, row["plain"][0]) < 1e-8);
    CHECK(RelativeError(plain->slope, row["plain"][1]) < 1e-8);
  }
}

TEST_CASE("a half dose lies between what held and what blew up, or is marked as a bound",
          "[stats]") {
  const Points separated = {{1, false}, {2, false}, {3, false}, {4, true}, {5, true}, {6, true}};
  REQUIRE(HalfDose(separated));
  CHECK(std::fabs(HalfDose(separated)->dose - 3.5) < 1e-9);
  CHECK(HalfDose(separated)->bound == Bound::kNone);

  const Points none = {{1, false}, {2, false}}, all = {{1, true}, {2, true}};
  CHECK(HalfDose(none)->dose == 2.0);
  CHECK(HalfDose(none)->bound == Bound::kLower);
  CHECK(HalfDose(all)->dose == 1.0);
  CHECK(HalfDose(all)->bound == Bound::kUpper);
  CHECK_FALSE(HalfDose({}));
  CHECK_FALSE(
      HalfDose(Points{{1, true}, {2, true}, {3, false}, {4, false}}));  // falls with the dose
  CHECK_FALSE(HalfDose(Points{{1, true}, {1, false}}));                 // one dose only
  CHECK_THROWS_AS(HalfDose(Points{{std::numeric_limits<double>::quiet_NaN(), true}}), Error);
}

// Seeds whose own ceilings lie evenly around `ceiling`, tried on one grid.
std::vector<Points> Seeds(size_t n, double ceiling) {
  std::vector<Points> seeds(n);
  for (size_t i = 0; i < n; ++i) {
    const double own = ceiling + 0.3 * (static_cast<double>(i % 5) - 2.0);
    for (double dose = -6.0; dose <= 3.0; dose += 0.35) seeds[i].push_back({dose, dose > own});
  }
  return seeds;
}

TEST_CASE("a ceiling's interval covers the truth, and needs six seeds", "[stats]") {
  const auto ceiling = FitCeiling(Seeds(12, -1.0), {.resamples = 300});
  REQUIRE(ceiling);
  REQUIRE(ceiling->interval);
  CHECK(ceiling->interval->Contains(-1.0));
  CHECK(ceiling->interval->upper - ceiling->interval->lower < 1.0);
  CHECK_FALSE(FitCeiling(Seeds(5, -1.0))->interval);
  CHECK_FALSE(FitCeiling(Seeds(12, 9.0))->interval);  // never diverged
  CHECK(FitCeiling(Seeds(12, 9.0))->half.bound == Bound::kLower);
}

}  // namespace
}  // namespace batchmark
