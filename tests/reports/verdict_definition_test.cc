// Definitions: what is read, what is refused; how many pairs are planned; self-calibration of
// claims.
#include <string>
#include <vector>

#include "core/base/check.h"
#include "reports/verdict_tests.h"
#include "tests/reports/planted_runs.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

using test::Diverge;
using test::Lacks;
using test::Noise;
using test::PlantArm;
using test::Reach;
using test::Refusal;

std::string Definition(const std::string& contrast) {
  return R"({"name": "e", "claim": "c", "source": "s", "step_cap": 100, "arms": [{"name": "bn"}, {"name": "none"}],
             "contrasts": [{"name": "x", "a": "bn", "b": "none", )" +
         contrast + "}]}";
}

TEST_CASE("a definition is read with its defaults", "[verdict]") {
  const ExperimentClaims claims = ParseExperimentClaims(Definition(
      R"("measure": "steps_to_target", "test": "sign", "direction": "less", "margin": 0.0)"));
  CHECK(claims.name == "e");
  CHECK(claims.alpha == 0.05);
  REQUIRE(claims.contrasts.size() == 1);
  CHECK(claims.contrasts[0].test == ContrastTest::kSign);
  CHECK(claims.contrasts[0].n_min == 6);
  CHECK(claims.contrasts[0].role == ContrastRole::kCriterion);
  const ExperimentClaims full = ParseExperimentClaims(Definition(
      R"("measure": "test_accuracy", "test": "paired", "direction": "greater", "margin": 0.001,
                    "min_effect": 0.002, "n_min": 8, "role": "report", "assumed_effect": 0.003, "assumed_sd": 0.004)"));
  CHECK(full.contrasts[0].min_effect == 0.002);
  CHECK(full.contrasts[0].n_min == 8);
  CHECK(full.contrasts[0].role == ContrastRole::kReport);
  CHECK(full.contrasts[0].assumed_sd == 0.004);
  CHECK(ParseExperimentClaims(R"({"name": "e"})").contrasts.empty());
}

TEST_CASE("definitions that make no sense are refused by one sentence", "[verdict]") {
  const auto refusal = [](const std::string& contrast) -> std::string {
    try {
      ParseExperimentClaims(Definition(contrast));
    } catch (const Error& error) {
      CHECK(error.code() == ExitCode::kBadInput);
      return error.what();
    }
    return "accepted";
  };
  const std::string sign = R"("test": "sign", "direction": "less")";
  CHECK(Lacks(refusal(sign), "'measure' must be a text") == "");
  CHECK(Lacks(refusal(R"("measure": "speed", )" + sign), "unknown measure 'speed'") == "");
  CHECK(Lacks(refusal(R"("measure": "val_accuracy@", )" + sign), "unknown measure") == "");
  CHECK(Lacks(refusal(R"("measure": "train_loss", "test": "anova", "direction": "less")"),
              "test 'anova' is none of sign, logrank") == "");
  CHECK(Lacks(refusal(R"("measure": "train_loss", "test": "sign", "direction": "down")"),
              "direction 'down' is none of") == "");
  CHECK(Lacks(refusal(R"("measure": "train_loss", "test": "sign", "direction": "equal")"),
              "belong together") == "");
  CHECK(Lacks(refusal(R"("measure": "train_loss", "test": "logrank", "direction": "less")"),
              "logrank is for") == "");
  CHECK(Lacks(refusal(R"("measure": "train_loss", "test": "proportion", "direction": "less")"),
              "belong together") == "");
  CHECK(Lacks(refusal(R"("measure": "diverged_share", )" + sign), "belong together") == "");
  CHECK(Lacks(refusal(R"("measure": "train_loss", "test": "tost", "direction": "equal")"),
              "needs a margin above 0") == "");
  CHECK(
      Lacks(
          refusal(
              R"("measure": "steps_to_target", "test": "tost", "direction": "equal", "margin": 0.1)"),
          "above 1 (a factor)") == "");
  CHECK(Lacks(refusal(R"("measure": "lr_ceiling", )" + sign), "families of arms") == "");
  CHECK(Lacks(refusal(R"("measure": "train_loss", "min_effect": 0.1, )" + sign),
              "min_effect is for") == "");
  CHECK(Lacks(refusal(R"("measure": "train_loss", "margin": "big", )" + sign),
              "margin must be a number") == "");
  CHECK(Lacks(refusal(R"("measure": "train_loss", "n_min": 1, )" + sign),
              "n_min must be at least 2") == "");
  CHECK(Lacks(refusal(R"("measure": "train_loss", "role": "star", )" + sign), "role 'star'") == "");
  CHECK(Lacks(Refusal([&] { ParseExperimentClaims("{"); }), "not a JSON object") == "");
  CHECK(Lacks(Refusal([&] { ParseExperimentClaims(R"({"name": "e", "alpha": 0.7})"); }), "alpha") ==
        "");
  CHECK(Lacks(Refusal([&] {
                ParseExperimentClaims(
                    R"({"name": "e", "arms": [{"name": "p"}], "contrasts": [{"name": "x", "a": "p",
      "b": "q", "measure": "train_loss", "test": "sign", "direction": "less"}]})");
              }),
              "there is no arm 'q'") == "");
}

