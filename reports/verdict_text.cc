#include "reports/verdict_text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "reports/format.h"
#include "reports/verdict_pairs.h"
#include "reports/verdict_tests.h"

namespace batchmark {
namespace {

std::string Digits(const char* format, double value) {
  if (std::isinf(value)) return value > 0 ? "infinity" : "-infinity";
  char text[64];
  std::snprintf(text, sizeof text, format, value == 0.0 ? 0.0 : value);  // no "-0"
  return text;
}

// A difference in the measure's unit: accuracies in percentage points.
std::string DifferenceText(double difference, const std::string& measure) {
  return report::IsAccuracy(measure) ? Digits("%+.2f", 100.0 * difference) : Digits("%+.3g", difference);
}

std::string UnitOfDifference(const std::string& measure) {
  return report::IsAccuracy(measure) ? " points" : "";
}

bool IsShareOfOne(const ContrastFinding& finding) {
  return finding.claim.test == ContrastTest::kProportion && finding.claim.b.empty();
}

bool IsTrend(const ContrastFinding& finding) { return finding.claim.test == ContrastTest::kTrend; }

std::string OnScale(double effect, const ContrastFinding& finding) {
  if (finding.is_ratio) return FactorText(std::exp(effect));
  if (IsShareOfOne(finding) || IsTrend(finding)) return Digits("%.0f", 100.0 * effect);
  if (finding.claim.test == ContrastTest::kProportion) return Digits("%+.0f", 100.0 * effect);
  return DifferenceText(effect, finding.claim.measure);
}

std::string UnitText(const ContrastFinding& finding) {
  if (finding.is_ratio) return "";
  if (IsShareOfOne(finding) || IsTrend(finding)) return " %";
  if (finding.claim.test == ContrastTest::kProportion) return " points";
  return UnitOfDifference(finding.claim.measure);
}

const char* TestText(ContrastTest test, bool one_arm) {
  switch (test) {
    case ContrastTest::kSign:
      return "exact sign test";
    case ContrastTest::kLogRank:
      return "log-rank test stratified by seed";
    case ContrastTest::kPaired:
    case ContrastTest::kPairedRatio:
      return "paired t test";
    case ContrastTest::kWilcoxon:
      return "Wilcoxon signed-rank test";
    case ContrastTest::kTost:
      return "equivalence test (TOST)";
    case ContrastTest::kNonInferiority:
      return "non-inferiority t test";
    case ContrastTest::kProportion:
      return one_arm ? "exact binomial test" : "McNemar's exact test";
    case ContrastTest::kTrend:
      return "Page's trend test";
  }
  return "";
}

// "less in 8 of 8 decided pairs, 1 tie, 2 undecided"
std::string SignText(const ContrastFinding& finding) {
  const PairCounts& counts = finding.counts;
  const bool claimed_less = finding.claim.direction == Direction::kLess;
  std::string text = claimed_less ? "less" : "greater";
  const double null =
      finding.is_ratio ? std::exp(ClaimNull(finding.claim)) : ClaimNull(finding.claim);
  if (finding.claim.margin != 0.0)
    text += " than " + FactorText(null) + (finding.is_ratio ? " times" : "");
  text += " in " + std::to_string(claimed_less ? counts.less : counts.greater) + " of " +
          report::Plural(counts.less + counts.greater, "decided pair");
  if (counts.ties > 0) text += ", " + report::Plural(counts.ties, "tie");
  if (counts.undecided > 0) text += ", " + std::to_string(counts.undecided) + " undecided";
  return text;
}

std::string ShareText(const ContrastFinding& finding, const std::string& shown) {
  if (finding.claim.b.empty()) return shown;
  return "difference of shares " + shown + "; " + std::to_string(finding.counts.greater) +
         " pairs only the first, " + std::to_string(finding.counts.less) + " only the second";
}

// "falls in 92 % [80, 100] of the pairs of arms; first to last -0.57 points"
std::string TrendText(const ContrastFinding& finding) {
  const ContrastClaim& claim = finding.claim;
  std::string text = std::string(claim.direction == Direction::kLess ? "falls" : "rises") + " in " +
                     ShownText(finding) + " of the pairs of arms";
  if (!finding.change) return text;
  text += "; first to last ";
  if (IsRatio(claim)) return text + "x " + FactorText(std::exp(*finding.change));
  return text + DifferenceText(*finding.change, claim.measure) + UnitOfDifference(claim.measure);
}

// The smaller p of the two sides, as a reader expects of a two-sided test.
std::string Evidence(const ContrastFinding& finding) {
  const Criterion& criterion = finding.criterion;
  const bool opposite = criterion.p_opposite < criterion.p;
  const double p = opposite ? criterion.p_opposite : criterion.p;
  const double adjusted = opposite ? finding.result.p_opposite_adjusted : finding.result.p_adjusted;
  std::string text = PText(p);
  if (adjusted != p && criterion.n >= criterion.n_required)
    text += ", after Holm " + PText(adjusted);
  return text;
}

std::string OutcomeText(const CriterionResult& result) {
  switch (result.outcome) {
    case Outcome::kPass:
      return "as claimed";
    case Outcome::kOpposite:
      return "the opposite of the claim";
    case Outcome::kOpen:
      break;
  }
  return "open (" + result.reason + ")";
}

// Runs that ended otherwise than the measure would have it.
std::string StatusText(const ContrastClaim& claim, const std::string& arm, int diverged,
                       int censored) {
  if (claim.measure == "lr_ceiling" || claim.measure == "diverged_share") return "";
  if (!IsArrival(claim.measure)) censored = 0;
  if (diverged == 0 && censored == 0) return "";
  std::string text = " " + arm + ": ";
  if (diverged > 0) text += std::to_string(diverged) + " diverged";
  if (censored > 0)
    text += std::string(diverged > 0 ? ", " : "") + std::to_string(censored) + " never arrived";
  return text + ".";
}

}  // namespace

std::string ArmText(std::string arm) {
  while (!arm.empty() && std::string_view("*: ").find(arm.back()) != std::string_view::npos)
    arm.pop_back();
  return arm;
}

std::string ArmsText(const ContrastClaim& claim) {
  std::string text;
  for (const std::string& arm : ArmsOf(claim))
    text += (text.empty() ? "" : claim.arms.empty() ? " against " : " → ") + ArmText(arm);
  return text;
}

std::string PText(double p) { return p < 1e-4 ? "p < 0.0001" : "p = " + Digits("%.2g", p); }

std::string FactorText(double ratio) {
  return std::fabs(ratio) >= 100.0 ? Digits("%.0f", ratio) : Digits("%.3g", ratio);
}

std::string ShownText(const ContrastFinding& finding) {
  const auto& shown = finding.shown;
  if (!shown || (std::isinf(shown->low) && std::isinf(shown->high) && shown->low < shown->high))
    return "";
  std::string text;
  if (shown->low == shown->high) {
    text = OnScale(shown->low, finding);
  } else if (std::isinf(shown->high)) {
    text = "above " + OnScale(shown->low, finding);
  } else if (std::isinf(shown->low)) {
    text = "below " + OnScale(shown->high, finding);
  } else {
    text = OnScale(shown->low, finding) + " to " + OnScale(shown->high, finding);
  }
  if (const auto& interval = shown->interval) {
    text +=
        " [" + OnScale(interval->lower, finding) + ", " + OnScale(interval->upper, finding) + "]";
  }
  return text + UnitText(finding);
}

std::string EffectText(const ContrastFinding& finding) {
  if (!finding.criterion.estimate) return "nothing could be compared";
  if (IsTrend(finding)) return TrendText(finding);
  const std::string shown = ShownText(finding);
  if (finding.test_used == ContrastTest::kProportion) return ShareText(finding, shown);
  const bool by_pairs =
      finding.test_used == ContrastTest::kSign || finding.test_used == ContrastTest::kLogRank;
  std::string text = finding.is_ratio ? "ratio " : "difference ";
  if (by_pairs || finding.test_used == ContrastTest::kWilcoxon) text = "median " + text;
  text += shown;
  if (!by_pairs) return text;
  return (shown.empty() ? "" : text + ", ") + SignText(finding);
}

std::string FindingSentence(const ContrastFinding& finding) {
  const ContrastClaim& claim = finding.claim;
  const bool one_arm = claim.b.empty();
  const std::string a = IsTrend(finding) ? "All arms" : ArmText(claim.a), b = ArmText(claim.b);
  std::string text = claim.name + ": " + report::MetricName(claim.measure) + ", " +
                     ArmsText(claim) + ": " + finding.effect_text + " (" +
                     TestText(finding.test_used, one_arm) +
                     ", n = " + std::to_string(finding.pairs);
  if (finding.criterion.estimate) text += ", " + Evidence(finding);
  text += "): " + OutcomeText(finding.result) + ".";
  if (!finding.why_other.empty()) {
    const bool replaced = finding.test_used != claim.test;
    text += (replaced ? " Not the " + std::string(TestText(claim.test, one_arm)) : " No test") +
            ": " + finding.why_other + ".";
  }
  text += StatusText(claim, a, finding.diverged_a, finding.censored_a);
  if (!one_arm) text += StatusText(claim, b, finding.diverged_b, finding.censored_b);
  return text;
}

std::string VerdictSentence(const ExperimentFinding& finding, double alpha) {
  std::string opposite, open, failed_checks;
  int family = 0;
  auto add = [](std::string& list, const std::string& item) {
    list += (list.empty() ? "" : "; ") + item;
  };
  for (const ContrastFinding& contrast : finding.contrasts) {
    if (contrast.claim.role == ContrastRole::kReport) continue;
    ++family;
    const Outcome outcome = contrast.result.outcome;
    if (contrast.claim.role == ContrastRole::kCheck && outcome != Outcome::kPass) {
      add(failed_checks, contrast.claim.name);
    } else if (outcome == Outcome::kOpposite) {
      add(opposite, contrast.claim.name);
    } else if (outcome == Outcome::kOpen) {
      add(open, contrast.claim.name + " (" + contrast.result.reason + ")");
    }
  }
  std::string text = std::string(ToText(finding.verdict)) + ": ";
  const std::string level = " at " + Digits("%g", alpha) + (family > 1 ? " after Holm" : "");
  if (family == 0) return text + "no criterion is defined.";
  if (!failed_checks.empty())
    return text + "a check that must hold first does not pass: " + failed_checks + ".";
  if (finding.verdict == Verdict::kSupported) {
    return text +
           (family == 1 ? "the criterion passes"
                        : "all " + std::to_string(family) + " criteria pass") +
           level + ".";
  }
  if (finding.verdict == Verdict::kRefuted)
    return text + "the opposite is established" + level + " of: " + opposite + ".";
  return text + "open" + level + ": " + open + ".";
}

}  // namespace batchmark
