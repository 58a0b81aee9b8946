// Effects with runs that never arrived: bounds, medians, the two-by-two and its shares.
#include "reports/effects.h"

#include <cmath>
#include <limits>
#include <list>

#include "reports/intervals.h"
#include "tests/support/catch.h"

namespace batchmark::report {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// A two-by-two whose runs arrive after the given steps; 0 is "never, within 1000".
struct TwoByTwo {
  std::list<RunRecord> runs;
  Study study;

  TwoByTwo(std::vector<int64_t> bn_high, std::vector<int64_t> none_high,
           std::vector<int64_t> bn_low, std::vector<int64_t> none_low) {
    study.step_cap = 1000;
    study.factors_declared = true;
    study.factors = {{"bn", "bn.placement", {"none", "pre"}}, {"lr", "lr", {"0.001", "0.01"}}};
    Add("pre", "0.01", bn_high), Add("none", "0.01", none_high), Add("pre", "0.001", bn_low),
        Add("none", "0.001", none_low);
  }

  void Add(const std::string& placement, const std::string& lr,
           const std::vector<int64_t>& arrivals) {
    Arm arm;
    arm.name = placement + lr;
    arm.levels = {{"bn.placement", placement}, {"lr", lr}};
    for (size_t i = 0; i < arrivals.size(); ++i) {
      RunRecord run;
      run.spec = {{"seed", std::to_string(i + 1)}};
      run.status = arrivals[i] ? "reached" : "capped";
      run.steps = 1000;
      run.ms_per_step = 2;
      run.train_s = 2;
      if (arrivals[i])
        run.steps_to_target = arrivals[i],
        run.time_to_target_s = 0.002 * static_cast<double>(arrivals[i]);
      runs.push_back(run);
      arm.runs.push_back(&runs.back());
    }
    study.arms.push_back(arm);
  }
};

double Times(const Range& range) { return range.Exact() ? std::exp(range.low) : std::nan(""); }

TEST_CASE("medians of bounds are bounds only when the middle is", "[report]") {
  CHECK(MedianBound({{10}, {30}, {20}}).value == 20);
  CHECK_FALSE(MedianBound({{10}, {20}, {600, true}}).beyond);
  const Bound open = MedianBound({{10}, {600, true}, {600, true}});
  CHECK((open.beyond && open.value == 600));
  const Bound even = MedianBound({{100}, {600, true}});
  CHECK((even.beyond && even.value == 350));
  CHECK(MedianRange({{-kInf, 1}, {1, 1}}).low == -kInf);  // and no NaN between them
  CHECK(MedianRange({{1, 1}, {1, kInf}}).high == kInf);
  // Pruned early: the bound 50 does not make it the smallest value.
  CHECK(MedianBound({{100}, {200}, {50, true}}).value == 200);
  CHECK(std::isnan(MedianBound({}).value));
}

TEST_CASE("quantiles skip NaN and keep infinities", "[report]") {
  CHECK(Median({3, std::nan(""), 1}) == 2);
  CHECK(Median({1, kInf, kInf}) == kInf);
  CHECK(std::isnan(Median({})));
  CHECK(Quantile({1, 2, 3, 4, 5}, 0.25) == 2);
}

TEST_CASE("a full two-by-two gives exact effects", "[report]") {
  const TwoByTwo t({50, 50}, {200, 200}, {100, 100}, {800, 800});
  const auto f = FindFactorial(t.study);
  REQUIRE(f.has_value());
  CHECK(f->row.key == "bn.placement");
  CHECK(f->row_levels[0] == "none");
  CHECK(f->column_levels[1] == "0.01");
  const Measure steps = Measure::kSteps;
  CHECK(Times(f->RowAt(t.study, steps, 1).median) == Catch::Approx(4));
  CHECK(Times(f->RowAt(t.study, steps, 0).median) == Catch::Approx(8));
  CHECK(Times(f->ColumnAt(t.study, steps, 1).median) == Catch::Approx(2));
  CHECK(Times(f->ColumnAt(t.study, steps, 0).median) == Catch::Approx(4));
  CHECK(Times(f->RowMain(t.study, steps).median) == Catch::Approx(std::sqrt(32)));
  CHECK(Times(f->ColumnMain(t.study, steps).median) == Catch::Approx(std::sqrt(8)));
  CHECK(Times(f->Interaction(t.study, steps).median) == Catch::Approx(0.5));
  CHECK(Times(f->Confounded(t.study, steps).median) == Catch::Approx(16));
  CHECK(Times(f->Confounded(t.study, Measure::kSeconds).median) == Catch::Approx(16));
  const auto share = RowShare(*f, t.study, steps);
  REQUIRE(share);
  CHECK(share->Exact());
  CHECK(share->low == Catch::Approx(std::log(32) / 2 / std::log(16)));
}

TEST_CASE("an arm that never arrives gives marked bounds", "[report]") {
  const TwoByTwo t({50, 50, 50}, {200, 200, 200}, {100, 100, 100}, {0, 0, 0});
  const auto f = FindFactorial(t.study);
  REQUIRE(f.has_value());
  const Measure steps = Measure::kSteps;
  CHECK(RatioText(f->RowAt(t.study, steps, 1).median) == "4.0×");
  CHECK(RatioText(f->RowAt(t.study, steps, 0).median) == "> 10×");
  CHECK(RatioText(f->RowMain(t.study, steps).median) == "> 6.3×");
  CHECK(RatioText(f->ColumnMain(t.study, steps).median) == "> 3.2×");
  CHECK(RatioText(f->Interaction(t.study, steps).median) == "< 0.40×");
  CHECK(RatioText(f->Confounded(t.study, steps).median) == "> 20×");
  const auto share = RowShare(*f, t.study, steps);
  REQUIRE(share);
  CHECK(share->low == Catch::Approx(0.5));
  CHECK(share->high == Catch::Approx((std::log(4) + std::log(10)) / 2 / std::log(20)));
}

TEST_CASE("runs without arrival on both sides determine nothing", "[report]") {
  const TwoByTwo t({50}, {0}, {0}, {0});
  const auto f = FindFactorial(t.study);
  REQUIRE(f.has_value());
  CHECK(RatioText(f->RowAt(t.study, Measure::kSteps, 0).median) == "not determined");
  CHECK_FALSE(RowShare(*f, t.study, Measure::kSteps));
  const TwoByTwo lost({0}, {200}, {100}, {500});
  CHECK_FALSE(RowShare(*FindFactorial(lost.study), lost.study, Measure::kSteps));
}

TEST_CASE("one lost run of many does not make the median a bound", "[report]") {
  const TwoByTwo t({50, 50, 50}, {200, 0, 210}, {100, 100, 100}, {800, 800, 800});
  const auto f = FindFactorial(t.study);
  CHECK(RatioText(f->RowAt(t.study, Measure::kSteps, 1).median) == "4.2×");
}

TEST_CASE("no two-by-two without all four arms on common seeds", "[report]") {
  TwoByTwo t({50}, {200}, {100}, {800});
  t.study.arms.pop_back();
  CHECK_FALSE(FindFactorial(t.study));
}

TEST_CASE("intervals start at six seeds and need every run to arrive", "[report]") {
  std::vector<Bound> values = {{10}, {11}, {12}, {13}, {14}};
  CHECK_FALSE(MedianInterval(values));
  values.push_back({15});
  const auto interval = MedianInterval(values);
  REQUIRE(interval);
  CHECK(interval->lower >= 10);
  CHECK(interval->upper <= 15);
  CHECK(interval->lower < 12.5);
  CHECK(interval->upper > 12.5);
  values.push_back({600, true});
  CHECK_FALSE(MedianInterval(values));
}

}  // namespace
}  // namespace batchmark::report
