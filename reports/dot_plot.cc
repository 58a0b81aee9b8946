// Rows of dots in one or more panels: every run a dot, the median a tick, an interval where one is
// given.
#include "reports/dot_plot.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "reports/plot.h"
#include "reports/svg.h"

namespace batchmark::report {
namespace {

constexpr double kPanelGap = 34, kAxisHeight = 36, kPanelHead = 30;

Extent PanelExtent(const DotPlot& plot, size_t panel) {
  Extent extent;
  const bool log = plot.panels[panel].kind == ScaleKind::kLog;
  const auto add = [&](double value) {
    if (!log || value > 0) extent.Add(value);
  };
  for (const DotRow& row : plot.rows) {
    const DotCell& cell = row.cells[panel];
    for (const DotValue& dot : cell.dots) add(dot.value);
    if (cell.center) add(cell.center->value);
    if (cell.low) add(*cell.low);
    if (cell.high) add(*cell.high);
    if (cell.limit) add(*cell.limit);
  }
  if (plot.panels[panel].reference) add(*plot.panels[panel].reference);
  return extent;
}

void DrawBeyond(Svg& svg, Pixel p, double r, const std::string& color) {
  svg.Polyline({{p.x - r, p.y - r}, {p.x + r, p.y}, {p.x - r, p.y + r}, {p.x - r, p.y - r}},
               {color, 1.6, "", 1});
}

void DrawCell(Svg& svg, const DotCell& cell, const Scale& x, double y, const std::string& color,
              double right) {
  if (cell.limit && x.CanShow(*cell.limit)) {
    const double at = x.ToPixel(*cell.limit);
    svg.Line({at, y - 12}, {at, y + 12}, {ink::kMuted, 1.6, "3 3", 1});
  }
  if (cell.low && cell.high) {
    const double a = x.ToPixel(*cell.low), b = x.ToPixel(*cell.high);
    svg.Line({a, y}, {b, y}, {color, 2, "", 1});
    for (double end : {a, b}) svg.Line({end, y - 4}, {end, y + 4}, {color, 2, "", 1});
  }
  for (const DotValue& dot : cell.dots) {
    if (!x.CanShow(dot.value)) continue;
    if (dot.beyond) {
      DrawBeyond(svg, {x.ToPixel(dot.value), y}, 4.5, color);
    } else {
      svg.Circle({x.ToPixel(dot.value), y}, 4, color, 0.45, {color, 0.8, "", 0.8});
    }
  }
  if (!cell.center || !x.CanShow(cell.center->value)) return;
  const double at = x.ToPixel(cell.center->value);
  svg.Line({at, y - 9}, {at, y + 9}, {color, 3, "", 1});
  if (cell.text.empty()) return;
  const double half = TextWidth(cell.text, 13, true) / 2;
  svg.Text({std::min(at, right - half), y - 13}, cell.text, {13, color, "middle", true, 0, true});
}

}  // namespace

std::string DotPlot::Render() const {
  BATCHMARK_CHECK(!panels.empty());
  for (const DotRow& row : rows) BATCHMARK_CHECK(row.cells.size() == panels.size());
  double label_width = 0;
  for (const DotRow& row : rows) {
    label_width = std::max({label_width, TextWidth(row.label, 14, true), TextWidth(row.note, 12)});
  }
  label_width = std::min(label_width, 290.0);
  const auto label_lines = [&](const DotRow& row) {
    return WrapText(row.label, 14 * 1.12, label_width + 4);
  };
  const bool wrapped = std::any_of(rows.begin(), rows.end(),
                                   [&](const DotRow& row) { return label_lines(row).size() > 1; });
  const double row_height = wrapped ? 58 : rows.size() > 14 ? 40 : 46;
  const double head = FigureHeadHeight(title, subtitle);
  const double top = head + 16 + kPanelHead;
  const double bottom = top + row_height * static_cast<double>(rows.size());
  const bool sides = std::any_of(panels.begin(), panels.end(),
                                 [](const DotPanel& p) { return !p.left_of.empty(); });
  Svg svg(kFigureWidth, bottom + kAxisHeight + (sides ? 22 : 0), title, subtitle);
  DrawFigureHead(svg, title, subtitle);

  const auto count = static_cast<double>(panels.size());
  const double left = kMargin + label_width + 22;
  const double width = (kFigureWidth - kMargin - left - kPanelGap * (count - 1)) / count;
  for (size_t i = 0; i < rows.size(); ++i) {
    const double y = top + row_height * (static_cast<double>(i) + 0.62);
    const bool note = !rows[i].note.empty();
    const std::vector<std::string> lines = label_lines(rows[i]);
    double at = y + (note ? -1 : 5) - 15 * (static_cast<double>(lines.size()) - 1) / (note ? 1 : 2);
    for (const std::string& line : lines) {
      svg.Text({kMargin, at}, line, {14, rows[i].color, "start", true, 0, false});
      at += 15;
    }
    if (note)
      svg.Text({kMargin, y + 15}, rows[i].note, {12, ink::kMuted, "start", false, 0, false});
  }
  for (size_t p = 0; p < panels.size(); ++p) {
    const double from = left + static_cast<double>(p) * (width + kPanelGap), to = from + width;
    const Extent extent = PanelExtent(*this, p);
    svg.Text({from, top - 12}, panels[p].title, {13, ink::kText, "start", true, 0, false});
    if (extent.empty) {
      svg.Text({from, top + row_height * 0.62}, "no data",
               {13, ink::kMuted, "start", false, 0, false});
      continue;
    }
    const Scale x(panels[p].kind, extent.low, extent.high, from + 10, to - 10);
    double last_end = -1e9;
    for (const Tick& tick : x.Ticks(width < 300 ? 4 : 7)) {
      const double at = x.ToPixel(tick.value), half = TextWidth(tick.label, 13) / 2;
      if (tick.label.empty()) continue;
      svg.Line({at, top}, {at, bottom}, {ink::kGrid, 1, "", 1});
      if (at - half < last_end + 6) continue;
      last_end = at + half;
      svg.Text({at, bottom + 18}, tick.label, {13, ink::kMuted, "middle", false, 0, false});
    }
    for (size_t i = 0; i <= rows.size(); ++i) {
      const double y = top + row_height * static_cast<double>(i);
      svg.Line({from, y}, {to, y}, {i == rows.size() ? ink::kAxis : ink::kGrid, 1, "", 1});
    }
    if (panels[p].reference) {
      const double at = x.ToPixel(*panels[p].reference);
      svg.Line({at, top}, {at, bottom}, {ink::kText, 1.2, "", 1});
      svg.Text({at - 8, bottom + 40}, panels[p].left_of, {13, ink::kMuted, "end", false, 0, false});
      svg.Text({at + 8, bottom + 40}, panels[p].right_of,
               {13, ink::kMuted, "start", false, 0, false});
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      DrawCell(svg, rows[i].cells[p], x, top + row_height * (static_cast<double>(i) + 0.62),
               rows[i].color, to);
    }
  }
  return svg.Finish();
}

}  // namespace batchmark::report
