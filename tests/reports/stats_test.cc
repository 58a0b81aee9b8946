// Descriptive statistics and distribution functions against NumPy and SciPy.
#include "reports/stats.h"

#include <limits>
#include <vector>

#include "core/base/check.h"
#include "reports/stats_distributions.h"
#include "tests/reports/golden.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

using test::GoldenJson;
using test::Mismatch;
using test::RelativeError;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST_CASE("descriptive statistics agree with NumPy", "[stats]") {
  for (const auto& sample : GoldenJson("stats_basic.json")["samples"]) {
    const auto x = sample["x"].get<std::vector<double>>();
    CHECK(RelativeError(Mean(x), sample["mean"]) < 1e-14);
    CHECK(RelativeError(Median(x), sample["median"]) < 1e-15);
    if (x.size() > 1) CHECK(RelativeError(SampleSd(x), sample["sd"]) < 1e-14);
    const auto ps = sample["ps"].get<std::vector<double>>();
    for (size_t i = 0; i < ps.size(); ++i) {
      CHECK(RelativeError(Quantile(x, ps[i]), sample["quantiles"][i]) < 1e-14);
    }
    CHECK(MidRanks(x) == sample["ranks"].get<std::vector<double>>());
  }
}

TEST_CASE("distribution functions agree with SciPy", "[stats]") {
  const auto golden = GoldenJson("stats_basic.json")["distributions"];
  for (const auto& row : golden["normal"]) {
    CHECK(RelativeError(NormalCdf(row[0]), row[1]) < 1e-13);
    CHECK(RelativeError(NormalSf(row[0]), row[2]) < 1e-13);
  }
  for (const auto& row : golden["normal_quantile"]) {
    INFO("p=" << row[0]);
    CHECK(Mismatch(NormalQuantile(row[0]), row[1]) < 1e-12);
  }
  for (const auto& row : golden["student"]) {
    INFO("t=" << row[0] << " df=" << row[1]);
    CHECK(RelativeError(StudentSf(row[0], row[1]), row[2]) < 1e-11);
  }
  for (const auto& row : golden["student_quantile"]) {
    INFO("p=" << row[0] << " df=" << row[1]);
    CHECK(RelativeError(StudentQuantile(row[0], row[1]), row[2]) < 1e-11);
  }
  for (const auto& row : golden["f"]) {
    INFO("f=" << row[0] << " df=" << row[1] << "," << row[2]);
    CHECK(RelativeError(FSf(row[0], row[1], row[2]), row[3]) < 1e-11);
  }
  for (const auto& row : golden["chi2_1"])
    CHECK(RelativeError(ChiSquared1Sf(row[0]), row[1]) < 1e-13);
  for (const auto& row : golden["binomial"]) {
    INFO("k=" << row[0] << " n=" << row[1] << " share=" << row[2]);
    CHECK(Mismatch(BinomialPmf(row[0], row[1], row[2]), row[3]) < 1e-13);
    CHECK(Mismatch(BinomialCdf(row[0], row[1], row[2]), row[4]) < 1e-13);
  }
  for (const auto& row : golden["beta"]) {
    INFO("x=" << row[0] << " a=" << row[1] << " b=" << row[2]);
    CHECK(Mismatch(RegularizedBeta(row[0], row[1], row[2]), row[3]) < 1e-12);
  }
}

TEST_CASE("the mean over the chi distribution has the moments of s", "[stats]") {
  for (const double df : {1.0, 2.0, 7.0, 30.0, 400.0}) {
    INFO("df=" << df);
    CHECK(std::fabs(MeanOverSd(df, [](double) { return 1.0; }) - 1.0) < 1e-10);
    CHECK(std::fabs(MeanOverSd(df, [](double s) { return s * s; }) - 1.0) < 1e-10);
  }
}

TEST_CASE("values that are not finite and samples too small are refused", "[stats]") {
  CHECK_THROWS_AS(Mean({}), Error);
  CHECK_THROWS_AS(Median({}), Error);
  CHECK_THROWS_AS(SampleVariance(std::vector<double>{1.0}), Error);
  CHECK_THROWS_AS(Mean(std::vector<double>{1.0, kNan}), Error);
  CHECK_THROWS_AS(Quantile(std::vector<double>{kInf, 1.0}, 0.5), Error);
  CHECK_THROWS_AS(MidRanks(std::vector<double>{kNan}), Error);
  CHECK_THROWS_AS(PairedDifferences(std::vector<double>{1.0}, std::vector<double>{kNan}), Error);
  CHECK_THROWS_AS(PairedLogRatios(std::vector<double>{1.0}, std::vector<double>{0.0}), Error);
  CHECK_THROWS_WITH(Mean(std::vector<double>{1.0, kNan}), "mean: value 2 of 2 is not finite");
  CHECK(PairedLogRatios(std::vector<double>{2.0}, std::vector<double>{2.0}) ==
        std::vector<double>{0.0});
}

}  // namespace
}  // namespace batchmark
