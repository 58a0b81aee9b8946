// Steps and seconds to the target: every run a dot, censored ones as open triangles at their last
// step.
#include <cmath>
#include <limits>

#include "reports/dot_plot.h"
#include "reports/format.h"
#include "reports/intervals.h"
#include "reports/section.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

DotCell CellOf(const std::vector<Bound>& values, const Bound& median,
               const std::optional<Interval>& interval, std::string text) {
  DotCell cell;
  for (const Bound& value : values) cell.dots.push_back({value.value, value.beyond});
  if (!std::isnan(median.value)) cell.center = DotValue{median.value, median.beyond};
  if (interval) cell.low = interval->lower, cell.high = interval->upper;
  cell.text = std::move(text);
  return cell;
}

}  // namespace

void WriteSteps(const ReportData&, const Study& study, ReportPage& page) {
  if (study.arms.empty() || !study.HasRuns() || study.arms.size() > 24) return;
  const bool times = study.HasTimes();
  DotPlot plot;
  plot.title = (times ? "Steps and seconds to " : "Steps to ") + study.TargetText();
  plot.panels.push_back({"steps (log scale)", ScaleKind::kLog, {}, "", ""});
  if (times)
    plot.panels.push_back({"seconds of training (log scale)", ScaleKind::kLog, {}, "", ""});
  CsvTable csv({"arm", "seed", "status", "steps_to_target", "steps_run", "time_to_target_s",
                "train_s", "ms_per_step"});
  bool intervals = false;
  for (const Arm& arm : study.arms) {
    if (arm.runs.empty()) continue;
    std::vector<Bound> steps, seconds;
    for (const RunRecord* run : arm.runs) {
      steps.push_back(StepsToTarget(study, *run));
      seconds.push_back(SecondsToTarget(study, *run));
      csv.Cell(arm.name).Cell(std::to_string(SeedOf(*run))).Cell(run->status);
      csv.Cell(run->steps_to_target ? std::to_string(*run->steps_to_target) : "")
          .Cell(std::to_string(run->steps));
      csv.Cell(run->time_to_target_s ? *run->time_to_target_s
                                     : std::numeric_limits<double>::quiet_NaN());
      csv.Cell(run->train_s).Cell(run->ms_per_step).EndRow();
    }
    const size_t arrived = arm.runs.size() - arm.Censored();
    DotRow row;
    row.label = arm.label;
    row.note = std::to_string(arrived) + " of " + std::to_string(arm.runs.size()) + " arrived";
    row.color = arm.color;
    const Bound median = MedianSteps(study, arm), time = MedianSeconds(study, arm);
    const auto interval = MedianInterval(steps);
    intervals = intervals || interval;
    row.cells.push_back(CellOf(steps, median, interval, StepsText(median)));
    if (times)
      row.cells.push_back(CellOf(seconds, time, MedianInterval(seconds), SecondsText(time)));
    plot.rows.push_back(std::move(row));
  }
  plot.subtitle =
      "Dots are runs, ticks medians" +
      std::string(intervals ? ", whiskers 95 % BCa bootstrap intervals of the median" : "") +
      "; ▷ had not arrived at its last step. " + CountsText(study);
  std::string caption = "Fewer is better.";
  if (study.eval_every > 0) {
    caption += " Steps are known to the next evaluation only (every " +
               std::to_string(study.eval_every) +
               (study.eval_every_most > study.eval_every ? " to " + std::to_string(study.eval_every_most) : "") +
               " steps).";
  }
  if (!times) caption += " " + study.TimesNote();
  page.Figure("steps-to-target-" + study.experiment, plot.title, plot.Render(), csv, caption);
}

}  // namespace batchmark::report
