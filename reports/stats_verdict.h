// From the tests of an experiment's criteria to one verdict: supported | refuted | inconclusive.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reports/stats.h"

namespace batchmark {

// Holm's step-down adjustment: with p sorted, adjusted p(k) = max over j <= k of
// min(1, (m - j + 1) p(j)). Controls the chance of any false rejection in the family under every
// dependence. Source: Holm 1979.
std::vector<double> HolmAdjust(std::span<const double> p);

// What a criterion claims of its effect (a difference, a log ratio, a share of wins ...).
//   kLess     effect < null
//   kGreater  effect > null
//   kEqual    |effect - null| < margin
// A non-inferiority claim is kGreater with null = -margin, or kLess with null = +margin.
enum class Direction { kLess, kGreater, kEqual };
const char* ToText(Direction direction);  // "less" | "greater" | "equal"

// One tested claim. p and p_opposite come from one test read in both directions, so that each is
// valid by itself.
struct Criterion {
  std::string name;
  Direction direction = Direction::kLess;
  double null = 0.0;
  double margin = 0.0;               // kEqual only
  std::optional<double> estimate;    // empty: nothing could be measured
  std::optional<Interval> interval;  // of the effect, at the level of the test
  double p = 1.0;                    // of the claim: small when the claim is established
  double p_opposite = 1.0;  // of the opposite: small when the effect lies on the wrong side
  int n = 0;                // pairs (or runs) the test used
  int n_required = 0;       // declared minimum
  double min_effect = 0.0;  // smallest |estimate - null| worth the claim; 0 = any
  bool is_check = false;    // a manipulation check: must hold before a claim is judged
};

enum class Outcome { kPass, kOpposite, kOpen };
const char* ToText(Outcome outcome);  // "pass" | "opposite" | "open"

enum class Verdict { kSupported, kRefuted, kInconclusive };
const char* ToText(Verdict verdict);  // "supported" | "refuted" | "inconclusive"

struct CriterionResult {
  double p_adjusted = 1.0;           // Holm over all criteria
  double p_opposite_adjusted = 1.0;  // likewise
  Outcome outcome = Outcome::kOpen;
  std::string reason;  // why it is open, in a few words; empty otherwise
};

// The rule, at family-wise level alpha. A criterion with n < n_required is open, whatever its p.
//   pass      adjusted p <= alpha, estimate on the claimed side and min_effect or more from null
//   opposite  adjusted p_opposite <= alpha: the opposite of the claim is established
// The verdict, the first that fits:
//   inconclusive  a manipulation check does not pass: the experiment did not do what it meant to
//   refuted       the opposite of at least one claim is established
//   supported     all claims pass, and there is one
//   inconclusive  everything else
// Criteria that are open for want of runs stay in the family: cutting an experiment never makes it
// easier.
struct Combined {
  Verdict verdict = Verdict::kInconclusive;
  std::vector<CriterionResult> results;  // in the order of the criteria
};
Combined CombineCriteria(std::span<const Criterion> criteria, double alpha = 0.05);

}  // namespace batchmark
