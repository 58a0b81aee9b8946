// What a budget cuts: seeds first, then steps, of all runs together.
#include "training/experiment/plan.h"

#include "tests/support/catch.h"
#include "tests/support/text.h"
#include "training/experiment/procedure.h"

namespace batchmark {
namespace {

ArmCost Cost(double seconds) { return {.step_s = seconds / 1000.0, .steps = 1000, .eval_every = 100}; }

TEST_CASE("A budget cuts seeds, then steps, never below half", "[plan]") {
  const ExperimentSize size{.seeds = 16, .min_seeds = 8};
  const RunCosts costs{.every_seed = {Cost(60), Cost(60)}};
  CHECK(FitBudget(size, costs, 0).seeds == 16);
  CHECK(FitBudget(size, costs, 16 * 120).sentence.empty());
  const ExperimentSizing fewer = FitBudget(size, costs, 10 * 120 + 1);
  CHECK(fewer.seeds == 10);
  CHECK(fewer.steps == 0);
  CHECK(Has(fewer.sentence, "would take 32 min here; to fit 20 min it was cut: seeds 16 -> 10."));
  const ExperimentSizing shorter = FitBudget(size, costs, 0.8 * 8 * 120);
  CHECK(shorter.seeds == 8);
  CHECK(shorter.steps == 800);
  const ExperimentSizing least = FitBudget(size, costs, 60);
  CHECK(least.steps == 500);
  CHECK(Has(least.sentence, "It takes 8 min all the same"));
}

TEST_CASE("Tuning runs count in a budget, and are cut with the others", "[plan]") {
  const ExperimentSize size{.seeds = 16, .min_seeds = 8};
  const RunCosts costs{.every_seed = {Cost(60)}, .once = {Cost(60), Cost(60), Cost(60), Cost(60)}};
  CHECK(costs.Seconds(16, 0) == Catch::Approx(20 * 60));
  CHECK(FitBudget(size, costs, 20 * 60).sentence.empty());
  const ExperimentSizing fewer = FitBudget(size, costs, 16 * 60, "All, 4 tuning runs included,");
  CHECK(fewer.seeds == 12);
  CHECK(costs.Seconds(fewer.seeds, fewer.steps) <= 16 * 60);
  CHECK(Has(fewer.sentence, "All, 4 tuning runs included, would take 20 min here; to fit 16 min"));
  const ExperimentSizing shorter = FitBudget(size, costs, 9 * 60);
  CHECK(shorter.seeds == 8);
  CHECK(shorter.steps == 700);
  CHECK(costs.Seconds(shorter.seeds, shorter.steps) <= 9 * 60);
  // Trials alone exceed it: the least that shows anything, and what that costs.
  CHECK(Has(FitBudget(size, costs, 60).sentence, "It takes 6 min all the same"));

  Experiment e;
  e.arms = {{"a", {}}, {"b", {}}, {"c", {}}};
  CHECK(TuningRuns(e) == 0);
  e.procedure = Procedure{.kind = Procedure::Kind::kTune, .key = "lr", .count = 7, .seeds = 2, .arms = {"a", "c"}};
  CHECK(TuningRuns(e) == 28);
  e.procedure->kind = Procedure::Kind::kBracket;
  CHECK(TuningRuns(e) == 0);
}

}  // namespace
}  // namespace batchmark
