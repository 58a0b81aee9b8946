// Central differences: is `gradient` the derivative of loss() with respect to x?
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace batchmark {

// Largest |difference quotient - gradient[i]| / max(|gradient|_inf, 1) over all i. loss() reads x.
// Step: h = 1e-5 max(1, |x|) balances the truncation error h^2 f''' / 6 (about 1e-11) against the
// rounding error eps |f| / h (about 1e-11 |f|) in float64, so a right gradient is below 1e-6 by
// far. Relative to the largest component, because a small component is known only to the rounding
// of f.
template <class Loss>
double WorstGradientError(const Loss& loss, std::vector<double>& x,
                          const std::vector<double>& gradient) {
  double scale = 1.0;
  for (const double g : gradient) scale = std::max(scale, std::abs(g));
  double worst = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double old = x[i];
    const double h = 1e-5 * std::max(1.0, std::abs(old));
    x[i] = old + h;
    const double above = loss();
    x[i] = old - h;
    const double below = loss();
    x[i] = old;
    const double error = std::abs((above - below) / (2.0 * h) - gradient[i]) / scale;
    if (!(error <= worst)) worst = error;  // keeps NaN
  }
  return worst;
}

}  // namespace batchmark
