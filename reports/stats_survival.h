// Steps (or seconds) to the target as survival data: Kaplan-Meier, restricted mean, log-rank test.
//
// Here "survival" means "has not reached the target yet".
//   event     the target was confirmed at `time`
//   censored  the run ended at `time` without it: it might have arrived later
//   diverged  the run blew up: it will never arrive
// A diverged run stays at risk to the end of time, as an arrival at infinity (the subdistribution
// of Fine & Gray 1999, JASA 94). Censoring it at its last step would claim that it might have
// arrived like those still running, and flatter unstable arms. Steps are known to the next
// evaluation only (interval-censored by eval_every): say so beside every figure.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "reports/stats.h"

namespace batchmark {

struct Arrival {
  enum class Kind { kEvent, kCensored, kDiverged };
  double time = 0.0;  // of a diverged run: when it was stopped, for display only
  Kind kind = Kind::kEvent;
};

struct SurvivalPoint {
  double time;
  int at_risk;  // just before `time`; a run censored at the very time of an event counts as at risk
  int events;
  int censored;       // at this time, after the events
  double survival;    // S(t) = product over event times u <= t of 1 - d(u) / n(u)
  double variance;    // Greenwood: S^2 sum d / (n (n - d)); 0 where S = 0
  Interval interval;  // 95 %, on the log(-log S) scale; the point itself where S is 0 or 1
};
// Points at every time where something happens, in increasing order; S is right-continuous and
// constant between; before the first point S = 1. Empty for no runs.
// Throws Error for a time that is negative or not finite.
// Source: Kaplan & Meier 1958; Greenwood 1926; interval: Kalbfleisch & Prentice 1980.
std::vector<SurvivalPoint> KaplanMeier(std::span<const Arrival> arrivals);

// Smallest time with S(t) <= 1 - share: when `share` of the runs have arrived; empty if never.
std::optional<double> TimeToShare(std::span<const SurvivalPoint> curve, double share);

// Area under S from 0 to tau: the mean of min(time, tau).
//   variance = sum over event times u <= tau of (integral_u^tau S)^2 d / (n (n - d))
// Where d = n the term is 0, as the integral is.
// Source: Irwin 1949; Klein & Moeschberger 2003, section 4.5.
struct RestrictedMean {
  double mean, variance;
};
// Empty if there are no runs, or if the last run was censored before tau while S > 0: the curve is
// not known that far.
std::optional<RestrictedMean> RestrictedMeanTime(std::span<const Arrival> arrivals, double tau);

// Log-rank test of arm a against arm b, sums over strata of
//   observed - expected = d_a - d n_a / n,   variance = d (n_a / n) (n_b / n) (n - d) / (n - 1)
// statistic = (sum O - E) / sqrt(sum variance): positive when a arrives earlier; n = events;
// p two-sided from the normal distribution. Strata that hold one arm only add nothing. Stratified
// by seed with one run an arm it is the large-sample form of the sign test on first arrivals.
// Source: Mantel 1966; Peto & Peto 1972.
struct SurvivalStratum {
  std::vector<Arrival> a, b;
};
TestResult LogRank(std::span<const SurvivalStratum> strata);
TestResult LogRank(std::span<const Arrival> a, std::span<const Arrival> b);  // one stratum

// Which arm of each pair arrived first, as far as it is known:
//   both arrived   the earlier; the same evaluation is a tie
//   one arrived    that one, if the other diverged or was censored at or after that time;
//                  undecided if the other was stopped earlier: it might have been first
//   none arrived   undecided, whether censored or diverged
struct FirstArrivals {
  int first_a = 0, first_b = 0, ties = 0, undecided = 0;
};
// CHECKs equal sizes: a[i] and b[i] share a seed.
FirstArrivals CountFirstArrivals(std::span<const Arrival> a, std::span<const Arrival> b);

}  // namespace batchmark
