// A/A self-calibration: honest tests pass, a test that claims too much is caught.
#include "reports/stats_calibration.h"

#include <algorithm>
#include <set>
#include <vector>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "reports/stats_tests.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

using Catch::Approx;
using Indices = std::span<const size_t>;

std::vector<double> Runs(size_t n) {
  const Rng rng(11, RngStream::kStatistics, 7);
  std::vector<double> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = rng.Normal(i);
  return values;
}

double PseudoP(const std::vector<double>& values, Indices a, Indices b) {
  std::vector<double> differences(a.size());
  for (size_t i = 0; i < a.size(); ++i) differences[i] = values[a[i]] - values[b[i]];
  return PairedTTest(differences).test.p;
}

TEST_CASE("the paired t test finds nothing in itself, as often as it says", "[stats]") {
  const std::vector<double> values = Runs(40);
  const Calibration result = CalibrateAgainstItself(
      40, [&](Indices a, Indices b) { return PseudoP(values, a, b) <= 0.05; });
  INFO("rate " << result.rate);
  CHECK(result.passed);
  CHECK(result.pairs == 20);
  CHECK(result.trials == 2000);
  CHECK(result.rate == Approx(0.05).margin(0.02));
  CHECK(result.wilson.Contains(result.rate));
}

TEST_CASE("a test at four times its level is caught", "[stats]") {
  const std::vector<double> values = Runs(40);
  const Calibration result = CalibrateAgainstItself(
      40, [&](Indices a, Indices b) { return PseudoP(values, a, b) <= 0.20; });
  CHECK_FALSE(result.passed);
  CHECK(result.wilson.lower > 0.05);
}

TEST_CASE("pairs that are not exchangeable are caught", "[stats]") {
  const std::vector<double> values = Runs(40);
  const auto rate = [&](auto arrange) {
    const Calibration result = CalibrateAgainstItself(40, [&](Indices a, Indices b) {
      std::vector<size_t> first(a.begin(), a.end()), second(b.begin(), b.end());
      arrange(first, second);
      return PseudoP(values, first, second) <= 0.05;
    });
    CHECK_FALSE(result.passed);
    return result.rate;
  };
  // Paired by rank, after the fact: the differences look far steadier than they are.
  CHECK(rate([&](auto& a, auto& b) {
          for (auto* half : {&a, &b})
            std::sort(half->begin(), half->end(),
                      [&](size_t x, size_t y) { return values[x] < values[y]; });
        }) > 0.3);
  // Every pair counted twice.
  CHECK(rate([](auto& a, auto& b) {
          a.insert(a.end(), a.begin(), a.begin() + 20);
          b.insert(b.end(), b.begin(), b.begin() + 20);
        }) > 0.1);
}

TEST_CASE("splits are disjoint halves, equal for equal seeds", "[stats]") {
  std::vector<std::vector<size_t>> first, second;
  const auto record = [](std::vector<std::vector<size_t>>& seen) {
    return [&seen](Indices a, Indices b) {
      std::set<size_t> all(a.begin(), a.end());
      all.insert(b.begin(), b.end());
      CHECK(all.size() == 40);  // of 41: one is left out
      CHECK(*all.rbegin() <= 40);
      if (seen.size() < 5) seen.emplace_back(a.begin(), a.end());
      return false;
    };
  };
  const Calibration result = CalibrateAgainstItself(41, record(first));
  CalibrateAgainstItself(41, record(second));
  CHECK(first == second);
  CHECK(first[0] != first[1]);
  CHECK(result.passed);
  CHECK(result.rate == 0.0);
}

TEST_CASE("calibration on too little is refused", "[stats]") {
  const auto never = [](Indices, Indices) { return false; };
  CHECK_THROWS_AS(CalibrateAgainstItself(39, never), Error);
  CHECK_THROWS_AS(CalibrateAgainstItself(40, never, {.trials = 1999}), Error);
}

}  // namespace
}  // namespace batchmark
