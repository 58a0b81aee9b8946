// The share of runs that have arrived, against steps: Kaplan-Meier curves turned over.
#include "reports/format.h"
#include "reports/plot.h"
#include "reports/section.h"
#include "reports/stats_survival.h"
#include "reports/words.h"

namespace batchmark::report {

void WriteSurvival(const ReportData&, const Study& study, ReportPage& page) {
  if (study.Seeds() < kSeedsForIntervals || study.arms.size() > 8) return;
  Plot plot;
  plot.title = "Share of runs that have arrived at " + study.TargetText();
  plot.x_label = "step (log scale)";
  plot.y_label = "share arrived";
  plot.x_kind = ScaleKind::kLog;
  plot.height = 380;
  plot.y_extent.Add(0), plot.y_extent.Add(1);
  CsvTable csv({"arm", "step", "at_risk", "arrived", "censored", "share_arrived", "low", "high"});
  double end = 0;  // of the axis: the last arrival, or the last step of a run that never arrived
  for (const Arm& arm : study.arms) {
    for (const RunRecord* run : arm.runs) end = std::max(end, StepsToTarget(study, *run).value);
  }
  for (const Arm& arm : study.arms) {
    std::vector<Arrival> arrivals;
    for (const RunRecord* run : arm.runs) arrivals.push_back(StepsArrival(*run));
    PlotLine line{arm.label, arm.color, arm.dash, 2.2, false, false, {}, {}};
    double arrived = 0;
    for (const SurvivalPoint& p : KaplanMeier(arrivals)) {
      csv.Cell(arm.name)
          .Cell(p.time)
          .Cell(std::to_string(p.at_risk))
          .Cell(std::to_string(p.events))
          .Cell(std::to_string(p.censored));
      csv.Cell(1 - p.survival).Cell(1 - p.interval.upper).Cell(1 - p.interval.lower).EndRow();
      if (p.events == 0 || !(p.time > 0)) continue;
      line.points.push_back({p.time, arrived});
      arrived = 1 - p.survival;
      line.points.push_back({p.time, arrived});
    }
    if (arm.runs.empty() || !(end > 0)) continue;
    line.points.push_back({end, arrived});
    plot.lines.push_back(std::move(line));
  }
  if (plot.lines.empty()) return;
  plot.subtitle =
      "Kaplan-Meier; a diverged run stays among those that have not arrived. " + CountsText(study);
  page.Figure("arrivals-" + study.experiment, plot.title, plot.Render(), csv,
              "95 % intervals are in the data.");
}

}  // namespace batchmark::report
