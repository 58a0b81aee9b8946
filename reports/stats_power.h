// How many pairs a test needs: printed before an experiment runs, so that nobody chooses n later.
// Effects are in units of the standard deviation of the pair differences unless said otherwise.
#pragma once

namespace batchmark {

struct PowerGoal {
  double power = 0.8;
  double alpha = 0.05;
};

// Exact power of the two-sided paired t test (noncentral t).
double PairedTPower(double effect, int n, double alpha = 0.05);
// Exact power of paired TOST with true difference `effect`, |effect| < margin, each side at alpha:
//   mean over s of [Phi(sqrt(n) (margin - effect) - t s) - Phi(-sqrt(n) (margin + effect) + t s)]+
// with s as in MeanOverSd. Source: Owen 1965.
double TostPower(double margin, int n, double alpha = 0.05, double effect = 0.0);
// Power of non-inferiority, one side at alpha; distance from the true difference to the margin.
double OneSidedTPower(double distance, int n, double alpha = 0.05);
// Power of the exact two-sided sign test if an arm wins a decided pair with probability `share`.
double SignPower(double share, int n, double alpha = 0.05);

// Smallest n that reaches the goal; for the sign test, whose power saws up and down, the n from
// which it stays reached. Throw Error(kBadInput) where no n up to 100,000 does.
int RequiredPairsT(double effect, const PowerGoal& goal = {});
int RequiredPairsTost(double margin, const PowerGoal& goal = {}, double effect = 0.0);
int RequiredPairsNonInferiority(double distance, const PowerGoal& goal = {});
int RequiredPairsSign(double share, const PowerGoal& goal = {});
// Seeds needed by Page's trend test over that many arms if `share` of the pairs of arms stand in
// the claimed order, 1/2 < share <= 1: the mean of a seed's rank correlation with the order is
// taken as 2 share - 1, which is what it has at least, and its variance as without a trend, 1 /
// (arms - 1).
int RequiredSeedsPage(int arms, double share, const PowerGoal& goal = {});
// Arrivals needed by the log-rank test of arms of equal size:
//   4 (z_{alpha/2} + z_power)^2 / ln(hazard ratio)^2.  Source: Schoenfeld 1981.
int RequiredEventsLogRank(double hazard_ratio, const PowerGoal& goal = {});

// Fewest pairs with which the two-sided sign test can reach alpha at all in a family of m by Holm:
// all pairs one way, m 2^(1 - n) <= alpha. 6 for one test at .05, 8 for five.
int FewestDecisivePairs(int family = 1, double alpha = 0.05);

}  // namespace batchmark
