// Kaplan-Meier, restricted mean and log-rank against lifelines and statsmodels; divergence; first
// arrivals.
#include "reports/stats_survival.h"

#include <limits>
#include <vector>

#include "core/base/check.h"
#include "reports/stats_tests.h"
#include "tests/reports/golden.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

using Catch::Approx;
using test::GoldenJson;
using test::Mismatch;
using test::RelativeError;
using Kind = Arrival::Kind;

std::vector<Arrival> Arm(const nlohmann::json& json) {
  std::vector<Arrival> arrivals;
  for (size_t i = 0; i < json["times"].size(); ++i) {
    const std::string kind = json["kinds"][i];
    arrivals.push_back({json["times"][i], kind == "event"      ? Kind::kEvent
                                          : kind == "censored" ? Kind::kCensored
                                                               : Kind::kDiverged});
  }
  return arrivals;
}

TEST_CASE("Kaplan-Meier, its interval and the restricted mean agree with lifelines", "[stats]") {
  for (const auto& golden : GoldenJson("stats_survival.json")["curves"]) {
    const std::vector<Arrival> arrivals = Arm(golden);
    const std::vector<SurvivalPoint> curve = KaplanMeier(arrivals);
    REQUIRE(curve.size() == golden["points"].size());
    for (size_t i = 0; i < curve.size(); ++i) {
      const auto& point = golden["points"][i];
      CHECK(curve[i].time == point[0]);
      CHECK(curve[i].at_risk == point[1]);
      CHECK(curve[i].events == point[2]);
      CHECK(curve[i].censored == point[3]);
      CHECK(Mismatch(curve[i].survival, point[4]) < 1e-12);
      CHECK(Mismatch(curve[i].interval.lower, point[5]) < 1e-9);
      CHECK(Mismatch(curve[i].interval.upper, point[6]) < 1e-9);
    }
    for (const auto& row : golden["rmst"]) {
      const auto restricted = RestrictedMeanTime(arrivals, row[0]);
      REQUIRE(restricted);
      CHECK(RelativeError(restricted->mean, row[1]) < 1e-9);
      CHECK(Mismatch(restricted->variance, row[2]) < 1e-9);
    }
    const auto median = TimeToShare(curve, 0.5);
    CHECK(median.has_value() == !golden["median"].is_null());
    if (median) CHECK(*median == golden["median"]);
  }
}

TEST_CASE("without censoring Greenwood's variance is binomial and the restricted mean is the mean",
          "[stats]") {
  const std::vector<Arrival> arrivals = {{1}, {2}, {2}, {4}, {7}};
  const auto curve = KaplanMeier(arrivals);
  CHECK(curve[1].survival == Approx(0.4));
  CHECK(curve[1].variance == Approx(0.4 * 0.6 / 5));
  const auto restricted = RestrictedMeanTime(arrivals, 5.0);  // min(time, 5): 1 2 2 4 5
  REQUIRE(restricted);
  CHECK(restricted->mean == Approx(2.8));
  CHECK(restricted->variance == Approx((1.8 * 1.8 + 2 * 0.8 * 0.8 + 1.2 * 1.2 + 2.2 * 2.2) / 25));
}

TEST_CASE("a diverged run never arrives and never leaves the risk set", "[stats]") {
  const std::vector<Arrival> arrivals = {{10, Kind::kDiverged}, {100}, {200}, {300}};
  const auto curve = KaplanMeier(arrivals);
  REQUIRE(curve.size() == 3);
  CHECK(curve[0].at_risk == 4);
  CHECK(curve.back().survival == Approx(0.25));
  CHECK_FALSE(TimeToShare(curve, 0.9));
  // Censored at its last step instead, it would be forgotten: S falls to 0.
  const std::vector<Arrival> forgotten = {{10, Kind::kCensored}, {100}, {200}, {300}};
  CHECK(KaplanMeier(forgotten).back().survival == 0.0);
}

