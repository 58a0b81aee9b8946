// Rows of dots in one or more panels: every run a dot, the median a tick, an interval where one is
// given. Serves steps to target, contrasts (forest plot) and benchmark rates.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/scale.h"

namespace batchmark::report {

struct DotValue {
  double value;
  bool beyond = false;  // censored: the true value lies further right
};

// What one row shows in one panel.
struct DotCell {
  std::vector<DotValue> dots;
  std::optional<DotValue> center;
  std::optional<double> low, high;  // interval
  std::optional<double> limit;      // of this row alone: a dashed line
  std::string text;                 // stands above the centre ("> 1,500")
};

struct DotRow {
  std::string label;
  std::string note;  // smaller, under the label
  std::string color;
  std::vector<DotCell> cells;  // one a panel
};

struct DotPanel {
  std::string title;
  ScaleKind kind = ScaleKind::kLog;
  std::optional<double> reference;  // a vertical line, e.g. at ratio 1
  std::string left_of, right_of;    // what the sides of the reference mean
};

struct DotPlot {
  std::string title, subtitle;
  std::vector<DotPanel> panels;
  std::vector<DotRow> rows;

  std::string Render() const;
};

}  // namespace batchmark::report
