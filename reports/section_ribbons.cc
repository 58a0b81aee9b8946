// Percentiles of one unit's input over training, as in Ioffe & Szegedy 2015, figure 1 (b, c):
// readings "p15/<unit>", "p50/<unit>", "p85/<unit>".
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

std::map<std::string, Course> UnitsOf(const RunRecord& run) {
  static const char* const names[] = {"p15/", "p50/", "p85/"};
  std::map<std::string, Course> units;
  for (const RunReading& reading : run.readings) {
    for (size_t i = 0; i < 3; ++i) {
      if (reading.name.rfind(names[i], 0) != 0) continue;
      auto [at, is_new] = units[reading.name.substr(4)].emplace(
          reading.step, std::array{std::nan(""), std::nan(""), std::nan("")});
      at->second[i] = reading.value;
    }
  }
  return units;
}

// How far median and spread wander, in units of the first spread.
double Drift(const Course& course) {
  double drift = 0;
  const std::array<double, 3>* before = nullptr;
  for (const auto& [step, p] : course) {
    if (before)
      drift +=
          std::abs(p[1] - (*before)[1]) + std::abs((p[2] - p[0]) - ((*before)[2] - (*before)[0]));
    before = &p;
  }
  const double spread = course.begin()->second[2] - course.begin()->second[0];
  return spread > 0 ? drift / spread : drift;
}

// The unit of median drift: picked by rule, not by eye.
std::string TypicalUnit(const std::map<std::string, Course>& units) {
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [unit, course] : units) order.emplace_back(Drift(course), unit);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    const double x = std::isnan(a.first) ? INFINITY : a.first,
                 y = std::isnan(b.first) ? INFINITY : b.first;
    return x != y ? x < y : a.second < b.second;
  });
  return order[(order.size() - 1) / 2].second;
}

}  // namespace

void WriteRibbons(const ReportData&, const Study& study, ReportPage& page) {
  struct Ribbon {
    const Arm* arm;
    std::string unit;
    Course course;
  };
  std::vector<Ribbon> ribbons;
  Extent ys;
  for (const Arm& arm : study.arms) {
    if (arm.runs.empty()) continue;
    const std::map<std::string, Course> units = UnitsOf(*arm.runs[0]);
    if (units.empty()) continue;
    const std::string unit = TypicalUnit(units);
    ribbons.push_back({&arm, unit, units.at(unit)});
    for (const auto& [step, p] : ribbons.back().course) {
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