TEST_CASE("survival edge cases: no runs, one run, all censored, all at once", "[stats]") {
  CHECK(KaplanMeier({}).empty());
  CHECK_FALSE(RestrictedMeanTime({}, 1.0));
  const std::vector<Arrival> one = {{30}};
  CHECK(KaplanMeier(one).at(0).survival == 0.0);
  CHECK(RestrictedMeanTime(one, 100.0)->mean == Approx(30.0));
  CHECK(RestrictedMeanTime(one, 100.0)->variance == 0.0);

  const std::vector<Arrival> censored(4, {50, Kind::kCensored});
  CHECK(KaplanMeier(censored).at(0).survival == 1.0);
  CHECK(RestrictedMeanTime(censored, 50.0)->mean == Approx(50.0));
  CHECK_FALSE(RestrictedMeanTime(censored, 51.0));  // nobody was watched that long
  CHECK(LogRank(censored, censored).p == 1.0);
  CHECK(LogRank(censored, censored).n == 0);

  const std::vector<Arrival> together(4, {50});
  CHECK(LogRank(together, together).p == 1.0);
  CHECK_THROWS_AS(KaplanMeier(std::vector<Arrival>{{std::numeric_limits<double>::quiet_NaN()}}),
                  Error);
  CHECK_THROWS_AS(KaplanMeier(std::vector<Arrival>{{-1.0}}), Error);
}

TEST_CASE("the log-rank test agrees with lifelines", "[stats]") {
  for (const auto& golden : GoldenJson("stats_survival.json")["logrank"]) {
    const TestResult result = LogRank(Arm(golden["a"]), Arm(golden["b"]));
    CHECK(RelativeError(result.statistic * result.statistic, golden["chi2"]) < 1e-9);
    CHECK(RelativeError(result.p, golden["p"]) < 1e-9);
    CHECK(result.statistic > 0.0);  // arm a was drawn faster
  }
}

TEST_CASE("the stratified log-rank test agrees with statsmodels", "[stats]") {
  for (const auto& golden : GoldenJson("stats_survival.json")["stratified"]) {
    const std::vector<Arrival> a = Arm(golden["a"]), b = Arm(golden["b"]);
    const size_t size = golden["size"];
    std::vector<SurvivalStratum> strata((a.size() + size - 1) / size);
    for (size_t i = 0; i < a.size(); ++i) {
      strata[i / size].a.push_back(a[i]);
      strata[i / size].b.push_back(b[i]);
    }
    const TestResult result = LogRank(strata);
    CHECK(RelativeError(result.statistic * result.statistic, golden["chi2"]) < 1e-9);
    CHECK(RelativeError(result.p, golden["p"]) < 1e-9);
  }
}

TEST_CASE("stratified by seed the log-rank statistic is that of first arrivals", "[stats]") {
  for (const auto& golden : GoldenJson("stats_survival.json")["stratified"]) {
    if (golden["size"] != 1) continue;
    const std::vector<Arrival> a = Arm(golden["a"]), b = Arm(golden["b"]);
    std::vector<SurvivalStratum> strata;
    for (size_t i = 0; i < a.size(); ++i) strata.push_back({{a[i]}, {b[i]}});
    const FirstArrivals first = CountFirstArrivals(a, b);
    CHECK(first.first_a + first.first_b + first.ties + first.undecided ==
          static_cast<int>(a.size()));
    CHECK(LogRank(strata).statistic ==
          Approx((first.first_a - first.first_b) / std::sqrt(first.first_a + first.first_b)));
  }
}

TEST_CASE("first arrivals: each rule once", "[stats]") {
  const auto count = [](Arrival a, Arrival b) {
    const FirstArrivals c = CountFirstArrivals(std::span(&a, 1), std::span(&b, 1));
    return c.first_a ? 'a' : c.first_b ? 'b' : c.ties ? '=' : c.undecided ? '?' : '!';
  };
  CHECK(count({10}, {20}) == 'a');
  CHECK(count({20}, {10}) == 'b');
  CHECK(count({20}, {20}) == '=');
  CHECK(count({20}, {100, Kind::kCensored}) == 'a');
  CHECK(count({100}, {100, Kind::kCensored}) == 'a');
  CHECK(count({20}, {5, Kind::kCensored}) == '?');  // stopped early: it might have been first
  CHECK(count({5, Kind::kDiverged}, {90}) == 'b');
  CHECK(count({5, Kind::kDiverged}, {90, Kind::kCensored}) == '?');
  CHECK(count({90, Kind::kCensored}, {90, Kind::kCensored}) == '?');
  CHECK(CountFirstArrivals({}, {}).undecided == 0);
}

}  // namespace
}  // namespace batchmark
