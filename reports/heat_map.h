// A grid of cells in one or more panels: a value as colour and text, or a state (never arrived,
// diverged, no run).
#pragma once

#include <string>
#include <vector>

namespace batchmark::report {

struct HeatCell {
  enum class State { kEmpty, kValue, kBeyond, kDiverged } state = State::kEmpty;
  double value = 0;  // of kValue, positive: colours are by its logarithm
  std::string text;
};

struct HeatPanel {
  std::string title;
  std::vector<std::vector<HeatCell>> cells;  // [row][column], row 0 at the bottom
};

struct HeatMap {
  std::string title, subtitle;
  std::string x_label, y_label;
  std::vector<std::string> x_levels, y_levels;  // columns, rows
  std::vector<HeatPanel> panels;                // drawn two a line

  std::string Render() const;
};

}  // namespace batchmark::report
