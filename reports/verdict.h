// An experiment's claims, judged on the runs of a store: contrasts paired on seed, one family under
// Holm, one verdict, an English sentence for each number.
//
// A definition is JSON (document "experiment/<name>" of a store; other keys are left alone):
//   name, claim, source, alpha = 0.05
//   arms       [{name}]: what a and b may name; if there are none, any name goes
//   contrasts  [{name, a, b, measure, test, direction, margin, min_effect, n_min, role,
//                assumed_effect, assumed_sd}]; arms [names] in place of a and b for test = trend
//   calibration {arm, and a contrast's fields}: the verdict's own false alarms on runs of one arm
//
// measure    steps_to_target | time_to_target_s    arrivals: censored and diverged runs included
//            train_loss | val_accuracy | test_accuracy | ms_per_step        of the finished run
//            NAME@STEP | NAME@last                 a reading, "val_accuracy@1000"
//            diverged_share | reached_share        for test = proportion only
//            lr_ceiling    a and b end in '*' and name all arms that begin so; per seed the rate at
//                          which half the runs diverge (Firth's logistic curve over ln lr)
// test       sign             exact sign test of the pairs (which arm arrives first)
//            logrank          log-rank stratified by seed; arrivals only
//            paired           Student's t of the pair effects
//            paired_ratio     the same on ln(a / b), for any positive measure
//            wilcoxon         signed-rank test of the pair effects
//            tost             equivalence within margin
//            noninferiority   not worse than margin
//            proportion       exact sign test of the pairs whose outcomes differ (McNemar); without
//                             b: exact binomial test of a's share against margin
//            trend            Page's test for ordered alternatives along three arms or more, seeds
//                             as blocks; no share. The effect is the share of the pairs of arms
//                             that stand in the claimed order (1/2 without a trend)
// direction  less | greater: a's measure is less or greater than b's; equal: tost. trend: it falls
//            or rises from arm to arm.
//            noninferiority: which of the two is better.
// margin     the null (paired, paired_ratio, wilcoxon, sign), the margin (tost, noninferiority) or
//            the share (proportion without b). Effects are ln(a / b) for arrivals, ms_per_step,
//            lr_ceiling and paired_ratio: there margin and min_effect are factors ("greater" with
//            margin 3: a / b > 3). Elsewhere effects are a - b, in the measure's unit.
// min_effect smallest effect beyond the margin worth the claim (paired, paired_ratio, wilcoxon)
// n_min      pairs without which the criterion stays open; default 6
// role       criterion (default) | check, a manipulation check that must hold first | report, shown
//            but no part of the verdict or its family
// assumed_*  what PlanContrast counts pairs for: the true effect (as min_effect is given) and the
//            sd of the pair effects on the test's scale; trend: the share of pairs in order
//
// Runs that did not finish well are never dropped. A diverged run is worse than any number, a
// censored run arrives at an unknown time after its last step. Where such a run takes part, paired,
// paired_ratio and wilcoxon give way to the exact sign test, for which a bound is enough, and tost
// and noninferiority stay open; the finding says so. A trend takes the order that bounds leave, and
// stays open where they leave none.
//
// Two-sided tests at alpha give both p (the effect lies as claimed) and p_opposite.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reports/results.h"
#include "reports/stats_calibration.h"
#include "reports/stats_decomposition.h"
#include "reports/stats_survival.h"
#include "reports/stats_verdict.h"

