// Verdicts on planted data: every test is flipped to supported, refuted and inconclusive.
#include "reports/verdict.h"

#include <string>
#include <vector>

#include "core/base/check.h"
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

ContrastClaim Claim(const std::string& measure, ContrastTest test, Direction direction) {
  ContrastClaim claim;
  claim.name = "planted claim";
  claim.a = "bn";
  claim.b = "none";
  claim.measure = measure;
  claim.test = test;
  claim.direction = direction;
  return claim;
}

Verdict Judged(const Runs& runs, const ContrastClaim& claim) {
  ExperimentClaims claims;
  claims.name = "planted";
  claims.contrasts = {claim};
  return JudgeExperiment(runs, claims).verdict;
}

// Arms whose steps to the target are about `a` and `b`, noisy, sharing nothing but the seed.
Runs Steps(double a, double b, int n = 12) {
  return PlantArm("bn", n,
                  [&](RunRecord& r, int s) { Reach(r, a * std::exp(0.1 * Noise(0, s))); }) +
         PlantArm("none", n,
                  [&](RunRecord& r, int s) { Reach(r, b * std::exp(0.1 * Noise(1, s))); });
}

// Arms whose accuracies differ by `gap` on average, with a pair sd of about `sd`.
Runs Accuracies(double gap, double sd, int n = 12) {
  return PlantArm("bn", n,
                  [&](RunRecord& r, int s) { r.test_accuracy = 0.97 + gap + sd * Noise(2, s); }) +
         PlantArm("none", n, [&](RunRecord& r, int) { r.test_accuracy = 0.97; });
}

TEST_CASE("steps to the target: each test supports, refutes and stays open", "[verdict]") {
  for (const ContrastTest test : {ContrastTest::kSign, ContrastTest::kLogRank,
                                  ContrastTest::kPaired, ContrastTest::kWilcoxon}) {
    for (const char* measure : {"steps_to_target", "time_to_target_s"}) {
      INFO(ToText(test) << " on " << measure);
      const ContrastClaim faster = Claim(measure, test, Direction::kLess);
      const ContrastClaim slower = Claim(measure, test, Direction::kGreater);
      CHECK(Judged(Steps(200, 800), faster) == Verdict::kSupported);
      CHECK(Judged(Steps(800, 200), faster) == Verdict::kRefuted);
      CHECK(Judged(Steps(400, 401), faster) == Verdict::kInconclusive);
      CHECK(Judged(Steps(200, 800), slower) == Verdict::kRefuted);
      CHECK(Judged(Steps(800, 200), slower) == Verdict::kSupported);
      CHECK(Judged(Steps(200, 800, 5), faster) == Verdict::kInconclusive);  // too few seeds
      CHECK(Judged({}, faster) == Verdict::kInconclusive);
    }
  }
}

TEST_CASE("an arm that never arrives loses, whether censored or diverged", "[verdict]") {
  const Runs arrived = PlantArm("bn", 8, [](RunRecord& r, int s) { Reach(r, 200 + 20 * s); });
  const Runs censored = PlantArm("none", 8, [](RunRecord&, int) {});
  const Runs diverged = PlantArm("none", 8, [](RunRecord& r, int s) { Diverge(r, 3 + s); });
  for (const ContrastTest test :
       {ContrastTest::kSign, ContrastTest::kLogRank, ContrastTest::kPaired}) {
    INFO(ToText(test));
    const ContrastClaim claim = Claim("steps_to_target", test, Direction::kLess);
    CHECK(Judged(arrived + censored, claim) == Verdict::kSupported);
    CHECK(Judged(arrived + diverged, claim) == Verdict::kSupported);
    ContrastClaim reversed = claim;
    std::swap(reversed.a, reversed.b);
    CHECK(Judged(arrived + censored, reversed) == Verdict::kRefuted);
  }
  const ContrastFinding finding = JudgeContrast(
      arrived + diverged, Claim("steps_to_target", ContrastTest::kPaired, Direction::kLess));
  CHECK(finding.test_used == ContrastTest::kSign);
  CHECK(finding.why_other == "in 8 pairs a run never arrived");
  CHECK(finding.diverged_b == 8);
  CHECK(Lacks(finding.sentence, "less in 8 of 8 decided pairs") == "");
  CHECK(Lacks(finding.sentence, "none: 8 diverged.") == "");
}

