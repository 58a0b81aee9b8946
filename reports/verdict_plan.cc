// How many pairs each contrast needs, said before anything runs.
#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "reports/stats_power.h"
#include "reports/verdict_tests.h"
#include "reports/verdict_text.h"

namespace batchmark {
namespace {

constexpr double kUsualShare = 0.95;  // of pairs that go the claimed way, where nothing is declared

// Fewest runs of one arm with which the exact test of its share can decide: all or none of them
// hit.
int FewestForShare(const ContrastClaim& claim, double alpha) {
  const double each = claim.direction == Direction::kGreater ? claim.margin : 1.0 - claim.margin;
  return static_cast<int>(std::ceil(std::log(0.5 * alpha) / std::log(each) - 1e-9));
}

void PlanSign(const ContrastClaim& claim, const PowerGoal& goal, ContrastPlan& plan) {
  const double share = claim.assumed_effect > 0.5 && claim.assumed_effect <= 1.0
                           ? claim.assumed_effect
                           : kUsualShare;
  plan.required = RequiredPairsSign(share, goal);
  plan.sentence =
      "for 80 % power if " + FactorText(100.0 * share) + " % of the pairs go the claimed way";
}

// Distance between the assumed truth and the null, in sd of the pair effects; 1 where nothing is
// declared.
double Distance(const ContrastClaim& claim, std::string& assumption) {
  if (claim.assumed_sd == 0.0) {
    assumption = "for an effect of one sd of the pair effects (none is declared)";
    return 1.0;
  }
  const bool margin_test =
      claim.test == ContrastTest::kTost || claim.test == ContrastTest::kNonInferiority;
  if (margin_test) {  // assuming no difference at all
    assumption = "if the arms do not differ and the sd of the pair effects is " +
                 FactorText(claim.assumed_sd);
    return ClaimMargin(claim) / claim.assumed_sd;
  }
  const double declared = claim.assumed_effect != 0.0 ? claim.assumed_effect : claim.min_effect;
  if (declared == 0.0) {
    assumption = "for an effect of one sd of the pair effects (none is declared)";
    return 1.0;
  }
  assumption = "for an effect of " + FactorText(declared) +
               " beyond the null, the sd of the pair effects being " + FactorText(claim.assumed_sd);
  return std::fabs(IsRatio(claim) ? std::log(declared) : declared) / claim.assumed_sd;
}

void PlanStudent(const ContrastClaim& claim, const PowerGoal& goal, ContrastPlan& plan) {
  std::string assumption;
  const double distance = Distance(claim, assumption);
  plan.required = claim.test == ContrastTest::kTost ? RequiredPairsTost(distance, goal)
                  : claim.test == ContrastTest::kNonInferiority
                      ? RequiredPairsNonInferiority(distance, goal)
                      : RequiredPairsT(distance, goal);
  plan.sentence = "for 80 % power " + assumption;
}

}  // namespace

ContrastPlan PlanContrast(const ContrastClaim& claim, int seeds, int family, double alpha) {
  ValidateClaim(claim);
  BATCHMARK_CHECK(family >= 1 && seeds >= 0);
  const PowerGoal goal{.alpha = alpha / family};
  ContrastPlan plan;
  plan.fewest = claim.n_min;
  const bool one_arm = claim.test == ContrastTest::kProportion && claim.b.empty();
  if (one_arm) {
    plan.fewest = std::max(plan.fewest, FewestForShare(claim, goal.alpha));
    plan.required = plan.fewest;
    plan.sentence = "to decide if all runs go the claimed way";
  } else if (claim.test == ContrastTest::kSign || claim.test == ContrastTest::kLogRank ||
             claim.test == ContrastTest::kProportion) {
    plan.fewest = std::max(plan.fewest, FewestDecisivePairs(family, alpha));
    PlanSign(claim, goal, plan);
  } else {
    PlanStudent(claim, goal, plan);
  }
  plan.required = std::max(plan.required, plan.fewest);
  plan.enough = seeds >= plan.fewest;
  plan.sentence = claim.name + ": needs " + CountText(plan.required, one_arm ? "run" : "pair") +
                  " " + plan.sentence + ", and at least " + std::to_string(plan.fewest) +
                  " to decide at all; planned: " + std::to_string(seeds) +
                  (plan.enough ? "." : ", so it will be inconclusive.");
  return plan;
}

std::vector<ContrastPlan> PlanExperiment(const ExperimentClaims& claims, int seeds) {
  const auto family =
      std::count_if(claims.contrasts.begin(), claims.contrasts.end(),
                    [](const ContrastClaim& claim) { return claim.role != ContrastRole::kReport; });
  std::vector<ContrastPlan> plans;
  for (const ContrastClaim& claim : claims.contrasts) {
    const bool reported = claim.role == ContrastRole::kReport;
    plans.push_back(
        PlanContrast(claim, seeds, reported ? 1 : static_cast<int>(family), claims.alpha));
  }
  return plans;
}

}  // namespace batchmark
