// Does a measure rise along ordered arms (depth, batch size, noise)?
#pragma once

#include <span>
#include <vector>

#include "reports/stats.h"

namespace batchmark {

// Page's test: every seed ran every arm. values[seed][arm], arms in the order of the claimed rise.
//   L = sum over arms j = 1..k of j R_j,  R_j = sum over seeds of the rank of arm j within the seed
// statistic = L, n = seeds. p is one-sided: P(L or more) when each seed's ranks are in random
// order.
//   k <= 8  exact (with ties: over all orders of the mid-ranks at hand)
//   above   normal, variance = sum over seeds of (sum (j - mean)^2)(sum (r - mean)^2) / (k - 1)
// p = 1 for no seeds or one arm. CHECKs equal row lengths. Source: Page 1963, JASA 58.
TestResult PageTrend(std::span<const std::vector<double>> values);

}  // namespace batchmark
