// Tests on pairs, equivalence and Holm against SciPy and statsmodels, and where they must stay
// silent.
#include "reports/stats_tests.h"

#include <limits>
#include <vector>

#include "core/base/check.h"
#include "reports/stats_equivalence.h"
#include "reports/stats_verdict.h"
#include "tests/reports/golden.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

using Catch::Approx;
using test::GoldenJson;
using test::RelativeError;

constexpr Alternative kAlternatives[] = {Alternative::kTwoSided, Alternative::kLess,
                                         Alternative::kGreater};
const double kNan = std::numeric_limits<double>::quiet_NaN();

TEST_CASE("the sign test agrees with scipy.stats.binomtest", "[stats]") {
  for (const auto& row : GoldenJson("stats_paired.json")["sign"]) {
    for (size_t i = 0; i < 3; ++i) {
      INFO(row[0] << " wins, " << row[1] << " losses, alternative " << i);
      CHECK(RelativeError(SignTest(row[0], row[1], kAlternatives[i]).p, row[2 + i]) < 1e-12);
    }
  }
  CHECK(SignTest(0, 0).p == 1.0);
  CHECK(SignTest(0, 0).n == 0);
}

TEST_CASE("the paired t test agrees with scipy.stats.ttest_1samp", "[stats]") {
  for (const auto& row : GoldenJson("stats_paired.json")["t"]) {
    const auto d = row["d"].get<std::vector<double>>();
    for (size_t i = 0; i < 3; ++i) {
      const PairedT result = PairedTTest(d, row["null"], kAlternatives[i]);
      CHECK(RelativeError(result.test.p, row["p"][i]) < 1e-10);
      CHECK(RelativeError(result.test.statistic, row["t"]) < 1e-11);
      CHECK(RelativeError(result.interval->lower, row["interval"][0]) < 1e-10);
      CHECK(RelativeError(result.interval->upper, row["interval"][1]) < 1e-10);
    }
  }
}

TEST_CASE("pairs without spread give the sign test's p, never zero", "[stats]") {
  const std::vector<double> same(8, -0.3);
  CHECK(PairedTTest(same).test.p == Approx(2.0 / 256));
  CHECK(PairedTTest(same, 0.0, Alternative::kLess).test.p == Approx(1.0 / 256));
  CHECK(PairedTTest(same, 0.0, Alternative::kGreater).test.p == 1.0);
  CHECK(PairedTTest(same, -0.3).test.p == 1.0);
  CHECK(PairedTTest(same).interval->lower == -0.3);
  CHECK(PairedTTest(std::vector<double>(8, 0.0)).test.p == 1.0);
  // Equal but for rounding: 0.981 - 0.979 and 0.982 - 0.980.
  const std::vector<double> rounded = {0.981 - 0.979, 0.982 - 0.980, 0.983 - 0.981, 0.985 - 0.983};
  CHECK(PairedTTest(rounded).test.p == Approx(2.0 / 16));
}

TEST_CASE("the signed-rank test agrees with SciPy, exact with and without ties", "[stats]") {
  for (const auto& row : GoldenJson("stats_paired.json")["wilcoxon"]) {
    const auto d = row["d"].get<std::vector<double>>();
    for (size_t i = 0; i < 3; ++i) {
      const TestResult result = WilcoxonSignedRank(d, kAlternatives[i]);
      INFO("n=" << d.size() << " alternative " << i);
      CHECK(result.statistic == row["w"]);
      CHECK(result.n == row["n"]);
      CHECK(RelativeError(result.p, row["p"][i]) < 1e-10);
    }
  }
  CHECK(WilcoxonSignedRank({}).p == 1.0);
  CHECK(WilcoxonSignedRank(std::vector<double>{0, 0, 0}).p == 1.0);
  CHECK(WilcoxonSignedRank(std::vector<double>{2}).p == 1.0);
}

TEST_CASE("TOST and non-inferiority agree with statsmodels ttost_paired", "[stats]") {
  for (const auto& row : GoldenJson("stats_paired.json")["tost"]) {
    const auto d = row["d"].get<std::vector<double>>();
    const Equivalence tost = TostPaired(d, row["margin"]);
    CHECK(RelativeError(tost.p, row["p"]) < 1e-9);
    CHECK(RelativeError(tost.interval->lower, row["interval"][0]) < 1e-9);
    CHECK(RelativeError(tost.interval->upper, row["interval"][1]) < 1e-9);
    CHECK(RelativeError(NonInferiorityPaired(d, row["margin"], true).p, row["p_above_lower"]) <
          1e-9);
    CHECK(RelativeError(NonInferiorityPaired(d, row["margin"], false).p, row["p_below_upper"]) <
          1e-9);
    // The interval inside the margin and p <= alpha say the same.
    const double margin = row["margin"];
    CHECK((tost.p <= 0.05) == (tost.interval->lower > -margin && tost.interval->upper < margin));
  }
}

