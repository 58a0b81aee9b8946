// The median of measured values where nothing is tested with them; reports has its own, which
// refuse or skip what is no number.
#pragma once

#include <algorithm>
#include <vector>

namespace batchmark {

// Mean of the two middle values, which are one where their number is odd. Infinities have their
// place; 0 where there are no values.
inline double MiddleValue(std::vector<double> values) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end());
  return 0.5 * (values[(values.size() - 1) / 2] + values[values.size() / 2]);
}

}  // namespace batchmark
