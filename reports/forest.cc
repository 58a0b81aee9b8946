// A forest plot: one row a comparison, its effect with interval, the line that it must clear and
// the side that was claimed.
#include "reports/forest.h"

#include <algorithm>
#include <cmath>

#include "reports/plot.h"
#include "reports/svg.h"

namespace batchmark::report {
namespace {

constexpr double kLabelWidth = 268, kTextWidth = 208, kColumnGap = 20;
constexpr double kLeft = kMargin + kLabelWidth + kColumnGap;
constexpr double kRight = kFigureWidth - kMargin - kTextWidth - kColumnGap;
constexpr double kGroupHead = 34, kScaleHeight = 30, kLine = 16;

const char* ColorOf(const ForestRow& row) {
  switch (row.outcome) {
    case ForestRow::Outcome::kHolds:
      return "#00795c";
    case ForestRow::Outcome::kOpposite:
      return "#c4380d";
    case ForestRow::Outcome::kOpen:
      break;
  }
  return "#6e7781";
}

struct Lines {
  std::vector<std::string> label, note, text, said;
};

Lines LinesOf(const ForestRow& row) {
  return {WrapText(row.label, 13.6 * 1.1, kLabelWidth), WrapText(row.note, 12, kLabelWidth),
          WrapText(row.text, 13.6 * 1.1, kTextWidth), WrapText(row.said, 12, kTextWidth)};
}

double HeightOf(const ForestRow& row) {
  const Lines lines = LinesOf(row);
  const size_t most = std::max(lines.label.size() + (row.note.empty() ? 0 : lines.note.size()),
                               lines.text.size() + (row.said.empty() ? 0 : lines.said.size()));
  return 16 + kLine * static_cast<double>(std::max<size_t>(2, most));
}

// What the axis must hold: effects and lines; of an interval only what is near them, so that a wide
// one does not shrink the rest.
Extent ExtentOf(const ForestGroup& group) {
  const bool log = group.kind == ScaleKind::kLog;
  const auto on = [&](double v) { return log ? std::log(v) : v; };
  const auto off = [&](double v) { return log ? std::exp(v) : v; };
  Extent core;  // on the axis' own scale
  for (const ForestRow& row : group.rows) {
    for (const double line : row.lines) core.Add(on(line));
    if (!row.empty) core.Add(on(row.low)), core.Add(on(row.high));
  }
  if (core.empty) return core;
  const double reach = std::max(core.high - core.low, 1e-9);
  Extent extent = core;
  for (const ForestRow& row : group.rows) {
    if (row.empty || !row.interval) continue;
    for (const double end : {on(row.from), on(row.to)}) {
      if (std::isfinite(end))
        extent.Add(std::clamp(end, core.low - 1.5 * reach, core.high + 1.5 * reach));
    }
  }
  Extent shown;
  shown.Add(off(extent.low)), shown.Add(off(extent.high));
  return shown;
}

void DrawTexts(Svg& svg, const ForestRow& row, double middle) {
  const Lines lines = LinesOf(row);
  const auto column = [&](double x, const std::vector<std::string>& head,
                          const std::vector<std::string>& foot, bool foot_there,
                          const std::string& color) {
    const size_t count = head.size() + (foot_there ? foot.size() : 0);
    double y = middle - kLine * static_cast<double>(count) / 2 + 12;
    for (const std::string& line : head) {
      svg.Text({x, y}, line, {13.6, color, "start", !row.faint, 0, false});
      y += kLine;
    }
    for (size_t i = 0; foot_there && i < foot.size(); ++i, y += kLine)
      svg.Text({x, y}, foot[i], {12, ink::kMuted, "start", false, 0, false});
  };
  column(kMargin, lines.label, lines.note, !row.note.empty(), ink::kText);
  column(kRight + kColumnGap, lines.text, lines.said, !row.said.empty(), ColorOf(row));
}

void DrawArrow(Svg& svg, double x, double y, double side, const Stroke& stroke) {
  svg.Polyline({{x - 6 * side, y - 4.5}, {x, y}, {x - 6 * side, y + 4.5}}, stroke);
}

// The claimed side, shaded, and its line or lines.
void DrawClaim(Svg& svg, const ForestRow& row, const Scale& x, double top, double bottom) {
  if (row.lines.empty()) return;
  const double first = x.ToPixel(row.lines.front()), last = x.ToPixel(row.lines.back());
  const double from = row.claim == ForestRow::Claim::kLess ? kLeft : first;
  const double to = row.claim == ForestRow::Claim::kGreater ? kRight : last;
  svg.Rect({from, top + 3}, to - from, bottom - top - 6, "#ddf4e8", row.faint ? 0.45 : 0.9);
  for (const double line : row.lines)
    svg.Line({x.ToPixel(line), top + 3}, {x.ToPixel(line), bottom - 3}, {ink::kText, 1.6, "", 1});
}

void DrawEffect(Svg& svg, const ForestRow& row, const Scale& x, double y) {
  if (row.empty) return;
  const std::string color = ColorOf(row);
  const Stroke stroke{color, 2.2, "", 1};
  if (row.interval) {
    const double a = std::clamp(x.ToPixel(row.from), kLeft, kRight),
                 b = std::clamp(x.ToPixel(row.to), kLeft, kRight);
    svg.Line({a, y}, {b, y}, stroke);
    const auto end = [&](double at, double value, double side) {
      if (x.CanShow(value) && std::fabs(x.ToPixel(value) - at) < 0.5) {
        svg.Line({at, y - 5}, {at, y + 5}, stroke);
      } else {
        DrawArrow(svg, at, y, side, stroke);
      }
    };
    end(a, row.from, -1), end(b, row.to, 1);
  }
  // A bound: the effect lies further on, by an amount that is not known.
  const bool open_low = !x.CanShow(row.low), open_high = !x.CanShow(row.high);
  if (open_low && open_high) return;
  if (open_low || open_high) {
    const double at = x.ToPixel(open_low ? row.high : row.low), side = open_low ? -1.0 : 1.0;
    svg.Line({at, y - 6}, {at, y + 6}, stroke);
    svg.Line({at, y}, {at + 20 * side, y}, stroke);
    DrawArrow(svg, at + 21 * side, y, side, stroke);
    return;
  }
  const double at = 0.5 * (x.ToPixel(row.low) + x.ToPixel(row.high));
  if (row.outcome == ForestRow::Outcome::kOpposite) {
    for (const double side : {-1.0, 1.0})
      svg.Line({at - 5, y - 5 * side}, {at + 5, y + 5 * side}, {color, 3, "", 1});
  } else {
    const bool filled = row.outcome == ForestRow::Outcome::kHolds;
    svg.Circle({at, y}, 5.5, filled ? color : "#ffffff", 1, {color, 2, "", 1});
  }
}

double DrawGroup(Svg& svg, const ForestGroup& group, double top) {
  svg.Text({kMargin, top + 22}, CutText(group.title, 13.6, kLabelWidth, true),
           {13.6, ink::kMuted, "start", true, 0, false});
  const double from = top + kGroupHead;
  double bottom = from;
  for (const ForestRow& row : group.rows) bottom += HeightOf(row);
  const Extent extent = ExtentOf(group);
  const Scale x(group.kind, extent.low, extent.high, kLeft + 12, kRight - 12);
  double y = from;
  for (const ForestRow& row : group.rows) {
    const double height = HeightOf(row);
    DrawClaim(svg, row, x, y, y + height);
    y += height;
  }
  double last_end = -1e9;
  for (const Tick& tick : x.Ticks(5)) {
    const double at = x.ToPixel(tick.value), half = TextWidth(tick.label, 12.5) / 2;
    if (tick.label.empty() || extent.empty) continue;
    svg.Line({at, from}, {at, bottom}, {"#8c959f", 0.6, "", 0.35});
    if (at - half < last_end + 8) continue;
    last_end = at + half;
    svg.Text({at, bottom + 17}, tick.label, {12.5, ink::kMuted, "middle", false, 0, false});
  }
  y = from;
  for (const ForestRow& row : group.rows) {
    const double height = HeightOf(row);
    svg.Line({kMargin, y}, {kFigureWidth - kMargin, y}, {ink::kGrid, 1, "", 1});
    DrawTexts(svg, row, y + height / 2);
    DrawEffect(svg, row, x, y + height / 2);
    y += height;
  }
  svg.Line({kLeft, bottom}, {kRight, bottom}, {ink::kAxis, 1, "", 1});
  svg.Text({kLeft, top + 22}, group.less.empty() ? "" : "← " + group.less,
           {12, ink::kMuted, "start", false, 0, false});
  svg.Text({kRight, top + 22}, group.greater.empty() ? "" : group.greater + " →",
           {12, ink::kMuted, "end", false, 0, false});
  return bottom + kScaleHeight;
}

}  // namespace

std::string Forest::Render() const {
  double height = FigureHeadHeight(title, subtitle) + 14;
  for (const ForestGroup& group : groups) {
    height += kGroupHead + kScaleHeight;
    for (const ForestRow& row : group.rows) height += HeightOf(row);
  }
  Svg svg(kFigureWidth, height, title, subtitle);
  double y = DrawFigureHead(svg, title, subtitle) + 4;
  for (const ForestGroup& group : groups) y = DrawGroup(svg, group, y);
  return svg.Finish();
}

}  // namespace batchmark::report
