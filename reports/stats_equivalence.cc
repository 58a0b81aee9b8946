#include "reports/stats_equivalence.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/base/check.h"
#include "reports/stats_tests.h"

namespace batchmark {
namespace {

void RequireMargin(double margin) {
  if (!(margin > 0.0) || !std::isfinite(margin)) {
    throw InputError("an equivalence margin must be a positive number, got " +
                     std::to_string(margin));
  }
}

}  // namespace

Equivalence TostPaired(std::span<const double> differences, double margin, double alpha) {
  RequireMargin(margin);
  BATCHMARK_CHECK(alpha > 0.0 && alpha < 0.5);
  const double level = 1.0 - 2.0 * alpha;
  const PairedT above_lower = PairedTTest(differences, -margin, Alternative::kGreater, level);
  const PairedT below_upper = PairedTTest(differences, margin, Alternative::kLess, level);
  Equivalence result{above_lower.mean, 1.0, 1.0, above_lower.interval, above_lower.test.n};
  if (differences.size() < 2) return result;
  result.p = std::max(above_lower.test.p, below_upper.test.p);
  const double p_below = PairedTTest(differences, -margin, Alternative::kLess, level).test.p;
  const double p_above = PairedTTest(differences, margin, Alternative::kGreater, level).test.p;
  result.p_outside = std::min(1.0, 2.0 * std::min(p_below, p_above));
  return result;
}

Equivalence NonInferiorityPaired(std::span<const double> differences, double margin,
                                 bool higher_is_better, double alpha) {
  RequireMargin(margin);
  BATCHMARK_CHECK(alpha > 0.0 && alpha < 0.5);
  const double null = higher_is_better ? -margin : margin;
  const Alternative claim = higher_is_better ? Alternative::kGreater : Alternative::kLess;
  const Alternative opposite = higher_is_better ? Alternative::kLess : Alternative::kGreater;
  const PairedT test = PairedTTest(differences, null, claim, 1.0 - 2.0 * alpha);
  Equivalence result{test.mean, 1.0, 1.0, test.interval, test.test.n};
  if (differences.size() < 2) return result;
  result.p = test.test.p;
  result.p_outside = PairedTTest(differences, null, opposite).test.p;
  return result;
}

}  // namespace batchmark