TEST_CASE("pairs in which nobody arrived say nothing", "[verdict]") {
  const Runs runs =
      PlantArm("bn", 8, [](RunRecord&, int) {}) + PlantArm("none", 8, [](RunRecord&, int) {});
  const ContrastFinding finding =
      JudgeContrast(runs, Claim("steps_to_target", ContrastTest::kSign, Direction::kLess));
  CHECK(finding.counts.undecided == 8);
  CHECK(finding.result.outcome == Outcome::kOpen);
  CHECK(finding.result.reason == "no pair is decided");
  CHECK(Lacks(finding.sentence, "nothing could be compared") == "");
}

TEST_CASE("a run stopped early leaves its pair undecided", "[verdict]") {
  const Runs runs = PlantArm("bn", 8, [](RunRecord& r, int) { Reach(r, 500); }) +
                    PlantArm("none", 8, [](RunRecord& r, int s) { r.steps = s <= 3 ? 100 : 1000; });
  const ContrastFinding finding =
      JudgeContrast(runs, Claim("steps_to_target", ContrastTest::kSign, Direction::kLess));
  CHECK(finding.counts.less == 5);
  CHECK(finding.counts.undecided == 3);
}

TEST_CASE("differences of accuracy: paired, minimum effect, superiority by a margin", "[verdict]") {
  ContrastClaim better = Claim("test_accuracy", ContrastTest::kPaired, Direction::kGreater);
  CHECK(Judged(Accuracies(0.01, 0.002), better) == Verdict::kSupported);
  CHECK(Judged(Accuracies(-0.01, 0.002), better) == Verdict::kRefuted);
  CHECK(Judged(Accuracies(0.0, 0.01), better) == Verdict::kInconclusive);
  better.min_effect = 0.02;
  CHECK(Judged(Accuracies(0.01, 0.002), better) == Verdict::kInconclusive);
  CHECK(JudgeContrast(Accuracies(0.01, 0.002), better).result.reason ==
        "effect below the minimum that matters");
  CHECK(Judged(Accuracies(0.03, 0.002), better) == Verdict::kSupported);
  better.min_effect = 0.0;
  better.margin = 0.02;
  CHECK(Judged(Accuracies(0.03, 0.002), better) == Verdict::kSupported);
  CHECK(Judged(Accuracies(0.01, 0.002), better) == Verdict::kRefuted);
  CHECK(Lacks(JudgeContrast(Accuracies(0.03, 0.002), better).effect_text, "points") == "");
}

TEST_CASE("a factor as margin: at least three times, established and refuted", "[verdict]") {
  ContrastClaim claim = Claim("steps_to_target", ContrastTest::kPaired, Direction::kGreater);
  claim.a = "none";
  claim.b = "bn";
  claim.margin = 3.0;
  CHECK(Judged(Steps(100, 600), claim) == Verdict::kSupported);
  CHECK(Judged(Steps(100, 150), claim) == Verdict::kRefuted);
  CHECK(Judged(Steps(100, 310), claim) == Verdict::kInconclusive);
  claim.test = ContrastTest::kSign;
  CHECK(Judged(Steps(100, 600), claim) == Verdict::kSupported);
  CHECK(Judged(Steps(100, 150), claim) == Verdict::kRefuted);
}

TEST_CASE("losses by ratio; a diverged run is the worst of all", "[verdict]") {
  const ContrastClaim lower = Claim("train_loss", ContrastTest::kPairedRatio, Direction::kLess);
  const Runs low = PlantArm(
      "bn", 8, [](RunRecord& r, int s) { r.train_loss = 0.02 * std::exp(0.2 * Noise(3, s)); });
  const Runs high = PlantArm(
      "none", 8, [](RunRecord& r, int s) { r.train_loss = 0.05 * std::exp(0.2 * Noise(4, s)); });
  const Runs blown = PlantArm("none", 8, [](RunRecord& r, int s) {
    if (s % 2 == 0) Diverge(r, 10);
  });
  CHECK(Judged(low + high, lower) == Verdict::kSupported);
  CHECK(Judged(low + blown, lower) == Verdict::kSupported);
  CHECK(JudgeContrast(low + blown, lower).test_used == ContrastTest::kSign);
  ContrastClaim reversed = lower;
  std::swap(reversed.a, reversed.b);
  CHECK(Judged(low + high, reversed) == Verdict::kRefuted);
  // A minimum effect keeps its meaning in the sign test: the median pair must show it.
  ContrastClaim large = lower;
  large.min_effect = 20.0;
  CHECK(Judged(low + blown, large) == Verdict::kInconclusive);
}

