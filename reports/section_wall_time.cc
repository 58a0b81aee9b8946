// Seconds = steps x seconds a step: the plane of the two, where each arm stands, and BN's share of
// a step.
#include <cmath>

#include "reports/format.h"
#include "reports/plot.h"
#include "reports/section.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

// Lines of equal seconds at 1-2-5 values that cross the plane.
void AddSecondsLines(Plot& plot, const Extent& steps, const Extent& ms) {
  const double x0 = steps.low / 1.4, x1 = steps.high * 1.4, y0 = ms.low / 1.25, y1 = ms.high * 1.25;
  plot.x_extent.Add(x0), plot.x_extent.Add(x1), plot.y_extent.Add(y0), plot.y_extent.Add(y1);
  for (int e = -3; e < 6; ++e) {
    for (int m : {1, 2, 5}) {
      const double seconds = m * std::pow(10.0, e), product = 1000 * seconds;
      if (product < x0 * y0 || product > x1 * y1) continue;
      // From the upper left end of the line inside the plane to its lower right end.
      const double left = std::max(x0, product / y1), right = std::min(x1, product / y0);
      plot.references.push_back({{left, product / left},
                                 {right, product / right},
                                 Exact(seconds) + " s",
                                 false,
                                 "",
                                 "#d0d7de"});
    }
  }
}

void WriteDecomposition(const Study& study, const Factorial& f, ReportPage& page) {
  const bool bn = f.row.key == "bn.placement" && f.row_levels[0] == "none";
  const std::string row = bn ? "BN" : LevelLabel(f.row.key, f.row_levels[1]);
  MarkdownTable table(
      {"effect of " + row, "steps saved", "cost of a step", "seconds", "pays if it saves", "saved"},
      {Align::kLeft});
  for (size_t j = 2; j-- > 0;) {
    const Effect steps = f.RowAt(study, Measure::kSteps, j),
                 seconds = f.RowAt(study, Measure::kSeconds, j);
    const double cost = MedianMsPerStep(*f.arms[1][j]) / MedianMsPerStep(*f.arms[0][j]);
    const auto saved = [](double log_ratio) { return Percent(1 - std::exp(-log_ratio)); };
    table.Row({"at " + LevelLabel(f.column.key, f.column_levels[j]),
               MarkdownEscape(RatioText(steps.median)) + " fewer",
               Ratio(cost) + (bn ? " (BN is " + Percent(1 - 1 / cost) + " of it)" : ""),
               MarkdownEscape(RatioText(seconds.median)) + " faster",
               cost > 1 ? "&gt; " + Percent(1 - 1 / cost) + " of the steps" : "always",
               std::isfinite(steps.median.low)
                   ? (steps.median.Exact() ? "" : "&gt; ") + saved(steps.median.low)
                   : "not determined"});
  }
  page.Table(table);
}

}  // namespace

void WriteWallTime(const ReportData&, const Study& study, ReportPage& page) {
  if (!study.HasRuns() || !study.HasTimes() || study.arms.size() < 2 || study.arms.size() > 24)
    return;
  Plot plot;
  plot.title = "Seconds = steps × time of a step";
  plot.x_label = "steps to " + study.TargetText() + " (log scale)";
  plot.y_label = "milliseconds a step (log scale)";
  plot.x_kind = plot.y_kind = ScaleKind::kLog;
  Extent xs, ys;
  CsvTable csv({"arm", "seed", "steps", "arrived", "ms_per_step", "seconds"});
  for (const Arm& arm : study.arms) {
    std::vector<double> ms;
    for (const RunRecord* run : arm.runs) {
      const Bound steps = StepsToTarget(study, *run);
      const double y = MsPerStepToTarget(*run);
      csv.Cell(arm.name)
          .Cell(std::to_string(SeedOf(*run)))
          .Cell(steps.value)
          .Cell(steps.beyond ? "no" : "yes")
          .Cell(y);
      csv.Cell(SecondsToTarget(study, *run).value).EndRow();
      if (!(steps.value > 0) || !(y > 0)) continue;
      ms.push_back(y), xs.Add(steps.value), ys.Add(y);
      plot.marks.push_back({{steps.value, y},
                            arm.color,
                            steps.beyond ? PlotMark::Shape::kBeyond : PlotMark::Shape::kDot,
                            3.2,
                            ""});
    }
    const Bound median = MedianSteps(study, arm);
    if (ms.empty()) continue;
    plot.marks.push_back({{median.value, Median(ms)},
                          arm.color,
                          median.beyond ? PlotMark::Shape::kBeyond : PlotMark::Shape::kRing,
                          7,
                          arm.label});
  }
  if (xs.empty) return;
  AddSecondsLines(plot, xs, ys);
  plot.subtitle =
      "Large marks are medians, small ones runs; grey lines join equal seconds; ▷ had not arrived "
      "at its last step. " +
      CountsText(study);
  page.Heading(3, "Where the seconds come from");
  page.Figure("seconds-" + study.experiment, plot.title, plot.Render(), csv,
              "Left is fewer steps, down is cheaper steps; along a grey line nothing is gained.");
  if (const std::optional<Factorial> factorial = FindFactorial(study))
    WriteDecomposition(study, *factorial, page);
}

}  // namespace batchmark::report
