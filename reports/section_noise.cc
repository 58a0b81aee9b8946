// The noise dial: arms in order of the noise in their statistics, from noise-free to small ghost
// groups.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "reports/axes.h"
#include "reports/dot_plot.h"
#include "reports/effects.h"
#include "reports/format.h"
#include "reports/section.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

double NumberAfter(const std::string& text, char mark) {
  const size_t at = text.find(mark);
  return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + 1, nullptr);
}

// Variance of batch moments in units of one sample's: 0 for the population, 1/M for wide:M, 1/B for
// the batch, 1/K for ghost:K; renorm corrects towards the population and stands before the batch.
double NoiseOf(const Arm& arm) {
  const RunRecord& run = *arm.runs[0];
  const auto key = [&](const char* name) {
    const auto found = run.spec.find(name);
    return found == run.spec.end() ? std::string() : found->second;
  };
  const auto level = arm.levels.find("bn.stats");
  const std::string stats = level == arm.levels.end() ? key("bn.stats") : level->second;
  const double batch = std::max(1.0, LevelNumber(key("batch")));
  const double size = NumberAfter(stats, ':');
  if (key("bn.placement") == "none") return -1;
  if (stats.rfind("population+gauss", 0) == 0) return size > 0 ? 1 / size : 0;
  if (stats.rfind("population", 0) == 0) return 0;
  if (stats.rfind("wide", 0) == 0) return 1 / std::max(size, batch);
  if (stats.rfind("ghost", 0) == 0) return 1 / std::min(std::max(size, 1.0), batch);
  if (stats.rfind("renorm", 0) == 0) return 0.9 / batch;
  return 1 / batch;
}

DotCell CellOf(const Arm& arm, double RunRecord::*field) {
  DotCell cell;
  std::vector<double> values;
  for (const RunRecord* run : arm.runs) {
    if (run->status == "diverged" || !std::isfinite(run->*field)) continue;
    cell.dots.push_back({run->*field, false});
    values.push_back(run->*field);
  }
  if (values.empty()) return cell;
  cell.center = DotValue{Median(values), false};
  cell.text = field == &RunRecord::train_loss ? Significant(cell.center->value, 3)
                                              : Percent(cell.center->value, 2);
  return cell;
}

}  // namespace

void WriteNoise(const ReportData&, const Study& study, ReportPage& page) {
  if (!FindFactor(study, "bn.stats", 3) || study.arms.size() > 24) return;
  std::vector<const Arm*> arms;
  for (const Arm& arm : study.arms) {
    if (!arm.runs.empty()) arms.push_back(&arm);
  }
  std::stable_sort(arms.begin(), arms.end(),
                   [](const Arm* a, const Arm* b) { return NoiseOf(*a) < NoiseOf(*b); });
  DotPlot plot;
  plot.title = "The noise dial: least noisy statistics first";
  plot.subtitle = "Dots are runs, ticks medians; runs that diverged are left out of the dots. " +
                  CountsText(study);
  plot.panels = {{"test accuracy", ScaleKind::kAccuracy, {}, "", ""},
                 {"final training loss (log scale)", ScaleKind::kLog, {}, "", ""}};
  CsvTable csv({"arm", "noise", "seed", "status", "test_accuracy", "train_loss"});
  for (const Arm* arm : arms) {
    const double noise = NoiseOf(*arm);
    const std::string note = noise < 0    ? "no statistics"
                             : noise == 0 ? "noise-free"
                                          : "noise about 1/" + Count(1 / noise);
    plot.rows.push_back(
        {arm->label,
         note,
         arm->color,
         {CellOf(*arm, &RunRecord::test_accuracy), CellOf(*arm, &RunRecord::train_loss)}});
    for (const RunRecord* run : arm->runs) {
      csv.Cell(arm->name)
          .Cell(noise)
          .Cell(std::to_string(SeedOf(*run)))
          .Cell(run->status)
          .Cell(run->test_accuracy)
          .Cell(run->train_loss)
          .EndRow();
    }
  }
  page.Heading(3, "Noise of the statistics");
  page.Figure("noise-" + study.experiment, plot.title, plot.Render(), csv,
              "Noise is the variance of a statistic's group, in units of one sample's; in "
              "convolutions the places of a sample add to its group.");
}

}  // namespace batchmark::report