TEST_CASE("equality is claimed by TOST only, and refuted outside the margin", "[verdict]") {
  ContrastClaim equal = Claim("test_accuracy", ContrastTest::kTost, Direction::kEqual);
  equal.margin = 0.002;
  CHECK(Judged(Accuracies(0.0, 0.001), equal) == Verdict::kSupported);
  CHECK(Judged(Accuracies(0.01, 0.001), equal) == Verdict::kRefuted);
  CHECK(Judged(Accuracies(-0.01, 0.001), equal) == Verdict::kRefuted);
  CHECK(Judged(Accuracies(0.0, 0.01), equal) ==
        Verdict::kInconclusive);  // no difference found is not equality
  Runs blown = Accuracies(0.0, 0.001);
  Diverge(blown.front(), 5);
  const ContrastFinding finding = JudgeContrast(blown, equal);
  CHECK(finding.result.outcome == Outcome::kOpen);
  CHECK(finding.result.reason == "in 1 pair a run diverged");

  ContrastClaim steps = Claim("steps_to_target", ContrastTest::kTost, Direction::kEqual);
  steps.margin = 1.5;  // within a factor of 1.5
  CHECK(Judged(Steps(400, 410), steps) == Verdict::kSupported);
  CHECK(Judged(Steps(400, 900), steps) == Verdict::kRefuted);
}

TEST_CASE("non-inferiority, where higher and where lower is better", "[verdict]") {
  ContrastClaim claim = Claim("test_accuracy", ContrastTest::kNonInferiority, Direction::kGreater);
  claim.margin = 0.002;
  CHECK(Judged(Accuracies(0.0, 0.001), claim) == Verdict::kSupported);
  CHECK(Judged(Accuracies(0.02, 0.001), claim) == Verdict::kSupported);
  CHECK(Judged(Accuracies(-0.01, 0.001), claim) == Verdict::kRefuted);
  CHECK(Judged(Accuracies(-0.002, 0.001), claim) == Verdict::kInconclusive);
  ContrastClaim cost = Claim("ms_per_step", ContrastTest::kNonInferiority, Direction::kLess);
  cost.margin = 1.03;  // at most 3 % slower
  const auto arms = [](double ratio) {
    return PlantArm("bn", 8,
                    [&](RunRecord& r, int s) {
                      r.ms_per_step = 4.0 * ratio * std::exp(0.003 * Noise(5, s));
                    }) +
           PlantArm("none", 8, [](RunRecord&, int) {});
  };
  CHECK(Judged(arms(1.005), cost) == Verdict::kSupported);
  CHECK(Judged(arms(1.2), cost) == Verdict::kRefuted);
}

TEST_CASE("shares of diverged runs: two arms, and one arm against a bound", "[verdict]") {
  const auto arm = [](const std::string& name, int n, int diverged) {
    return PlantArm(name, n, [&](RunRecord& r, int s) {
      if (s <= diverged) Diverge(r, 7);
    });
  };
  const ContrastClaim fewer = Claim("diverged_share", ContrastTest::kProportion, Direction::kLess);
  CHECK(Judged(arm("bn", 8, 0) + arm("none", 8, 8), fewer) == Verdict::kSupported);
  CHECK(Judged(arm("bn", 8, 8) + arm("none", 8, 0), fewer) == Verdict::kRefuted);
  CHECK(Judged(arm("bn", 8, 3) + arm("none", 8, 4), fewer) == Verdict::kInconclusive);

  ContrastClaim half = Claim("diverged_share", ContrastTest::kProportion, Direction::kGreater);
  half.b.clear();
  half.margin = 0.5;
  CHECK(Judged(arm("bn", 8, 8), half) == Verdict::kSupported);
  CHECK(Judged(arm("bn", 8, 0), half) == Verdict::kRefuted);
  CHECK(Judged(arm("bn", 8, 5), half) == Verdict::kInconclusive);
  CHECK(Lacks(JudgeContrast(arm("bn", 8, 8), half).sentence, "exact binomial test") == "");
}

TEST_CASE("readings along the way are measures too", "[verdict]") {
  const auto arm = [](const std::string& name, double accuracy) {
    return PlantArm(name, 8, [&](RunRecord& r, int s) {
      const double noise = 0.01 * Noise(name == "bn" ? 6 : 7, s);
      r.readings = {{1000, "val_accuracy", accuracy + noise}, {2000, "val_accuracy", 0.97 + noise}};
    });
  };
  const ContrastClaim early =
      Claim("val_accuracy@1000", ContrastTest::kPaired, Direction::kGreater);
  CHECK(Judged(arm("bn", 0.9) + arm("none", 0.7), early) == Verdict::kSupported);
  CHECK(Judged(arm("bn", 0.7) + arm("none", 0.9), early) == Verdict::kRefuted);
  const ContrastClaim late = Claim("val_accuracy@last", ContrastTest::kPaired, Direction::kGreater);
  CHECK(Judged(arm("bn", 0.9) + arm("none", 0.7), late) == Verdict::kInconclusive);
  const ContrastClaim never =
      Claim("val_accuracy@1234", ContrastTest::kPaired, Direction::kGreater);
  CHECK(JudgeContrast(arm("bn", 0.9) + arm("none", 0.7), never).unpaired == 8);
}

