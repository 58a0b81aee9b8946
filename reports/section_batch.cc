// Steps and seconds to the target against batch size, with the line of perfect scaling. With
// several learning rates each batch size shows its best one.
#include <cmath>

#include "reports/axes.h"
#include "reports/format.h"
#include "reports/plot.h"
#include "reports/section.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

struct Best {
  const Arm* arm = nullptr;
  Bound value{std::nan(""), false};
  bool on_border =
      false;  // the best rate is the first or last of several: a better one may lie beyond
};

using MedianOf = Bound (*)(const Study&, const Arm&);

Best BestAt(const Study& study, const Series& series, const std::string& batch, const Factor* lr,
            MedianOf median) {
  Best best;
  for (const Arm* arm : series.arms) {
    if (arm->levels.at("batch") != batch) continue;
    const Bound value = median(study, *arm);
    if (std::isnan(value.value)) continue;
    const bool better =
        !best.arm ||
        (value.beyond != best.value.beyond ? best.value.beyond : value.value < best.value.value);
    if (!better) continue;
    best = {arm, value, false};
    if (lr)
      best.on_border =
          arm->levels.at("lr") == lr->levels.front() || arm->levels.at("lr") == lr->levels.back();
  }
  return best;
}

void WriteOne(const Study& study, const Factor& batch, const Factor* lr, bool seconds,
              ReportPage& page) {
  const std::vector<Series> all =
      lr ? SeriesAlong(study, {"batch", "lr"}) : SeriesAlong(study, {"batch"});
  if (all.size() > 7) return;
  Plot plot;
  plot.title = (seconds ? "Seconds to " : "Steps to ") + study.TargetText() + " against batch size";
  plot.x_label = "batch size (log scale)";
  plot.y_label = seconds ? "seconds of training (log scale)" : "steps (log scale)";
  plot.x_kind = plot.y_kind = ScaleKind::kLog;
  for (const std::string& level : batch.levels) {
    if (LevelNumber(level) > 0) plot.x_ticks.push_back(LevelNumber(level));
  }
  CsvTable csv({"series", "batch", "lr", "median", "arrived", "best_rate_on_border"});
  bool border = false;
  PlotPoint corner{0, 0};
  Extent xs;
  for (const Series& one : all) {
    PlotLine line{one.label, one.color, "", 2.2, true, false, {}, {}};
    for (const std::string& level : batch.levels) {
      const Best best = BestAt(study, one, level, lr, seconds ? MedianSeconds : MedianSteps);
      const double x = LevelNumber(level);
      if (!best.arm || !(x > 0) || !(best.value.value > 0)) continue;
      csv.Cell(one.label)
          .Cell(level)
          .Cell(lr ? best.arm->levels.at("lr") : "")
          .Cell(best.value.value);
      csv.Cell(best.value.beyond ? "no" : "yes").Cell(best.on_border ? "yes" : "no").EndRow();
      xs.Add(x);
      if (best.value.beyond) {
        plot.marks.push_back({{x, best.value.value}, one.color, PlotMark::Shape::kBeyond, 4.5, ""});
        continue;
      }
      if (line.points.empty() && best.value.value > corner.y) corner = {x, best.value.value};
      line.points.push_back({x, best.value.value});
      if (!best.on_border) continue;
      border = true;
      plot.marks.push_back({{x, best.value.value}, one.color, PlotMark::Shape::kRing, 6, ""});
    }
    if (!line.points.empty()) plot.lines.push_back(std::move(line));
  }
  if (plot.lines.empty()) return;
  plot.subtitle = std::string("Medians over seeds") +
                  (lr ? ", each batch size at its best learning rate" : "") +
                  (border ? "; ringed: that rate is the first or last tried" : "") + ". " +
                  CountsText(study);
  if (!seconds && corner.y > 0) {
    plot.y_extent.Add(corner.y * 1.2);
    plot.references.push_back({corner,
                               {xs.high, corner.y * corner.x / xs.high},
                               "twice the batch, half the steps",
                               false,
                               "4 4",
                               "#8c959f"});
  }
  page.Figure((seconds ? "seconds-vs-batch-" : "steps-vs-batch-") + study.experiment, plot.title,
              plot.Render(), csv,
              seconds ? "The lowest point is this machine's best batch size."
                      : "Where a line leaves the slope of the dashed one, larger batches stop "
                        "paying in steps.");
}

}  // namespace

void WriteBatch(const ReportData&, const Study& study, ReportPage& page) {
  const Factor* batch = FindFactor(study, "batch", 3);
  if (!batch) return;
  const Factor* lr = FindFactor(study, "lr", 2);
  page.Heading(3, "Batch size");
  WriteOne(study, *batch, lr, false, page);
  if (study.HasTimes()) WriteOne(study, *batch, lr, true, page);
}

}  // namespace batchmark::report