namespace batchmark {

enum class ContrastTest {
  kSign,
  kLogRank,
  kPaired,
  kPairedRatio,
  kWilcoxon,
  kTost,
  kNonInferiority,
  kProportion,
  kTrend
};
const char* ToText(ContrastTest test);  // "sign" ...

enum class ContrastRole { kCriterion, kCheck, kReport };

struct ContrastClaim {
  std::string name, a, b;
  std::vector<std::string> arms;  // of a trend, in order; a and b are then empty
  std::string measure;
  ContrastTest test = ContrastTest::kSign;
  Direction direction = Direction::kLess;
  double margin = 0.0;      // 0: none
  double min_effect = 0.0;  // 0: any
  int n_min = 6;
  ContrastRole role = ContrastRole::kCriterion;
  double assumed_effect = 0.0, assumed_sd = 0.0;  // 0: not declared
};

// An arm with many seeds, on which the code of the verdicts is tried against itself (A/A).
struct CalibrationClaim {
  std::string arm;
  ContrastClaim claim;  // a and b do not matter
};

struct ExperimentClaims {
  std::string name, claim, source;
  double alpha = 0.05;
  std::vector<std::string> arms;
  std::vector<ContrastClaim> contrasts;
  std::optional<CalibrationClaim> calibration;
};

// The arms that the claim speaks of: a, b (where there is one), or those of the trend.
std::vector<std::string> ArmsOf(const ContrastClaim& claim);

// Throws Error(kBadInput), naming the contrast: unknown words, arms that do not exist, a test that
// does not fit its measure, a margin that is missing or makes no sense.
ExperimentClaims ParseExperimentClaims(const std::string& json);
// The same checks for one claim made in code.
void ValidateClaim(const ContrastClaim& claim);

// Effects on either side of the null, as far as they are known.
struct PairCounts {
  int less = 0, greater = 0, ties = 0, undecided = 0;
};

// The effect as a figure shows it: on the scale of the claim's margin (a log ratio, a difference in
// the measure's unit, a share), whatever scale the test has. An open end is infinite.
struct ShownEffect {
  double low, high;                  // mean or median; one number where every run arrived
  std::optional<Interval> interval;  // none below n_min pairs
  std::vector<double> lines;         // the null, or both ends of an equivalence margin
};

struct ContrastFinding {
  ContrastClaim claim;
  ContrastTest test_used = ContrastTest::kSign;  // another than claim.test only as said above
  std::string why_other;        // "in 2 pairs a run never arrived"; "" if nothing was in the way
  Criterion criterion;          // on the test's scale
  CriterionResult result;       // within the family; a report's is by itself
  bool is_ratio = false;        // the effects are logs of ratios
  int pairs = 0, unpaired = 0;  // seeds in both arms; in one only, or not measured
  PairCounts counts;            // pairs by their effect against the null
  int censored_a = 0, censored_b = 0, diverged_a = 0, diverged_b = 0;  // trend: of all arms in a
  std::optional<double> change;  // trend: last arm against first, the median seed's difference or
                                 // log ratio
  std::optional<ShownEffect> shown;  // empty: nothing could be compared
  std::string effect_text;           // "ratio 0.42 [0.36, 0.49]", "less in 8 of 8 decided pairs"
  std::string sentence;              // what was found, with test, n, p and counts
};

struct CalibrationFinding {
  std::optional<Calibration> result;  // empty: fewer than 40 runs of the arm
  std::string sentence;
};

struct ExperimentFinding {
  std::string name;
  Verdict verdict = Verdict::kInconclusive;
  std::vector<ContrastFinding> contrasts;         // as defined
  std::string sentence;                           // the verdict and what it rests on
  std::optional<CalibrationFinding> calibration;  // no part of the verdict
  std::vector<std::string> notes;  // how steps were read, how many pairs were left out ...
};

// `runs` may hold other experiments' runs and arms; only runs of claims.name count. Throws
// Error(kBadInput) if an arm holds two runs of one seed (of two sizes, say).
ExperimentFinding JudgeExperiment(std::span<const RunRecord> runs, const ExperimentClaims& claims);
// One contrast by itself (a family of one), on runs of any experiment.
ContrastFinding JudgeContrast(std::span<const RunRecord> runs, const ContrastClaim& claim,
                              double alpha = 0.05);

// Before running: how many pairs the contrast needs in a family of that many (each at alpha /
// family, as Holm's first step).
struct ContrastPlan {
  int fewest = 0;       // that can decide at all, n_min included
  int required = 0;     // for 80 % power under what the sentence assumes
  bool enough = false;  // seeds >= fewest
  std::string sentence;
};
ContrastPlan PlanContrast(const ContrastClaim& claim, int seeds, int family, double alpha = 0.05);
// One sentence a contrast, in order.
std::vector<ContrastPlan> PlanExperiment(const ExperimentClaims& claims, int seeds);

// A/A: `runs` are of one spec, with different seeds; the claim's a and b do not matter. A finding
// is p <= alpha for the claim or its opposite (tost: for a difference beyond the margin;
// non-inferiority: for being inferior). The code path of JudgeContrast. Throws Error for fewer than
// 40 runs.
Calibration CalibrateClaim(std::span<const RunRecord> runs, const ContrastClaim& claim,
                           const CalibrationOptions& options = {});
std::string CalibrationSentence(const Calibration& calibration, double alpha = 0.05);

// Time = steps x cost for arms a and b, paired on seed.
struct ContrastCost {
  TimeSplit split;        // pairs in which both arrived
  int left_out = 0;       // pairs in which a run never arrived, or has no time
  RatioEffect step_cost;  // ms(a) / ms(b) of all pairs, arrived or not; medians over a run's steps
  int cost_pairs = 0;     // pairs in step_cost
  BnShare share;          // of a's step, if a has BN and b has not; also the break-even saving
  std::string sentence;
};
ContrastCost JudgeCost(std::span<const RunRecord> runs, const std::string& arm_a,
                       const std::string& arm_b);

// The run as survival data; in seconds of training, or in steps. Without a time to its target an
// arrived run counts in steps only.
Arrival StepsArrival(const RunRecord& run);
std::optional<Arrival> SecondsArrival(const RunRecord& run);

}  // namespace batchmark