// Rates on a grid of factor sqrt(10); every run above its arm's ceiling diverges.
Runs Ladder(const std::string& family, double ceiling) {
  Runs all;
  for (double lr = 1e-3; lr < 40.0; lr *= 3.1622776601683795) {
    all = std::move(all) +
          PlantArm(family + " lr " + std::to_string(lr), 8, [&](RunRecord& r, int s) {
            r.spec["lr"] = std::to_string(lr);
            if (lr > ceiling * std::exp(0.3 * Noise(8, s))) Diverge(r, 4);
          });
  }
  return all;
}

TEST_CASE("learning-rate ceilings: by a factor, established, refuted and out of reach",
          "[verdict]") {
  ContrastClaim claim = Claim("lr_ceiling", ContrastTest::kPaired, Direction::kGreater);
  claim.a = "bn lr*";
  claim.b = "none lr*";
  claim.margin = 3.0;
  CHECK(Judged(Ladder("bn", 3.0) + Ladder("none", 0.05), claim) == Verdict::kSupported);
  CHECK(Judged(Ladder("bn", 0.1) + Ladder("none", 0.1), claim) == Verdict::kRefuted);
  // BN never diverges at any rate tried: its ceiling is a lower bound, which is enough for the
  // claim.
  const ContrastFinding bound = JudgeContrast(Ladder("bn", 1e9) + Ladder("none", 0.05), claim);
  CHECK(bound.test_used == ContrastTest::kSign);
  CHECK(bound.result.outcome == Outcome::kPass);
  // Neither diverges: nothing is known of the ratio.
  CHECK(JudgeContrast(Ladder("bn", 1e9) + Ladder("none", 1e9), claim).counts.undecided == 8);
}

TEST_CASE("several criteria: Holm, checks that must hold, contrasts that are only shown",
          "[verdict]") {
  ExperimentClaims claims;
  claims.name = "planted";
  claims.contrasts = {Claim("steps_to_target", ContrastTest::kSign, Direction::kLess),
                      Claim("test_accuracy", ContrastTest::kPaired, Direction::kGreater)};
  const auto runs = [](double gap) {
    Runs all = Steps(200, 800, 8);
    for (RunRecord& run : all)
      run.test_accuracy =
          run.arm == "bn" ? 0.97 + gap + 0.001 * Noise(9, std::stoi(run.spec["seed"])) : 0.97;
    return all;
  };
  CHECK(JudgeExperiment(runs(0.01), claims).verdict == Verdict::kSupported);
  CHECK(JudgeExperiment(runs(-0.01), claims).verdict == Verdict::kRefuted);
  CHECK(JudgeExperiment(runs(0.0), claims).verdict == Verdict::kInconclusive);
  const ExperimentFinding finding = JudgeExperiment(runs(0.01), claims);
  CHECK(finding.sentence == "supported: all 2 criteria pass at 0.05 after Holm.");
  CHECK(Lacks(finding.notes.back(), "every 20 steps") == "");

  claims.contrasts[1].role = ContrastRole::kReport;
  CHECK(JudgeExperiment(runs(-0.01), claims).verdict == Verdict::kSupported);
  CHECK(JudgeExperiment(runs(-0.01), claims).contrasts[1].result.outcome == Outcome::kOpposite);
  claims.contrasts[1].role = ContrastRole::kCheck;
  CHECK(JudgeExperiment(runs(0.01), claims).verdict == Verdict::kSupported);
  CHECK(JudgeExperiment(runs(-0.01), claims).verdict == Verdict::kInconclusive);
  CHECK(Lacks(JudgeExperiment(runs(-0.01), claims).sentence, "a check that must hold first") == "");
  claims.contrasts.clear();
  CHECK(JudgeExperiment(runs(0.01), claims).verdict == Verdict::kInconclusive);
}

