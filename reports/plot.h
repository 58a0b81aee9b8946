// A figure in x and y: lines with bands, points, reference lines, direct labels instead of a
// legend.
#pragma once

#include <string>
#include <vector>

#include "reports/scale.h"
#include "reports/svg.h"

namespace batchmark::report {

struct PlotPoint {
  double x, y;
};

struct PlotBand {
  double x, low, high;
};

struct PlotLine {
  std::string label;  // stands at the line's right end
  std::string color;
  std::string dash;
  double width = 2;
  bool dots = false;   // a dot at every point
  bool faint = false;  // context: thin and grey, no label
  std::vector<PlotPoint> points;
  std::vector<PlotBand> band;
};

struct PlotMark {
  PlotPoint at;
  std::string color;
  enum class Shape {
    kDot,
    kRing,
    kBeyond,
    kCross
  } shape = Shape::kDot;  // kBeyond: the value lies further right
  double radius = 4;
  std::string label;  // beside the mark
};

// A straight line between two points of the data space, drawn as such also on log axes.
struct PlotReference {
  PlotPoint from, to;
  std::string label;
  bool label_at_end = true;
  std::string dash = "4 4";
  std::string color = "#8c959f";
};

struct Plot {
  std::string title;
  std::string subtitle;  // n, bands, diverged and censored runs
  std::string x_label, y_label;
  ScaleKind x_kind = ScaleKind::kLinear, y_kind = ScaleKind::kLinear;
  double height = 440;
  std::vector<PlotLine> lines;
  std::vector<PlotMark> marks;
  std::vector<PlotReference> references;
  std::vector<double> x_ticks;  // instead of round numbers
  Extent x_extent, y_extent;    // more than the data needs; Render adds lines, bands and marks

  std::string Render() const;
};

inline constexpr double kFigureWidth = 820, kMargin = 18;

// Title (bold) and wrapped subtitle at the top left; returns the y below them.
double DrawFigureHead(Svg& svg, const std::string& title, const std::string& subtitle);
double FigureHeadHeight(const std::string& title, const std::string& subtitle);

// Moves label centres apart to at least `gap`, order kept, inside [low, high].
std::vector<double> SpreadLabels(std::vector<double> wanted, double gap, double low, double high);

}  // namespace batchmark::report