ContrastClaim Claim(const std::string& measure, ContrastTest test, Direction direction,
                    double margin = 0.0) {
  ContrastClaim claim;
  claim.name = "x";
  claim.a = "bn";
  claim.b = "none";
  claim.measure = measure;
  claim.test = test;
  claim.direction = direction;
  claim.margin = margin;
  return claim;
}

TEST_CASE("the plan says how many pairs are needed, before anything runs", "[verdict]") {
  ContrastClaim sign = Claim("steps_to_target", ContrastTest::kSign, Direction::kLess);
  CHECK(PlanContrast(sign, 8, 1).fewest == 6);
  CHECK(PlanContrast(sign, 8, 5).fewest == 8);
  CHECK(PlanContrast(sign, 8, 5).enough);
  CHECK_FALSE(PlanContrast(sign, 7, 5).enough);
  CHECK(Lacks(PlanContrast(sign, 7, 5).sentence, "planned: 7, so it will be inconclusive.") == "");

  ContrastClaim tost = Claim("test_accuracy", ContrastTest::kTost, Direction::kEqual, 0.002);
  tost.assumed_sd = 0.002;
  CHECK(PlanContrast(tost, 20, 1).required == 11);  // margin of one sd
  CHECK(Lacks(PlanContrast(tost, 20, 1).sentence,
              "needs 11 pairs for 80 % power if the arms do not differ") == "");
  ContrastClaim paired = Claim("test_accuracy", ContrastTest::kPaired, Direction::kGreater);
  CHECK(PlanContrast(paired, 20, 1).required == 10);  // one sd
  paired.assumed_effect = 0.0005;
  paired.assumed_sd = 0.0014;
  CHECK(PlanContrast(paired, 20, 1).required > 50);
  ContrastClaim rare = Claim("diverged_share", ContrastTest::kProportion, Direction::kLess, 0.05);
  rare.b.clear();
  CHECK(PlanContrast(rare, 20, 1).fewest == 72);  // 0.95^72 < 0.025
  CHECK_FALSE(PlanContrast(rare, 20, 1).enough);

  ExperimentClaims claims;
  claims.contrasts = {sign, sign, sign, sign, sign, sign};
  claims.contrasts.back().role = ContrastRole::kReport;
  const std::vector<ContrastPlan> plans = PlanExperiment(claims, 8);
  CHECK(plans.front().fewest == 8);  // a family of five
  CHECK(plans.back().fewest == 6);   // shown only
}

