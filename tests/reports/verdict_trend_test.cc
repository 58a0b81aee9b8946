// Trends along ordered arms, on planted data: supported, refuted, open; what is refused and
// planned.
#include <cmath>
#include <functional>
#include <vector>

#include "reports/stats_power.h"
#include "reports/stats_trend.h"
#include "reports/verdict.h"
#include "tests/reports/planted_runs.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

using Catch::Approx;
using test::Diverge;
using test::Lacks;
using test::Noise;
using test::PlantArm;
using test::operator+;
using test::Reach;
using test::Refusal;
using Runs = std::vector<RunRecord>;

ContrastClaim Trend(const std::string& measure, Direction direction) {
  ContrastClaim claim;
  claim.name = "planted trend";
  claim.arms = {"small", "middle", "large"};
  claim.measure = measure;
  claim.test = ContrastTest::kTrend;
  claim.direction = direction;
  return claim;
}

Runs Arms(int n, const std::function<void(RunRecord&, int arm, int seed)>& change) {
  Runs all;
  const char* const names[] = {"small", "middle", "large"};
  for (int arm = 0; arm < 3; ++arm)
    all = std::move(all) + PlantArm(names[arm], n, [&](RunRecord& r, int s) { change(r, arm, s); });
  return all;
}

// Accuracies that change by `step` from arm to arm, with noise of sd 0.001.
Runs Accuracies(double step, int n = 8) {
  return Arms(n, [&](RunRecord& r, int arm, int s) {
    r.test_accuracy = 0.97 + step * arm + 0.001 * Noise(arm, s);
  });
}

TEST_CASE("a trend rises, falls or is not there", "[verdict]") {
  const ContrastClaim rises = Trend("test_accuracy", Direction::kGreater);
  const ContrastClaim falls = Trend("test_accuracy", Direction::kLess);
  CHECK(JudgeContrast(Accuracies(0.01), rises).result.outcome == Outcome::kPass);
  CHECK(JudgeContrast(Accuracies(-0.01), rises).result.outcome == Outcome::kOpposite);
  CHECK(JudgeContrast(Accuracies(-0.01), falls).result.outcome == Outcome::kPass);
  CHECK(JudgeContrast(Accuracies(0.01), falls).result.outcome == Outcome::kOpposite);
  CHECK(JudgeContrast(Accuracies(0.0), rises).result.outcome == Outcome::kOpen);
  CHECK(JudgeContrast(Accuracies(0.01, 5), rises).result.reason == "n = 5 of 6 required");
  CHECK(JudgeContrast({}, rises).result.outcome == Outcome::kOpen);
  // The middle arm out of order: what the ends alone would not show.
  const Runs bent = Arms(8, [](RunRecord& r, int arm, int s) {
    r.test_accuracy = 0.97 + (arm == 1 ? -0.02 : 0.001 * arm) + 1e-4 * Noise(arm, s);
  });
  CHECK(JudgeContrast(bent, rises).criterion.estimate == Approx(2.0 / 3.0));
}

TEST_CASE("a trend's effect is the share of pairs in order, with its interval", "[verdict]") {
  const ContrastFinding whole =
      JudgeContrast(Accuracies(-0.01), Trend("test_accuracy", Direction::kLess));
  CHECK(whole.shown->low == 1.0);
  CHECK(whole.shown->interval->upper == 1.0);
  CHECK(whole.shown->interval->lower == Approx(std::pow(0.025, 1.0 / 8.0)));  // 8 of 8
  CHECK(whole.shown->lines == std::vector<double>{0.5});
  CHECK(Lacks(whole.sentence,
              "planted trend: test accuracy, small → middle → large: falls in 100 [63, 100] % of "
              "the pairs of arms; first to last -2.04 points (Page's trend test, n = 8, p < "
              "0.0001): as claimed.") == "");
  const ContrastFinding noisy =
      JudgeContrast(Accuracies(0.001, 20), Trend("test_accuracy", Direction::kGreater));
  CHECK(noisy.shown->interval->lower > 0.5);
  CHECK(noisy.shown->interval->lower < noisy.shown->low);
  CHECK(noisy.shown->interval->upper > noisy.shown->low);
  CHECK_FALSE(JudgeContrast(Accuracies(0.01, 5), Trend("test_accuracy", Direction::kGreater))
                  .shown->interval);
}

