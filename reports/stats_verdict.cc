#include "reports/stats_verdict.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/check.h"

namespace batchmark {
namespace {

// The estimate lies where the claim says, far enough to matter.
bool EstimateSupports(const Criterion& criterion) {
  if (!criterion.estimate) return false;
  const double effect = *criterion.estimate - criterion.null;
  switch (criterion.direction) {
    case Direction::kLess:
      return effect < 0.0 && -effect >= criterion.min_effect;
    case Direction::kGreater:
      return effect > 0.0 && effect >= criterion.min_effect;
    case Direction::kEqual:
      return std::fabs(effect) < criterion.margin;
  }
  return false;
}

void Judge(const Criterion& criterion, double alpha, CriterionResult& result) {
  if (criterion.n < criterion.n_required) {
    result.reason = "n = " + std::to_string(criterion.n) + " of " +
                    std::to_string(criterion.n_required) + " required";
  } else if (result.p_opposite_adjusted <= alpha) {
    result.outcome = Outcome::kOpposite;
  } else if (result.p_adjusted > alpha) {
    result.reason = criterion.p <= alpha ? "not significant after Holm" : "not significant";
  } else if (!EstimateSupports(criterion)) {
    result.reason = "effect below the minimum that matters";
  } else {
    result.outcome = Outcome::kPass;
  }
}

}  // namespace

std::vector<double> HolmAdjust(std::span<const double> p) {
  RequireFinite(p, "Holm adjustment");
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t i, size_t j) { return p[i] < p[j]; });
  std::vector<double> adjusted(p.size());
  double floor = 0.0;
  for (size_t k = 0; k < order.size(); ++k) {
    const double value = p[order[k]];
    BATCHMARK_CHECK_MSG(value >= 0.0 && value <= 1.0, "p=" + std::to_string(value));
    floor = std::max(floor, std::min(1.0, static_cast<double>(p.size() - k) * value));
    adjusted[order[k]] = floor;
  }
  return adjusted;
}

const char* ToText(Direction direction) {
  switch (direction) {
    case Direction::kLess:
      return "less";
    case Direction::kGreater:
      return "greater";
    case Direction::kEqual:
      return "equal";
  }
  return "";
}

const char* ToText(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPass:
      return "pass";
    case Outcome::kOpposite:
      return "opposite";
    case Outcome::kOpen:
      return "open";
  }
  return "";
}

const char* ToText(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSupported:
      return "supported";
    case Verdict::kRefuted:
      return "refuted";
    case Verdict::kInconclusive:
      return "inconclusive";
  }
  return "";
}

Combined CombineCriteria(std::span<const Criterion> criteria, double alpha) {
  BATCHMARK_CHECK(alpha > 0.0 && alpha < 1.0);
  std::vector<double> p, p_opposite;
  for (const Criterion& criterion : criteria) {
    // Too few runs: its p is not looked at, but it keeps its place in the family.
    const bool enough = criterion.n >= criterion.n_required;
    p.push_back(enough ? criterion.p : 1.0);
    p_opposite.push_back(enough ? criterion.p_opposite : 1.0);
  }
  const std::vector<double> adjusted = HolmAdjust(p);
  const std::vector<double> adjusted_opposite = HolmAdjust(p_opposite);

  Combined combined;
  combined.results.resize(criteria.size());
  bool checks_hold = true, all_pass = true, any_opposite = false, any_claim = false;
  for (size_t i = 0; i < criteria.size(); ++i) {
    CriterionResult& result = combined.results[i];
    result.p_adjusted = adjusted[i];
    result.p_opposite_adjusted = adjusted_opposite[i];
    Judge(criteria[i], alpha, result);
    const bool pass = result.outcome == Outcome::kPass;
    if (criteria[i].is_check) {
      checks_hold = checks_hold && pass;
      continue;
    }
    any_claim = true;
    all_pass = all_pass && pass;
    any_opposite = any_opposite || result.outcome == Outcome::kOpposite;
  }
  if (checks_hold && any_opposite) combined.verdict = Verdict::kRefuted;
  if (checks_hold && any_claim && all_pass) combined.verdict = Verdict::kSupported;
  return combined;
}

}  // namespace batchmark
