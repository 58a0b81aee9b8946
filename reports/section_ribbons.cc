// Percentiles of one unit's input over training, as in Ioffe & Szegedy 2015, figure 1 (b, c): readings
// preact_p15.u<unit>, preact_p50.u<unit>, preact_p85.u<unit> and, at the end, preact_unit, the unit of median
// drift; or preact_train_..., of training passes (training/trainer/probes.h writes them).
#include <algorithm>
#include <cmath>

#include "reports/effects.h"
#include "reports/format.h"
#include "reports/plot.h"
#include "reports/section.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

using Course = std::map<int64_t, std::array<double, 3>>;  // step -> 15th, 50th, 85th percentile

struct Ribbon {
  const Arm* arm;
  std::string unit;
  Course course;
};

// The unit that the run itself named: picked by rule, not by eye. Empty if it named none.
Ribbon RibbonOf(const Arm& arm, const std::string& probe) {
  Ribbon ribbon{&arm, "", {}};
  const RunRecord& run = *arm.runs[0];
  for (const RunReading& reading : run.readings)
    if (reading.name == probe + "_unit") ribbon.unit = std::to_string(std::llround(reading.value));
  if (ribbon.unit.empty()) return ribbon;
  const std::string names[] = {"_p15.u", "_p50.u", "_p85.u"};
  for (const RunReading& reading : run.readings) {
    for (size_t i = 0; i < 3; ++i) {
      if (reading.name != probe + names[i] + ribbon.unit) continue;
      const auto at =
          ribbon.course.emplace(reading.step, std::array{std::nan(""), std::nan(""), std::nan("")});
      at.first->second[i] = reading.value;
    }
  }
  return ribbon;
}

std::vector<Ribbon> RibbonsOf(const Study& study) {
  for (const char* probe : {"preact", "preact_train"}) {
    std::vector<Ribbon> ribbons;
    for (const Arm& arm : study.arms) {
      if (arm.runs.empty()) continue;
      Ribbon ribbon = RibbonOf(arm, probe);
      if (!ribbon.course.empty()) ribbons.push_back(std::move(ribbon));
    }
    if (!ribbons.empty()) return ribbons;
  }
  return {};
}

}  // namespace

void WriteRibbons(const ReportData&, const Study& study, ReportPage& page) {
  const std::vector<Ribbon> ribbons = RibbonsOf(study);
  Extent ys;
  for (const Ribbon& ribbon : ribbons) {
    for (const auto& [step, p] : ribbon.course) {
      for (double value : p) ys.Add(value);
    }
  }
  if (ribbons.empty() || ribbons.size() > 6 || ys.empty) return;
  page.Heading(3, "Input of one typical unit");
  for (const Ribbon& ribbon : ribbons) {
    Plot plot;
    plot.title = ribbon.arm->label + ": 15th, 50th and 85th percentile";
    plot.subtitle =
        "Unit " + ribbon.unit + " of the last hidden layer, the one of median drift, seed " +
        std::to_string(SeedOf(*ribbon.arm->runs[0])) + "; the same scale in every arm. " +
        Plural(study.Seeds(), "seed") + " an arm in the store.";
    plot.x_label = "step";
    plot.y_label = "input of the activation";
    plot.height = 300;
    plot.y_extent = ys;
    CsvTable csv({"arm", "unit", "step", "p15", "p50", "p85"});
    PlotLine median{"50 %", ribbon.arm->color, "", 2.2, false, false, {}, {}}, low = median,
                                                                               high = median;
    low.label = "15 %", high.label = "85 %", low.width = high.width = 1;
    for (const auto& [step, p] : ribbon.course) {
      csv.Cell(ribbon.arm->name)
          .Cell(ribbon.unit)
          .Cell(std::to_string(step))
          .Cell(p[0])
          .Cell(p[1])
          .Cell(p[2])
          .EndRow();
      if (!std::isfinite(p[0]) || !std::isfinite(p[1]) || !std::isfinite(p[2])) continue;
      const auto x = static_cast<double>(step);
      low.points.push_back({x, p[0]}), median.points.push_back({x, p[1]}),
          high.points.push_back({x, p[2]});
      median.band.push_back({x, p[0], p[2]});
    }
    if (median.points.empty()) continue;
    plot.lines = {low, median, high};
    page.Figure("percentiles-" + study.experiment + "-" + ribbon.arm->label, plot.title,
                plot.Render(), csv,
                "A steady ribbon means that what the unit sees does not drift.");
  }
}

}  // namespace batchmark::report