TEST_CASE("trends of runs that never arrived or diverged", "[verdict]") {
  const ContrastClaim falls = Trend("steps_to_target", Direction::kLess);
  const auto steps = [](int late, auto end) {
    return Arms(8, [=](RunRecord& r, int arm, int s) {
      arm < late ? end(r, s) : Reach(r, 900 - 200 * arm + 10 * s);
    });
  };
  const auto cap = [](RunRecord&, int) {};
  const ContrastFinding censored = JudgeContrast(steps(1, cap), falls);
  CHECK(censored.result.outcome == Outcome::kPass);
  CHECK_FALSE(censored.change);
  CHECK(Lacks(censored.sentence, "All arms: 8 never arrived.") == "");
  // Two arms level at the same last step: the third must still stand out.
  CHECK(JudgeContrast(steps(2, cap), falls).criterion.estimate == Approx(2.5 / 3.0));
  CHECK(JudgeContrast(steps(2, [](RunRecord& r, int s) { Diverge(r, 5 + s); }), falls)
            .result.outcome == Outcome::kPass);
  // Other last steps: who would have been first is not known.
  Runs cut = steps(2, cap);
  cut.front().steps = 800;
  const ContrastFinding open = JudgeContrast(cut, falls);
  CHECK(open.result.outcome == Outcome::kOpen);
  CHECK(open.result.reason == "in 1 seed runs never arrived, and their order is not known");
  Runs lone = steps(0, cap);
  lone.pop_back();
  CHECK(JudgeContrast(lone, falls).unpaired == 1);
  CHECK(Lacks(JudgeContrast(steps(0, cap), falls).sentence, "first to last x 0.") == "");
}

TEST_CASE("a trend is one of the family", "[verdict]") {
  ExperimentClaims claims;
  claims.name = "planted";
  ContrastClaim other = Trend("val_accuracy", Direction::kGreater);
  claims.contrasts = {Trend("test_accuracy", Direction::kGreater), other};
  CHECK(JudgeExperiment(Accuracies(0.01), claims).verdict == Verdict::kInconclusive);
  CHECK(JudgeExperiment(Accuracies(-0.01), claims).verdict == Verdict::kRefuted);
  claims.contrasts[1].role = ContrastRole::kReport;
  CHECK(JudgeExperiment(Accuracies(0.01), claims).verdict == Verdict::kSupported);
}

TEST_CASE("mistaken trends are refused", "[verdict]") {
  const auto refusal = [](auto change) {
    ContrastClaim claim = Trend("test_accuracy", Direction::kGreater);
    change(claim);
    return Refusal([&] { ValidateClaim(claim); });
  };
  CHECK(refusal([](ContrastClaim&) {}) == "accepted");
  CHECK(Lacks(refusal([](auto& c) { c.arms.pop_back(); }), "at least three arms") == "");
  CHECK(Lacks(refusal([](auto& c) { c.arms[2] = "small"; }), "named twice") == "");
  CHECK(Lacks(refusal([](auto& c) { c.a = "small"; }), "list 'arms'") == "");
  CHECK(Lacks(refusal([](auto& c) { c.margin = 0.1; }), "has no margin") == "");
  CHECK(Lacks(refusal([](auto& c) { c.min_effect = 0.1; }), "min_effect is for") == "");
  CHECK(Lacks(refusal([](auto& c) { c.measure = "diverged_share"; }), "belong together") == "");
  CHECK(Lacks(refusal([](auto& c) { c.measure = "lr_ceiling"; }), "must end in '*'") == "");
  CHECK(Lacks(refusal([](auto& c) { c.direction = Direction::kEqual; }), "belong together") == "");
  CHECK(Lacks(refusal([](auto& c) { c.test = ContrastTest::kPaired; }), "list 'arms'") == "");
}

TEST_CASE("seeds for a trend: planned, and enough by simulation", "[verdict]") {
  const ContrastClaim claim = Trend("test_accuracy", Direction::kGreater);
  const ContrastPlan plan = PlanContrast(claim, 12, 1);
  CHECK(plan.fewest == 6);  // n_min; three would do for the exact test
  CHECK(plan.required == RequiredSeedsPage(3, 0.8));
  CHECK(Lacks(plan.sentence,
              "seeds for 80 % power if 80 % of the pairs of arms stand in the claimed order") ==
        "");
  CHECK(PlanContrast(claim, 5, 1).enough == false);
  for (const auto& [arms, shift] : {std::pair(3, 0.5), {3, 0.8}, {5, 0.3}}) {
    const auto seed_of = [&](int trial) {
      std::vector<double> values;
      for (int arm = 0; arm < arms; ++arm) values.push_back(shift * arm + Noise(arm, trial));
      return values;
    };
    double in_order = 0.0, pairs = 0.0;
    for (int trial = 0; trial < 4000; ++trial) {
      const std::vector<double> values = seed_of(trial);
      for (int i = 0; i < arms; ++i)
        for (int j = i + 1; j < arms; ++j) in_order += values[i] < values[j], pairs += 1.0;
    }
    const int n = RequiredSeedsPage(arms, in_order / pairs);
    int found = 0;
    for (int trial = 0; trial < 500; ++trial) {
      std::vector<std::vector<double>> seeds;
      for (int s = 0; s < n; ++s) seeds.push_back(seed_of(trial * n + s));
      found += 2.0 * PageTrend(seeds).p <= 0.05;
    }
    INFO(arms << " arms, " << n << " seeds, share " << in_order / pairs << ": " << found);
    CHECK(found >= 0.76 * 500);  // 80 % but for the chance of 500 trials
  }
}

}  // namespace
}  // namespace batchmark