TEST_CASE("only this experiment's runs count, and a seed counts once", "[verdict]") {
  const ContrastClaim claim = Claim("steps_to_target", ContrastTest::kSign, Direction::kLess);
  Runs others = Steps(800, 200);
  for (RunRecord& run : others) run.experiment = "another";
  CHECK(Judged(Steps(200, 800) + others, claim) == Verdict::kSupported);
  CHECK(Lacks(Refusal([&] { Judged(Steps(200, 800) + Steps(200, 800), claim); }),
              "two runs of seed 1") == "");
  Runs lone = Steps(200, 800);
  lone.pop_back();
  CHECK(JudgeContrast(lone, claim).unpaired == 1);
  CHECK(JudgeContrast(lone, claim).pairs == 11);
}

TEST_CASE("sentences are whole and hold their numbers", "[verdict]") {
  const Runs runs = PlantArm("bn", 8, [](RunRecord& r, int) { Reach(r, 200); }) +
                    PlantArm("none", 8, [](RunRecord& r, int) { Reach(r, 400); });
  const ContrastClaim sign = Claim("steps_to_target", ContrastTest::kSign, Direction::kLess);
  CHECK(JudgeContrast(runs, sign).sentence ==
        "planted claim: steps to the target, bn against none: median ratio 0.5 [0.5, 0.5], less in "
        "8 of 8 decided pairs (exact sign test, n = 8, p = 0.0078): as claimed.");
  const ContrastClaim ratio = Claim("steps_to_target", ContrastTest::kPaired, Direction::kLess);
  CHECK(JudgeContrast(runs, ratio).sentence ==
        "planted claim: steps to the target, bn against none: ratio 0.5 [0.5, 0.5] (paired t test, "
        "n = 8, p = 0.0078): "
        "as claimed.");
}

TEST_CASE("what a figure shows of an effect: the test's interval, or the pairs', never below n_min",
          "[verdict]") {
  const ContrastClaim sign = Claim("steps_to_target", ContrastTest::kSign, Direction::kLess);
  const ContrastFinding found = JudgeContrast(Steps(200, 800), sign);
  CHECK(found.shown->low == Approx(std::log(0.25)).margin(0.1));
  CHECK(found.shown->interval->upper < 0.0);
  CHECK(found.shown->lines == std::vector<double>{0.0});
  CHECK_FALSE(JudgeContrast(Steps(200, 800, 5), sign).shown->interval);
  // Every pair is a bound: the effect is below something.
  const Runs late = PlantArm("none", 8, [](RunRecord&, int) {});
  const Runs bn = PlantArm("bn", 8, [](RunRecord& r, int) { Reach(r, 200); });
  const ContrastFinding open = JudgeContrast(bn + late, sign);
  CHECK(open.shown->high == Approx(std::log(0.2)));
  CHECK(std::isinf(open.shown->low));
  CHECK(Lacks(open.effect_text, "median ratio below 0.2 [0, 0.2], less in 8 of 8") == "");
  ContrastClaim equal = Claim("test_accuracy", ContrastTest::kTost, Direction::kEqual);
  equal.margin = 0.002;
  const ContrastFinding inside = JudgeContrast(Accuracies(0.0, 0.001), equal);
  CHECK(inside.shown->lines == std::vector<double>{-0.002, 0.002});
  CHECK(inside.shown->interval->upper == inside.criterion.interval->upper);
  CHECK_FALSE(JudgeContrast({}, equal).shown);
}

TEST_CASE("the cost of a contrast: steps times cost, BN's share, who was left out", "[verdict]") {
  Runs runs = PlantArm("bn", 8,
                       [](RunRecord& r, int) {
                         r.ms_per_step = r.ms_per_step_median = 5.0;
                         Reach(r, 200);
                       }) +
              PlantArm("none", 8, [](RunRecord& r, int s) {
                if (s < 8) Reach(r, 400);
              });
  const ContrastCost cost = JudgeCost(runs, "bn", "none");
  CHECK(cost.split.n == 7);
  CHECK(cost.left_out == 1);
  CHECK(cost.cost_pairs == 8);
  CHECK(cost.split.steps.ratio == Approx(0.5));
  CHECK(cost.split.cost.ratio == Approx(1.25));
  CHECK(cost.split.time.ratio == Approx(0.625));
  CHECK(cost.share.share == Approx(0.2));
  CHECK(Lacks(cost.sentence,
              "time 0.625 [0.625, 0.625] = steps 0.5 [0.5, 0.5] x cost of a step 1.25") == "");
  CHECK(Lacks(cost.sentence, "1 pair left out") == "");
  CHECK(JudgeCost({}, "bn", "none").split.n == 0);
}

}  // namespace
}  // namespace batchmark
