// A forest plot: one row a comparison, its effect with interval, the line that it must clear and
// the side that was claimed. Comparisons of one unit share an axis.
#pragma once

#include <string>
#include <vector>

#include "reports/scale.h"

namespace batchmark::report {

struct ForestRow {
  std::string label;
  std::string note;  // smaller, under the label
  std::string text;  // right of the axis: the effect in numbers
  std::string said;  // under it: what that means
  enum class Outcome { kHolds, kOpposite, kOpen } outcome = Outcome::kOpen;
  bool faint = false;        // only reported: no part of the verdict
  bool empty = false;        // nothing could be compared: no effect
  double low = 0, high = 0;  // the effect; a range where runs never arrived
  bool interval = false;
  double from = 0, to = 0;    // the interval; ends may lie outside the axis
  std::vector<double> lines;  // one line, or both ends of an equivalence margin
  enum class Claim { kLess, kGreater, kBetween } claim = Claim::kLess;
};

struct ForestGroup {
  std::string title;  // of the axis
  ScaleKind kind = ScaleKind::kLinear;
  std::string less, greater;  // what the sides of the axis mean
  std::vector<ForestRow> rows;
};

struct Forest {
  std::string title, subtitle;
  std::vector<ForestGroup> groups;

  std::string Render() const;
};

}  // namespace batchmark::report
