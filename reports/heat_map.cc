// A grid of cells in one or more panels.
#include "reports/heat_map.h"

#include <algorithm>
#include <cmath>

#include "reports/plot.h"
#include "reports/scale.h"
#include "reports/svg.h"

namespace batchmark::report {
namespace {

constexpr double kCellHeight = 34, kMapHead = 54, kMapFoot = 52, kMapGap = 26;

struct Place {
  double left, top, cell_width;
};

// Dark text on the light half of the colours, white on the dark one.
void DrawCell(Svg& svg, const HeatCell& cell, Pixel corner, double width, double low, double high) {
  const double w = width - 2, h = kCellHeight - 2;
  const Pixel middle{corner.x + w / 2, corner.y + h / 2 + 4.5};
  const bool fits = TextWidth(cell.text, 12) <= w - 2;
  const double size = fits ? 12 : 10;
  switch (cell.state) {
    case HeatCell::State::kEmpty:
      svg.Rect(corner, w, h, "#ffffff", 1, {ink::kGrid, 1, "", 1});
      break;
    case HeatCell::State::kBeyond:
      svg.Rect(corner, w, h, "#eaeef2");
      svg.Text(middle, cell.text, {size, ink::kMuted, "middle", false, 0, false});
      break;
    case HeatCell::State::kDiverged:
      svg.Rect(corner, w, h, "#ffffff", 1, {"#b35900", 1, "", 1});
      for (int i = 0; i < 2; ++i) {
        svg.Line({corner.x + (i ? w : 0), corner.y}, {corner.x + (i ? 0 : w), corner.y + h},
                 {"#d55e00", 1.2, "", 0.8});
      }
      break;
    case HeatCell::State::kValue: {
      // Few steps are dark: the good region stands out.
      const double t = high > low ? std::log(cell.value / low) / std::log(high / low) : 0;
      svg.Rect(corner, w, h, SequenceColor(t));
      svg.Text(middle, cell.text,
               {size, t > 0.62 ? ink::kText : "#ffffff", "middle", false, 0, false});
      break;
    }
  }
}

}  // namespace

std::string HeatMap::Render() const {
  Extent extent;
  for (const HeatPanel& panel : panels) {
    for (const auto& row : panel.cells) {
      for (const HeatCell& cell : row) {
        if (cell.state == HeatCell::State::kValue) extent.Add(cell.value);
      }
    }
  }
  double label_width = 0;
  for (const std::string& level : y_levels)
    label_width = std::max(label_width, TextWidth(level, 13));
  const size_t across = panels.size() > 1 ? 2 : 1;
  const size_t down = (panels.size() + across - 1) / across;
  const double panel_width = (kFigureWidth - 2 * kMargin - kMapGap * static_cast<double>(across - 1)) /
                             static_cast<double>(across);
  const double cell_width =
      std::min(90.0, (panel_width - label_width - 10) /
                         static_cast<double>(std::max<size_t>(1, x_levels.size())));
  const double panel_height =
      kMapHead + kCellHeight * static_cast<double>(y_levels.size()) + kMapFoot;
  const double head = FigureHeadHeight(title, subtitle);
  Svg svg(kFigureWidth, head + panel_height * static_cast<double>(down) + 8, title, subtitle);
  DrawFigureHead(svg, title, subtitle);
  for (size_t p = 0; p < panels.size(); ++p) {
    const double left =
        kMargin + static_cast<double>(p % across) * (panel_width + kMapGap) + label_width + 10;
    const double top = head + static_cast<double>(p / across) * panel_height + kMapHead;
    svg.Text({left - label_width - 10, top - 28}, panels[p].title,
             {14, ink::kText, "start", true, 0, false});
    svg.Text({left - label_width - 10, top - 9}, y_label,
             {13, ink::kText, "start", false, 0, false});
    const size_t rows = y_levels.size();
    for (size_t r = 0; r < rows; ++r) {
      const double y = top + kCellHeight * static_cast<double>(rows - 1 - r);
      svg.Text({left - 8, y + kCellHeight / 2 + 4}, y_levels[r],
               {13, ink::kMuted, "end", false, 0, false});
      for (size_t c = 0; c < x_levels.size(); ++c) {
        DrawCell(svg, panels[p].cells.at(r).at(c), {left + cell_width * static_cast<double>(c), y},
                 cell_width, extent.low, extent.high);
      }
    }
    const double bottom = top + kCellHeight * static_cast<double>(rows);
    double last_end = -1e9;
    for (size_t c = 0; c < x_levels.size(); ++c) {
      const double at = left + cell_width * (static_cast<double>(c) + 0.5) - 1,
                   half = TextWidth(x_levels[c], 12) / 2;
      if (at - half < last_end + 5) continue;
      last_end = at + half;
      svg.Text({at, bottom + 17}, x_levels[c], {12, ink::kMuted, "middle", false, 0, false});
    }
    svg.Text({left + cell_width * static_cast<double>(x_levels.size()), bottom + 36}, x_label,
             {13, ink::kText, "end", false, 0, false});
  }
  return svg.Finish();
}

}  // namespace batchmark::report
