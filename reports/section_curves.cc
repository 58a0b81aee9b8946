// Training loss and validation accuracy of all arms against steps.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

#include "reports/curves.h"
#include "reports/format.h"
#include "reports/plot.h"
#include "reports/section.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

constexpr size_t kMostLabelled = 8;

// With many arms, only these are coloured and labelled: the earliest to arrive.
std::vector<bool> Highlighted(const Study& study) {
  std::vector<bool> chosen(study.arms.size(), study.arms.size() <= kMostLabelled);
  if (chosen.empty() || chosen[0]) return chosen;
  std::vector<size_t> order(study.arms.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const Bound x = MedianSteps(study, study.arms[a]), y = MedianSteps(study, study.arms[b]);
    return x.beyond != y.beyond ? y.beyond : x.value < y.value;
  });
  for (size_t i = 0; i < 4; ++i) chosen[order[i]] = true;
  return chosen;
}

struct CurveFigure {
  std::string name, reading, y_label, caption;
  ScaleKind scale;
  double worst;
};

// A cross at the last reading of each run that diverged.
void MarkDivergence(const Arm& arm, const std::string& color, const std::string& reading,
                    Plot& plot) {
  for (const RunRecord* run : arm.runs) {
    if (run->status != "diverged") continue;
    const RunReading* last = nullptr;
    for (const RunReading& r : run->readings) {
      if (r.name == reading && std::isfinite(r.value)) last = &r;
    }
    if (last)
      plot.marks.push_back(
          {{static_cast<double>(last->step), last->value}, color, PlotMark::Shape::kCross, 5, ""});
  }
}

bool WriteFigure(const Study& study, const CurveFigure& figure, ReportPage& page) {
  Plot plot;
  plot.x_label = "step (log scale)";
  plot.x_kind = ScaleKind::kLog;
  plot.y_label = figure.y_label;
  plot.y_kind = figure.scale;
  CsvTable csv({"arm", "step", "median", "low", "high", "runs"});
  const std::vector<bool> highlighted = Highlighted(study);
  size_t coloured = 0;
  for (size_t i = 0; i < study.arms.size(); ++i) {
    const Arm& arm = study.arms[i];
    const std::vector<CurvePoint> curve = AggregateReadings(arm, figure.reading, figure.worst);
    // Among many arms the study's colours repeat; the few that are told apart get their own.
    const std::string color =
        study.arms.size() > kMostLabelled ? CategoryColor(coloured) : arm.color;
    coloured += highlighted[i];
    PlotLine line{
        highlighted[i] ? arm.label : "", color, arm.dash, 2.2, false, !highlighted[i], {}, {}};
    for (const CurvePoint& p : curve) {
      csv.Cell(arm.name)
          .Cell(std::to_string(p.step))
          .Cell(p.median)
          .Cell(p.low)
          .Cell(p.high)
          .Cell(std::to_string(p.runs))
          .EndRow();
      if (!std::isfinite(p.median)) continue;
      const auto x = static_cast<double>(p.step);
      line.points.push_back({x, p.median});
      if (arm.runs.size() > 1 && highlighted[i]) line.band.push_back({x, p.low, p.high});
    }
    if (!line.points.empty()) plot.lines.push_back(std::move(line));
    if (highlighted[i]) MarkDivergence(arm, color, figure.reading, plot);
  }
  // A single evaluation is no curve.
  if (std::all_of(plot.lines.begin(), plot.lines.end(),
                  [](const PlotLine& line) { return line.points.size() < 2; }))
    return false;
  plot.title = MetricName(figure.reading);
  plot.title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(plot.title[0])));
  plot.subtitle =
      BandText(study) +
      (study.arms.size() > kMostLabelled ? " Coloured: the four arms that arrive first. " : " ") +
      (plot.marks.empty() ? "" : "× is the last reading of a run that diverged. ") +
      CountsText(study);
  if (figure.reading == study.target_metric && study.target > 0) {
    double low = std::numeric_limits<double>::infinity(), high = 0;
    for (const PlotLine& line : plot.lines)
      low = std::min(low, line.points.front().x), high = std::max(high, line.points.back().x);
    plot.references.push_back(
        {{low, study.target}, {high, study.target}, "target", false, "4 4", ink::kText});
    plot.y_extent.Add(study.target);
  }
  page.Figure(figure.name + "-" + study.experiment, plot.title + " against steps, all arms",
              plot.Render(), csv, figure.caption);
  return true;
}

}  // namespace

void WriteCurves(const ReportData&, const Study& study, ReportPage& page) {
  if (study.arms.empty() || !study.HasRuns()) return;
  const double infinity = std::numeric_limits<double>::infinity();
  ReportPage section = page;
  section.Heading(3, "Convergence");
  bool any = WriteFigure(
      study,
      {"training-loss", "train_loss", "mean loss of the batches since the last reading (log scale)",
       "Lower is better.", ScaleKind::kLog, infinity},
      section);
  any = WriteFigure(
            study,
            {"validation-accuracy", "val_accuracy", "validation accuracy (log scale of the error)",
             "Higher is better.", ScaleKind::kAccuracy, -infinity},
            section) ||
        any;
  if (any) page = section;
}

}  // namespace batchmark::report
