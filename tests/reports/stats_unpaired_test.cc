// Tests of samples that share no seeds, shares of runs, and trends, against SciPy, statsmodels and
// brute force.
#include "reports/stats_unpaired.h"

#include <limits>
#include <vector>

#include "core/base/check.h"
#include "reports/stats_proportions.h"
#include "reports/stats_tests.h"
#include "reports/stats_trend.h"
#include "tests/reports/golden.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

using Catch::Approx;
using test::GoldenJson;
using test::Mismatch;
using test::RelativeError;
using Groups = std::vector<std::vector<double>>;

constexpr Alternative kAlternatives[] = {Alternative::kTwoSided, Alternative::kLess,
                                         Alternative::kGreater};
const double kNan = std::numeric_limits<double>::quiet_NaN();

TEST_CASE("Mann-Whitney agrees with SciPy: exact, tied and large", "[stats]") {
  for (const auto& row : GoldenJson("stats_unpaired.json")["mann_whitney"]) {
    const auto a = row["a"].get<std::vector<double>>(), b = row["b"].get<std::vector<double>>();
    for (size_t i = 0; i < 3; ++i) {
      const TestResult result = MannWhitney(a, b, kAlternatives[i]);
      INFO("n=" << a.size() << "+" << b.size() << " alternative " << i);
      CHECK(result.statistic == row["u"]);
      CHECK(RelativeError(result.p, row["p"][i]) < 1e-10);
    }
  }
  CHECK(MannWhitney({}, std::vector<double>{1.0}).p == 1.0);
  CHECK(MannWhitney(std::vector<double>(5, 2.0), std::vector<double>(6, 2.0)).p == 1.0);
  CHECK(MannWhitney(std::vector<double>(50, 2.0), std::vector<double>(60, 2.0)).p == 1.0);
  CHECK_THROWS_AS(MannWhitney(std::vector<double>{kNan}, std::vector<double>{1.0}), Error);
}

TEST_CASE("Brown-Forsythe agrees with scipy.stats.levene", "[stats]") {
  for (const auto& row : GoldenJson("stats_unpaired.json")["brown_forsythe"]) {
    const TestResult result = BrownForsythe(row["groups"].get<Groups>());
    CHECK(RelativeError(result.statistic, row["f"]) < 1e-11);
    CHECK(RelativeError(result.p, row["p"]) < 1e-10);
  }
  CHECK(BrownForsythe(Groups{{1, 2, 3}}).p == 1.0);
  CHECK(BrownForsythe(Groups{{1, 2}, {1, 9}}).p == 1.0);
  CHECK(BrownForsythe(Groups{{1, 1, 1}, {2, 2, 2}}).p == 1.0);
}

TEST_CASE("intervals of a share agree with statsmodels", "[stats]") {
  for (const auto& row : GoldenJson("stats_unpaired.json")["intervals"]) {
    INFO(row[0] << " of " << row[1] << " at " << row[2]);
    const Interval wilson = WilsonInterval(row[0], row[1], row[2]);
    CHECK(Mismatch(wilson.lower, row[3]) < 1e-12);
    CHECK(Mismatch(wilson.upper, row[4]) < 1e-12);
    const Interval exact = ClopperPearsonInterval(row[0], row[1], row[2]);
    CHECK(Mismatch(exact.lower, row[5]) < 1e-11);
    CHECK(Mismatch(exact.upper, row[6]) < 1e-11);
  }
  CHECK(WilsonInterval(0, 0).lower == 0.0);
  CHECK(WilsonInterval(0, 0).upper == 1.0);
  CHECK(ClopperPearsonInterval(0, 0).upper == 1.0);
}

TEST_CASE("the exact interval excludes one half exactly when the sign test is significant",
          "[stats]") {
  for (int n = 1; n <= 30; ++n) {
    for (int wins = 0; wins <= n; ++wins) {
      INFO(wins << " of " << n);
      CHECK((SignTest(wins, n - wins).p <= 0.05) == !ClopperPearsonInterval(wins, n).Contains(0.5));
    }
  }
}

TEST_CASE("Fisher's and the binomial test agree with SciPy", "[stats]") {
  const auto golden = GoldenJson("stats_unpaired.json");
  for (const auto& row : golden["fisher"]) {
    for (size_t i = 0; i < 3; ++i) {
      INFO(row << " alternative " << i);
      CHECK(RelativeError(FisherExact(row[0], row[1], row[2], row[3], kAlternatives[i]).p,
                          row[4 + i]) < 1e-10);
    }
  }
  CHECK(FisherExact(0, 0, 1, 5).p == 1.0);
  for (const auto& row : golden["binomial"]) {
    CHECK(RelativeError(BinomialTest(row[0], row[1], row[2], Alternative::kLess).p, row[3]) <
          1e-12);
    CHECK(RelativeError(BinomialTest(row[0], row[1], row[2], Alternative::kGreater).p, row[4]) <
          1e-12);
  }
  CHECK(BinomialTest(0, 0, 0.5).p == 1.0);
}

TEST_CASE("Page's trend test agrees with SciPy, and with all orders where ties stand", "[stats]") {
  for (const auto& row : GoldenJson("stats_unpaired.json")["page"]) {
    const TestResult result = PageTrend(row["values"].get<Groups>());
    CHECK(result.statistic == row["l"]);
    CHECK(RelativeError(result.p, row["p"]) < 1e-9);
  }
  CHECK(PageTrend({}).p == 1.0);
  CHECK(PageTrend(Groups{{1.0}, {2.0}}).p == 1.0);
  CHECK(PageTrend(Groups(5, {2, 2, 2})).p == Approx(1.0));
  CHECK_THROWS_AS(PageTrend(Groups{{1.0, kNan}}), Error);
}

}  // namespace
}  // namespace batchmark
