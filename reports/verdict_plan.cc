// How many pairs each contrast needs, said before anything runs.
#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "reports/format.h"
#include "reports/stats_power.h"
#include "reports/verdict_tests.h"
#include "reports/verdict_text.h"

namespace batchmark {
namespace {

// Of pairs that go the claimed way, where nothing is declared: of runs, and of a trend's arms.
constexpr double kUsualShare = 0.95, kUsualTrend = 0.8;

// Fewest runs of one arm with which the exact test of its share can decide: all or none of them
// hit.
int FewestForShare(const ContrastClaim& claim, double alpha) {
  const double each = claim.direction == Direction::kGreater ? claim.margin : 1.0 - claim.margin;
  return static_cast<int>(std::ceil(std::log(0.5 * alpha) / std::log(each) - 1e-9));
}

// Fewest seeds with which Page's test can decide: all arms of all of them in order.
int FewestForTrend(const ContrastClaim& claim, double alpha) {
  const double orders = std::tgamma(static_cast<double>(claim.arms.size()) + 1.0);
  return static_cast<int>(std::ceil(std::log(0.5 * alpha) / -std::log(orders) - 1e-9));
}

// The declared share of pairs that go the claimed way, or the usual one.
double ClaimedShare(const ContrastClaim& claim, double usual) {
  const bool declared = claim.assumed_effect > 0.5 && claim.assumed_effect <= 1.0;
  return declared ? claim.assumed_effect : usual;
}

void PlanTrend(const ContrastClaim& claim, const PowerGoal& goal, ContrastPlan& plan) {
  const double share = ClaimedShare(claim, kUsualTrend);
  plan.required = RequiredSeedsPage(static_cast<int>(claim.arms.size()), share, goal);
  plan.sentence = "for 80 % power if " + FactorText(100.0 * share) +
                  " % of the pairs of arms stand in the claimed order";
}

void PlanSign(const ContrastClaim& claim, const PowerGoal& goal, ContrastPlan& plan) {
  const double share = ClaimedShare(claim, kUsualShare);
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
  } else if (claim.test == ContrastTest::kTrend) {
    plan.fewest = std::max(plan.fewest, FewestForTrend(claim, goal.alpha));
    PlanTrend(claim, goal, plan);
  } else {
    PlanStudent(claim, goal, plan);
  }
  plan.required = std::max(plan.required, plan.fewest);
  const char* noun = one_arm ? "run" : claim.test == ContrastTest::kTrend ? "seed" : "pair";
  plan.enough = seeds >= plan.fewest;
  plan.sentence = claim.name + ": needs " + report::Plural(plan.required, noun) + " " + plan.sentence +
                  ", and at least " + std::to_string(plan.fewest) +
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
