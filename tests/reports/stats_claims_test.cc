// What verdicts show and test beside means, against SciPy (make_claims_golden.py).
#include <limits>
#include <vector>

#include "reports/stats_tests.h"
#include "tests/reports/golden.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

using test::GoldenJson;
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST_CASE("the sign test's interval agrees with scipy.stats.quantile_test", "[stats]") {
  for (const auto& row : GoldenJson("stats_claims.json")["sign_interval"]) {
    const auto values = row["values"].get<std::vector<double>>();
    INFO(values.size() << " values, level " << row["level"]);
    const auto interval = SignInterval(values, values, row["level"]);
    REQUIRE(interval.has_value() != row["interval"].is_null());
    if (!interval) continue;
    CHECK(interval->lower == row["interval"][0]);
    CHECK(interval->upper == row["interval"][1]);
  }
}

TEST_CASE("the sign test's interval is open where runs never arrived", "[stats]") {
  const std::vector<double> low = {1, 2, 3, 4, 5, 6}, open = {1, 2, 3, 4, kInf, kInf};
  CHECK(SignInterval(low, open)->lower == 1);
  CHECK(SignInterval(low, open)->upper == kInf);
  std::vector<double> nine_low, nine_high;
  for (int i = 1; i <= 9; ++i) nine_low.push_back(i), nine_high.push_back(i == 5 ? kInf : i);
  CHECK(SignInterval(nine_low, nine_high)->upper == 9);  // the largest but one, bounds included
}

}  // namespace
}  // namespace batchmark