TEST_CASE("equivalence: both ends and the silent cases", "[stats]") {
  const std::vector<double> near = {0.1, -0.1, 0.05, -0.05, 0.0, 0.08, -0.07, 0.02};
  CHECK(TostPaired(near, 0.2).p < 0.001);
  CHECK(TostPaired(near, 0.2).p_outside == 1.0);
  std::vector<double> far = near;
  for (double& d : far) d += 1.0;
  CHECK(TostPaired(far, 0.2).p > 0.99);
  CHECK(TostPaired(far, 0.2).p_outside < 0.001);
  CHECK(NonInferiorityPaired(far, 0.2, true).p < 0.001);
  CHECK(NonInferiorityPaired(far, 0.2, false).p_outside < 0.001);
  CHECK(TostPaired({}, 0.2).p == 1.0);
  CHECK(TostPaired(std::vector<double>{0.0}, 0.2).p == 1.0);
  CHECK_FALSE(TostPaired(std::vector<double>{0.0}, 0.2).interval);
  CHECK(TostPaired(std::vector<double>(8, 0.0), 0.2).p == Approx(1.0 / 256));
  CHECK_THROWS_AS(TostPaired(near, 0.0), Error);
  CHECK_THROWS_AS(TostPaired(near, kNan), Error);
  CHECK_THROWS_AS(TostPaired(std::vector<double>{0.0, kNan}, 0.2), Error);
}

TEST_CASE("Holm's adjustment agrees with statsmodels", "[stats]") {
  for (const auto& row : GoldenJson("stats_paired.json")["holm"]) {
    const std::vector<double> adjusted = HolmAdjust(row["p"].get<std::vector<double>>());
    for (size_t i = 0; i < adjusted.size(); ++i)
      CHECK(adjusted[i] == Approx(row["adjusted"][i].get<double>()));
  }
  CHECK(HolmAdjust({}).empty());
  CHECK_THROWS_AS(HolmAdjust(std::vector<double>{kNan}), Error);
}

Criterion Claim(double p, double p_opposite, double estimate = -1.0) {
  Criterion criterion;
  criterion.name = "a before b";
  criterion.direction = Direction::kLess;
  criterion.estimate = estimate;
  criterion.p = p;
  criterion.p_opposite = p_opposite;
  criterion.n = 20;
  criterion.n_required = 8;
  return criterion;
}

Verdict Judge(std::vector<Criterion> criteria) { return CombineCriteria(criteria).verdict; }

TEST_CASE("the verdict rule, each way", "[stats]") {
  CHECK(Judge({}) == Verdict::kInconclusive);
  CHECK(Judge({Claim(0.01, 1)}) == Verdict::kSupported);
  CHECK(Judge({Claim(0.2, 1)}) == Verdict::kInconclusive);
  CHECK(Judge({Claim(1, 0.01, 1.0)}) == Verdict::kRefuted);
  CHECK(Judge({Claim(0.001, 1), Claim(0.04, 1)}) == Verdict::kSupported);
  CHECK(Judge({Claim(0.04, 1), Claim(0.04, 1)}) == Verdict::kInconclusive);  // Holm: 2 * 0.04
  CHECK(Judge({Claim(0.001, 1), Claim(1, 0.01, 1.0)}) == Verdict::kRefuted);
  CHECK(Judge({Claim(0.001, 1), Claim(1, 0.04, 1.0)}) == Verdict::kInconclusive);

  SECTION("too few runs leave a criterion open, and in the family") {
    Criterion few = Claim(1e-9, 1);
    few.n = 5;
    CHECK(Judge({few}) == Verdict::kInconclusive);
    CHECK(CombineCriteria(std::vector{few}).results[0].reason == "n = 5 of 8 required");
    few.p_opposite = 1e-9;
    CHECK(Judge({few}) == Verdict::kInconclusive);
    CHECK(Judge({few, Claim(1, 0.01, 1.0)}) == Verdict::kRefuted);
    CHECK(Judge({few, Claim(1, 0.04, 1.0)}) == Verdict::kInconclusive);
  }
  SECTION("significant but too small to matter") {
    Criterion small = Claim(0.001, 1, -0.1);
    small.min_effect = 0.5;
    CHECK(Judge({small}) == Verdict::kInconclusive);
    small.estimate = -0.6;
    CHECK(Judge({small}) == Verdict::kSupported);
  }
  SECTION("equality is claimed inside the margin only") {
    Criterion equal = Claim(0.001, 1, 0.1);
    equal.direction = Direction::kEqual;
    equal.margin = 0.2;
    CHECK(Judge({equal}) == Verdict::kSupported);
    equal.estimate.reset();
    CHECK(Judge({equal}) == Verdict::kInconclusive);
  }
  CHECK(std::string(ToText(Verdict::kSupported)) == "supported");
  CHECK(std::string(ToText(Verdict::kRefuted)) == "refuted");
  CHECK(std::string(ToText(Verdict::kInconclusive)) == "inconclusive");
}

}  // namespace
}  // namespace batchmark
