// BCa intervals: SciPy's numbers on the same resamples, coverage by simulation, edge cases.
#include "reports/stats_bootstrap.h"

#include <limits>
#include <vector>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "tests/reports/golden.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

using test::GoldenJson;
using test::RelativeError;
using Values = std::span<const double>;

double MeanLogRatio(Values a, Values b) { return Mean(PairedLogRatios(a, b)); }
double MedianRatio(Values a, Values b) { return Median(a) / Median(b); }

TEST_CASE("BCa agrees with scipy.stats.bootstrap on equal resamples", "[stats]") {
  for (const auto& row : GoldenJson("stats_bootstrap.json")["cases"]) {
    const auto data = row["data"].get<std::vector<std::vector<double>>>();
    const BootstrapOptions options{row["level"], row["resamples"], row["seed"], row["sub"]};
    const std::string name = row["statistic"];
    INFO(name << " n=" << data[0].size());
    std::optional<Interval> interval;
    if (data.size() == 2) {
      interval =
          BcaInterval(data[0], data[1], name == "log_ratio" ? MeanLogRatio : MedianRatio, options);
    } else {
      interval = BcaInterval(
          data[0], name == "mean" ? SampleStatistic(Mean) : SampleStatistic(Median), options);
    }
    REQUIRE(interval);
    CHECK(RelativeError(interval->lower, row["lower"]) < 1e-9);
    CHECK(RelativeError(interval->upper, row["upper"]) < 1e-9);
  }
}

TEST_CASE("there is no interval below six units", "[stats]") {
  for (size_t n = 0; n < 6; ++n) CHECK_FALSE(BcaInterval(std::vector<double>(n, 1.5), Mean));
  CHECK(BcaInterval(std::vector<double>{1, 2, 3, 4, 5, 6}, Mean));
}

TEST_CASE("without spread the interval is the value", "[stats]") {
  const auto interval = BcaInterval(std::vector<double>(8, 2.5), Median);
  REQUIRE(interval);
  CHECK(interval->lower == 2.5);
  CHECK(interval->upper == 2.5);
}

TEST_CASE("a bootstrap refuses NaN in the sample and in the statistic", "[stats]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(BcaInterval(std::vector<double>{1, 2, 3, 4, 5, nan}, Mean), Error);
  CHECK_THROWS_AS(BcaInterval(std::vector<double>{1, 2, 3, 4, 5, 6}, [&](Values) { return nan; }),
                  Error);
}

TEST_CASE("an interval depends on seed and sub only", "[stats]") {
  const std::vector<double> sample = {3, 1, 4, 1.5, 9, 2.6, 5, 3.5};
  const auto first = BcaInterval(sample, Mean), again = BcaInterval(sample, Mean);
  const auto other = BcaInterval(sample, Mean, {.sub = 1});
  CHECK(first->lower == again->lower);
  CHECK(first->upper == again->upper);
  CHECK((other->lower != first->lower || other->upper != first->upper));
}

// Rough by design: 400 samples pin the coverage to about +-2.5 points. The nominal 95 % interval of
// a mean at n = 20 covers about 93 % for normal data and 90 % for skewed data (Efron & Tibshirani
// 1993, ch. 14).
TEST_CASE("BCa intervals cover the truth about as often as they say", "[stats]") {
  constexpr int kSamples = 400, kSize = 20;
  const Rng rng(20240607, RngStream::kStatistics, 99);
  int covered_normal = 0, covered_skewed = 0;
  for (int s = 0; s < kSamples; ++s) {
    std::vector<double> normal(kSize), skewed(kSize);
    for (int i = 0; i < kSize; ++i) {
      normal[i] = rng.Normal(static_cast<uint64_t>(s) * kSize + i);
      skewed[i] = std::exp(0.5 * normal[i]);
    }
    const BootstrapOptions options{.resamples = 600, .sub = static_cast<uint64_t>(s) + 1};
    covered_normal += BcaInterval(normal, Mean, options)->Contains(0.0);
    covered_skewed += BcaInterval(skewed, Mean, options)->Contains(std::exp(0.125));
  }
  INFO("normal " << covered_normal << ", skewed " << covered_skewed << " of " << kSamples);
  CHECK(covered_normal >= 0.90 * kSamples);
  CHECK(covered_normal <= 0.975 * kSamples);
  CHECK(covered_skewed >= 0.86 * kSamples);
  CHECK(covered_skewed <= 0.975 * kSamples);
}

}  // namespace
}  // namespace batchmark
