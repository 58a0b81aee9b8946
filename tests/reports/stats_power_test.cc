// Planning: powers and required numbers against statsmodels, SciPy's integration and enumeration.
#include "reports/stats_power.h"

#include "core/base/check.h"
#include "tests/reports/golden.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

using test::GoldenJson;
using test::Mismatch;

TEST_CASE("powers of t tests agree with statsmodels", "[stats]") {
  const auto golden = GoldenJson("stats_planning.json");
  for (const auto& row : golden["t_power"]) {
    INFO("effect " << row[0] << " n " << row[1]);
    CHECK(Mismatch(PairedTPower(row[0], row[1]), row[2]) < 1e-9);
  }
  for (const auto& row : golden["one_sided"])
    CHECK(Mismatch(OneSidedTPower(row[0], row[1]), row[2]) < 1e-9);
  for (const auto& row : golden["required"])
    CHECK(RequiredPairsT(row[0], {.power = row[1]}) == row[2]);
}

TEST_CASE("the power of TOST agrees with its integral", "[stats]") {
  for (const auto& row : GoldenJson("stats_planning.json")["tost"]) {
    INFO("margin " << row[0] << " n " << row[1] << " effect " << row[2]);
    CHECK(Mismatch(TostPower(row[0], row[1], 0.05, row[2]), row[3]) < 1e-7);
  }
  const int n = RequiredPairsTost(0.5);
  CHECK(TostPower(0.5, n) >= 0.8);
  CHECK(TostPower(0.5, n - 1) < 0.8);
}

TEST_CASE("the power of the sign test agrees with enumeration and stays reached", "[stats]") {
  for (const auto& row : GoldenJson("stats_planning.json")["sign"]) {
    INFO("share " << row[0] << " n " << row[1]);
    CHECK(Mismatch(SignPower(row[0], row[1]), row[2]) < 1e-12);
  }
  for (const double share : {0.65, 0.8, 0.95, 0.1}) {
    const int n = RequiredPairsSign(share);
    INFO("share " << share << " n " << n);
    CHECK(SignPower(share, n - 1) < 0.8);
    for (int more = n; more < n + 40; ++more) CHECK(SignPower(share, more) >= 0.8);
  }
  CHECK(RequiredPairsSign(1.0) == 6);
}

TEST_CASE("numbers known by heart", "[stats]") {
  CHECK(RequiredPairsT(1.0) == 10);
  CHECK(RequiredPairsT(0.5) == 34);
  CHECK(RequiredEventsLogRank(2.0) == 66);  // Schoenfeld: 4 (1.96 + 0.84)^2 / ln(2)^2 = 65.3
  CHECK(FewestDecisivePairs() == 6);
  CHECK(FewestDecisivePairs(5) == 8);
  CHECK_THROWS_AS(RequiredPairsT(0.0), Error);
  CHECK_THROWS_AS(RequiredPairsSign(0.5), Error);
  CHECK_THROWS_AS(RequiredEventsLogRank(1.0), Error);
}

}  // namespace
}  // namespace batchmark
