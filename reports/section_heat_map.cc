// Steps to the target over learning rate and batch size, with the region that diverged.
#include <cmath>

#include "reports/axes.h"
#include "reports/format.h"
#include "reports/heat_map.h"
#include "reports/section.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

HeatCell CellOf(const Study& study, const Arm* arm) {
  if (!arm || arm->runs.empty()) return {};
  if (2 * arm->CountStatus("diverged") > arm->runs.size())
    return {HeatCell::State::kDiverged, 0, ""};
  const Bound median = MedianSteps(study, *arm);
  if (std::isnan(median.value) || !(median.value > 0)) return {};
  return {median.beyond ? HeatCell::State::kBeyond : HeatCell::State::kValue, median.value,
          (median.beyond ? ">" : "") + Count(median.value)};
}

}  // namespace

void WriteHeatMap(const ReportData&, const Study& study, ReportPage& page) {
  const Factor* lr = FindFactor(study, "lr", 3);
  const Factor* batch = FindFactor(study, "batch", 3);
  if (!lr || !batch) return;
  const std::vector<Series> series = SeriesAlong(study, {"lr", "batch"});
  if (series.size() > 6) return;
  HeatMap map;
  map.title = "Steps to " + study.TargetText() + " by learning rate and batch size";
  map.subtitle =
      "Medians; dark is few. Crossed: most runs diverged; grey: the median had not arrived. " +
      CountsText(study);
  map.x_label = "learning rate";
  map.y_label = "batch";
  map.x_levels = lr->levels;
  map.y_levels = batch->levels;
  CsvTable csv({"series", "lr", "batch", "median_steps", "arrived", "diverged", "runs"});
  for (const Series& one : series) {
    HeatPanel panel{one.label, {}};
    for (const std::string& b : batch->levels) {
      panel.cells.emplace_back();
      for (const std::string& l : lr->levels) {
        const Arm* arm = one.At("lr", l, "batch", b);
        panel.cells.back().push_back(CellOf(study, arm));
        if (!arm) continue;
        const Bound median = MedianSteps(study, *arm);
        csv.Cell(one.label).Cell(l).Cell(b).Cell(median.beyond ? std::nan("") : median.value);
        csv.Cell(std::to_string(arm->runs.size() - arm->Censored()))
            .Cell(std::to_string(arm->CountStatus("diverged")));
        csv.Cell(std::to_string(arm->runs.size())).EndRow();
      }
    }
    map.panels.push_back(std::move(panel));
  }
  page.Figure("lr-batch-" + study.experiment, map.title, map.Render(), csv,
              "Steps are few where it is dark; right of the crosses nothing trains.");
}

}  // namespace batchmark::report
