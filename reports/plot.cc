// A figure in x and y: lines with bands, points, reference lines, direct labels instead of a
// legend.
#include "reports/plot.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "reports/format.h"

namespace batchmark::report {
namespace {

constexpr double kTitleSize = 17, kSubtitleSize = 13, kTickSize = 13, kLabelSize = 14;
constexpr double kWidestLabel = 290;

std::string Label(const std::string& text) { return CutText(text, kLabelSize, kWidestLabel, true); }

struct Frame {
  double left, right, top, bottom;
};

// Lines of more points than pixels are thinned by whole strides; first and last stay.
std::vector<size_t> Thinned(size_t count) {
  const size_t stride = std::max<size_t>(1, count / 500);
  std::vector<size_t> kept;
  for (size_t i = 0; i < count; i += stride) kept.push_back(i);
  if (count > 0 && kept.back() != count - 1) kept.push_back(count - 1);
  return kept;
}

void DrawLine(Svg& svg, const PlotLine& line, const Scale& x, const Scale& y) {
  std::vector<Pixel> outline;
  const std::vector<size_t> band = Thinned(line.band.size());
  for (size_t i : band)
    outline.push_back({x.ToPixel(line.band[i].x), y.ToPixel(line.band[i].high)});
  for (auto i = band.rbegin(); i != band.rend(); ++i) {
    outline.push_back({x.ToPixel(line.band[*i].x), y.ToPixel(line.band[*i].low)});
  }
  svg.Polygon(outline, line.color, 0.16);
  std::vector<Pixel> path;
  for (size_t i : Thinned(line.points.size())) {
    const PlotPoint& p = line.points[i];
    if (x.CanShow(p.x) && y.CanShow(p.y)) path.push_back({x.ToPixel(p.x), y.ToPixel(p.y)});
  }
  svg.Polyline(path, line.faint ? Stroke{"#afb8c1", 1, "", 0.7}
                                : Stroke{line.color, line.width, line.dash, 1});
  if (line.dots) {
    for (const Pixel& p : path) svg.Circle(p, 3.2, line.color, 1, {"#ffffff", 1, "", 1});
  }
}

void DrawMark(Svg& svg, const PlotMark& mark, const Scale& x, const Scale& y) {
  const Pixel p{x.ToPixel(mark.at.x), y.ToPixel(mark.at.y)};
  const double r = mark.radius;
  switch (mark.shape) {
    case PlotMark::Shape::kDot:
      svg.Circle(p, r, mark.color, 0.9, {"#ffffff", 1, "", 1});
      break;
    case PlotMark::Shape::kRing:
      svg.Circle(p, r, "#ffffff", 1, {mark.color, 1.8, "", 1});
      break;
    case PlotMark::Shape::kCross:
      for (double side : {-1.0, 1.0})
        svg.Line({p.x - r, p.y - side * r}, {p.x + r, p.y + side * r}, {mark.color, 2.2, "", 1});
      break;
    case PlotMark::Shape::kBeyond:
      svg.Polyline({{p.x - r, p.y - r}, {p.x + r, p.y}, {p.x - r, p.y + r}, {p.x - r, p.y - r}},
                   {mark.color, 1.8, "", 1});
      break;
  }
}

void DrawAxes(Svg& svg, const Plot& plot, const Frame& frame, const Scale& x, const Scale& y) {
  for (const Tick& tick : y.Ticks(6)) {
    const double at = y.ToPixel(tick.value);
    if (tick.label.empty()) continue;
    svg.Line({frame.left, at}, {frame.right, at}, {ink::kGrid, 1, "", 1});
    svg.Text({frame.left - 8, at + 4.5}, tick.label,
             {kTickSize, ink::kMuted, "end", false, 0, false});
  }
  svg.Line({frame.left, frame.bottom}, {frame.right, frame.bottom}, {ink::kAxis, 1, "", 1});
  double last_end = -1e9;
  std::vector<Tick> x_ticks;
  for (double value : plot.x_ticks) x_ticks.push_back({value, Exact(value)});
  if (x_ticks.empty()) x_ticks = x.Ticks(8);
  for (const Tick& tick : x_ticks) {
    const double at = x.ToPixel(tick.value);
    svg.Line({at, frame.bottom}, {at, frame.bottom + (tick.label.empty() ? 3.0 : 6.0)},
             {ink::kAxis, 1, "", 1});
    const double half = TextWidth(tick.label, kTickSize) / 2;
    if (tick.label.empty() || at - half < last_end + 6) continue;
    last_end = at + half;
    svg.Text({at, frame.bottom + 20}, tick.label,
             {kTickSize, ink::kMuted, "middle", false, 0, false});
  }
  svg.Text({frame.left, frame.top - 12}, plot.y_label,
           {kTickSize, ink::kText, "start", false, 0, false});
  svg.Text({frame.right, frame.bottom + 40}, plot.x_label,
           {kTickSize, ink::kText, "end", false, 0, false});
}

constexpr double kReferenceSize = 12;  // px of a reference's label

struct Box {
  double left, top, right, bottom;
  bool Overlaps(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

// Of a line of text with its baseline at `base`.
constexpr double kAscent = 11, kDescent = 3;
Box TextBox(double left, double width, double base) {
  return {left, base - kAscent, left + width, base + kDescent};
}

// The baseline of a label: the wanted one, moved by whole lines, up or else down, off what is
// taken.
double FreeBase(double left, double width, double wanted, const std::vector<Box>& taken, double low,
                double high) {
  constexpr double kStep = 15;
  for (const double step : {-kStep, kStep}) {
    for (double base = wanted; base >= low && base <= high; base += step) {
      const Box box = TextBox(left, width, base);
      if (std::none_of(taken.begin(), taken.end(),
                       [&](const Box& other) { return box.Overlaps(other); })) {
        return base;
      }
    }
  }
  return wanted;
}

void DrawReferences(Svg& svg, const Plot& plot, const Frame& frame, const Scale& x,
                    const Scale& y) {
  svg.BeginClip({frame.left, frame.top}, frame.right - frame.left, frame.bottom - frame.top);
  for (const PlotReference& r : plot.references) {
    svg.Line({x.ToPixel(r.from.x), y.ToPixel(r.from.y)}, {x.ToPixel(r.to.x), y.ToPixel(r.to.y)},
             {r.color, 1.2, r.dash, 1});
  }
  svg.EndClip();
  constexpr double kGap = 6;  // between labels side by side
  std::vector<Box> taken;  // by marks and labels
  for (const PlotMark& mark : plot.marks) {
    const double at_x = x.ToPixel(mark.at.x), at_y = y.ToPixel(mark.at.y), r = mark.radius;
    taken.push_back({at_x - r, at_y - r, at_x + r, at_y + r});
  }
  for (const PlotReference& r : plot.references) {
    if (r.label.empty()) continue;
    const PlotPoint& end = r.label_at_end ? r.to : r.from;
    const double width = TextWidth(r.label, kReferenceSize);
    const double left = std::clamp(x.ToPixel(end.x) - (r.label_at_end ? width : 0), frame.left + 4,
                                   frame.right - 4 - width);
    const double low = frame.top + kReferenceSize, high = frame.bottom - 4;
    const double wanted = std::clamp(y.ToPixel(end.y) - 6, low, high);
    const double base = FreeBase(left, width + kGap, wanted, taken, low, high);
    taken.push_back(TextBox(left, width + kGap, base));
    svg.Text({r.label_at_end ? left + width : left, base}, r.label,
             {kReferenceSize, ink::kMuted, r.label_at_end ? "end" : "start", false, 0, true});
  }
}

// Labels at the lines' right ends, pushed apart; a thin leader joins a moved label to its line.
void DrawEndLabels(Svg& svg, const Plot& plot, const Frame& frame, const Scale& x, const Scale& y) {
  std::vector<const PlotLine*> lines;
  for (const PlotLine& line : plot.lines) {
    if (!line.label.empty() && !line.points.empty() && !line.faint) lines.push_back(&line);
  }
  const auto end_of = [&](const PlotLine* line) {
    const PlotPoint& p = line->points.back();
    return Pixel{x.ToPixel(p.x), std::clamp(y.ToPixel(p.y), frame.top, frame.bottom)};
  };
  std::stable_sort(lines.begin(), lines.end(),
                   [&](const PlotLine* a, const PlotLine* b) { return end_of(a).y < end_of(b).y; });
  std::vector<double> wanted;
  for (const PlotLine* line : lines) wanted.push_back(end_of(line).y);
  const std::vector<double> placed = SpreadLabels(wanted, 17, frame.top + 4, frame.bottom - 4);
  for (size_t i = 0; i < lines.size(); ++i) {
    const Pixel end = end_of(lines[i]);
    const double at = frame.right + 14;
    svg.Line({end.x + 2, end.y}, {at - 3, placed[i]}, {lines[i]->color, 0.8, "", 0.7});
    svg.Text({at, placed[i] + 5}, Label(lines[i]->label),
             {kLabelSize, lines[i]->color, "start", true, 0, false});
  }
}

// Above right, below right, above left, below left: the first place that is free and inside the
// frame.
void DrawMarkLabels(Svg& svg, const Plot& plot, const Frame& frame, const Scale& x,
                    const Scale& y) {
  std::vector<Box> taken;
  for (const PlotMark& mark : plot.marks) {
    const double px = x.ToPixel(mark.at.x), py = y.ToPixel(mark.at.y), r = mark.radius;
    taken.push_back({px - r, py - r, px + r, py + r});
  }
  for (const PlotMark& mark : plot.marks) {
    if (mark.label.empty()) continue;
    const Pixel p{x.ToPixel(mark.at.x), y.ToPixel(mark.at.y)};
    const double width = TextWidth(Label(mark.label), kLabelSize, true), reach = mark.radius + 4;
    Box best{};
    int least = 1 << 20;
    bool best_left = false;
    for (const auto& [left, below] :
         {std::pair{false, false}, {false, true}, {true, false}, {true, true}}) {
      const double from = left ? p.x - reach - width : p.x + reach;
      const double base = below ? p.y + reach + kAscent : p.y - reach;
      const Box box = TextBox(from, width, base);
      int clashes = from < frame.left || from + width > frame.right + 8 ? 100 : 0;
      for (const Box& other : taken) clashes += box.Overlaps(other);
      if (clashes < least) least = clashes, best = box, best_left = left;
    }
    taken.push_back(best);
    svg.Text({best_left ? best.right : best.left, best.bottom - kDescent}, Label(mark.label),
             {kLabelSize, mark.color, best_left ? "end" : "start", true, 0, true});
  }
}

}  // namespace

std::vector<double> SpreadLabels(std::vector<double> wanted, double gap, double low, double high) {
  if (wanted.empty()) return wanted;
  const double room = (high - low) / static_cast<double>(std::max<size_t>(1, wanted.size() - 1));
  gap = std::min(gap, std::max(0.0, room));
  wanted[0] = std::max(wanted[0], low);
  for (size_t i = 1; i < wanted.size(); ++i) wanted[i] = std::max(wanted[i], wanted[i - 1] + gap);
  wanted.back() = std::min(wanted.back(), high);
  for (size_t i = wanted.size() - 1; i-- > 0;) wanted[i] = std::min(wanted[i], wanted[i + 1] - gap);
  return wanted;
}

double FigureHeadHeight(const std::string& title, const std::string& subtitle) {
  const double width = kFigureWidth - 2 * kMargin;
  return 14 + 22 * static_cast<double>(WrapText(title, kTitleSize * 1.06, width).size()) +
         18 * static_cast<double>(WrapText(subtitle, kSubtitleSize, width).size());
}

double DrawFigureHead(Svg& svg, const std::string& title, const std::string& subtitle) {
  double y = 14;
  for (const std::string& line : WrapText(title, kTitleSize * 1.06, svg.width() - 2 * kMargin)) {
    svg.Text({kMargin, y += 20}, line, {kTitleSize, ink::kText, "start", true, 0, false});
    y += 2;
  }
  for (const std::string& line : WrapText(subtitle, kSubtitleSize, svg.width() - 2 * kMargin)) {
    svg.Text({kMargin, y += 18}, line, {kSubtitleSize, ink::kMuted, "start", false, 0, false});
  }
  return y;
}

std::string Plot::Render() const {
  Extent xs = x_extent, ys = y_extent;
  const bool log_x = x_kind == ScaleKind::kLog, log_y = y_kind == ScaleKind::kLog;
  const auto add = [&](double px, double py) {
    if (!log_x || px > 0) xs.Add(px);
    if (!log_y || py > 0) ys.Add(py);
  };
  double label_width = 0;
  for (const PlotLine& line : lines) {
    for (const PlotPoint& p : line.points) add(p.x, p.y);
    for (const PlotBand& b : line.band) add(b.x, b.low), add(b.x, b.high);
    if (!line.faint)
      label_width = std::max(label_width, TextWidth(Label(line.label), kLabelSize, true));
  }
  for (const PlotMark& mark : marks) add(mark.at.x, mark.at.y);

  Svg svg(kFigureWidth, height, title, subtitle);
  const double head = DrawFigureHead(svg, title, subtitle);
  Frame frame{0, kFigureWidth - kMargin - (label_width > 0 ? label_width + 16 : 4), head + 36,
              height - 56};
  const Scale y(y_kind, ys.low, ys.high, frame.bottom, frame.top);
  double tick_width = 0;
  for (const Tick& tick : y.Ticks(6))
    tick_width = std::max(tick_width, TextWidth(tick.label, kTickSize));
  frame.left = kMargin + tick_width + 8;
  const Scale x(x_kind, xs.low, xs.high, frame.left, frame.right);

  DrawAxes(svg, *this, frame, x, y);
  DrawReferences(svg, *this, frame, x, y);
  svg.BeginClip({frame.left - 8, frame.top - 8}, frame.right - frame.left + 16,
                frame.bottom - frame.top + 12);
  for (const PlotLine& line : lines) {
    if (line.faint) DrawLine(svg, line, x, y);
  }
  for (const PlotLine& line : lines) {
    if (!line.faint) DrawLine(svg, line, x, y);
  }
  for (const PlotMark& mark : marks) DrawMark(svg, mark, x, y);
  svg.EndClip();
  DrawEndLabels(svg, *this, frame, x, y);
  DrawMarkLabels(svg, *this, frame, x, y);
  return svg.Finish();
}

}  // namespace batchmark::report