TEST_CASE("claims calibrate against themselves through the same code path", "[verdict]") {
  const std::vector<RunRecord> runs = PlantArm("any", 41, [](RunRecord& r, int s) {
    if (s % 10 == 0) return;
    if (s % 13 == 0) return Diverge(r, 5);
    Reach(r, 400 * std::exp(0.3 * Noise(10, s)));
    r.test_accuracy = 0.97 + 0.002 * Noise(11, s);
  });
  for (const ContrastClaim& claim :
       {Claim("steps_to_target", ContrastTest::kSign, Direction::kLess),
        Claim("steps_to_target", ContrastTest::kLogRank, Direction::kLess),
        Claim("steps_to_target", ContrastTest::kPaired, Direction::kLess),
        Claim("ms_per_step", ContrastTest::kPaired, Direction::kLess),
        Claim("test_accuracy", ContrastTest::kTost, Direction::kEqual, 0.001),
        Claim("diverged_share", ContrastTest::kProportion, Direction::kLess)}) {
    const Calibration calibration = CalibrateClaim(runs, claim);
    INFO(ToText(claim.test) << " on " << claim.measure << ": " << calibration.rate);
    CHECK(calibration.passed);
    CHECK(calibration.pairs == 20);
  }
  // Continuous values and a t test: neither blind nor trigger-happy.
  const std::vector<RunRecord> smooth = PlantArm(
      "any", 40, [](RunRecord& r, int s) { r.test_accuracy = 0.97 + 0.002 * Noise(12, s); });
  const Calibration calibration =
      CalibrateClaim(smooth, Claim("test_accuracy", ContrastTest::kPaired, Direction::kGreater));
  CHECK(calibration.rate > 0.03);
  CHECK(calibration.rate < 0.07);
  CHECK(Lacks(CalibrationSentence(calibration), "random splits of 40 equal runs") == "");
  CHECK_THROWS_AS(
      CalibrateClaim(std::span(smooth).first(39),
                     Claim("test_accuracy", ContrastTest::kPaired, Direction::kGreater)),
      Error);

  // Planted: verdict code that makes too much of what it sees.
  const auto finds_too_much = [](std::span<const RunPair> pairs, const ContrastClaim& claim,
                                 double alpha) {
    ContrastFinding finding = TestPairs(pairs, claim, alpha);
    finding.criterion.p /= 4.0, finding.criterion.p_opposite /= 4.0;
    return finding;
  };
  const Calibration broken = CalibratePairTest(
      PointersTo(smooth), Claim("test_accuracy", ContrastTest::kPaired, Direction::kGreater), {},
      finds_too_much);
  CHECK_FALSE(broken.passed);
  CHECK(broken.rate > 0.15);
  CHECK(Lacks(CalibrationSentence(broken), "at a claimed 5.0 %: failed.") == "");
}

TEST_CASE("a definition's calibration is judged beside its verdict", "[verdict]") {
  ExperimentClaims claims = ParseExperimentClaims(R"({"name": "planted", "arms": [{"name": "p"}],
    "calibration": {"name": "A/A", "arm": "p", "a": "first half", "b": "second half",
                    "measure": "test_accuracy", "test": "paired", "direction": "less"}})");
  const std::vector<RunRecord> runs =
      PlantArm("p", 40, [](RunRecord& r, int s) { r.test_accuracy = 0.97 + 0.002 * Noise(12, s); });
  const ExperimentFinding finding = JudgeExperiment(runs, claims);
  REQUIRE(finding.calibration);
  REQUIRE(finding.calibration->result);
  CHECK(finding.calibration->result->rate ==
        CalibrateClaim(runs, Claim("test_accuracy", ContrastTest::kPaired, Direction::kLess)).rate);
  CHECK(Lacks(finding.calibration->sentence, "random splits of 40 equal runs") == "");
  const ExperimentFinding few = JudgeExperiment(std::span(runs).first(39), claims);
  CHECK_FALSE(few.calibration->result);
  CHECK(Lacks(few.calibration->sentence, "needs 40 equal runs, has 39") == "");
  CHECK(Lacks(Refusal([] {
                ParseExperimentClaims(R"({"name": "e", "arms": [{"name": "p"}], "calibration":
      {"name": "A/A", "arm": "q", "a": "x", "b": "y", "measure": "train_loss", "test": "paired",
       "direction": "less"}})");
              }),
              "there is no arm 'q'") == "");
}

}  // namespace
}  // namespace batchmark
