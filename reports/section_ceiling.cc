// Where runs begin to diverge: the share that did, against the learning rate, with Firth's logistic
// curve.
#include <cmath>

#include "reports/axes.h"
#include "reports/format.h"
#include "reports/plot.h"
#include "reports/section.h"
#include "reports/stats_logistic.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

constexpr int kCurvePoints = 60;
constexpr size_t kMostSeries = 24, kMostDrawn = 7;  // colours repeat after seven

std::string CeilingText(const std::vector<DosePoint>& points,
                        const std::map<int64_t, std::vector<DosePoint>>& by_seed) {
  const std::optional<HalfPoint> half = HalfDose(points);
  if (!half) return "not determined";
  const std::string value = Significant(std::exp(half->dose), 2);
  if (half->bound == HalfPoint::Bound::kLower) return "> " + value;
  if (half->bound == HalfPoint::Bound::kUpper) return "< " + value;
  std::vector<std::vector<DosePoint>> seeds;
  for (const auto& [seed, doses] : by_seed) seeds.push_back(doses);
  const std::optional<Ceiling> ceiling = FitCeiling(seeds);
  if (!ceiling || !ceiling->interval) return value;
  return value + " [" + Significant(std::exp(ceiling->interval->lower), 2) + ", " +
         Significant(std::exp(ceiling->interval->upper), 2) + "]";
}

// What a claim reads together, else all that agrees apart from the rate.
std::vector<Series> CeilingSeries(const Study& study) {
  if (study.families.empty())
    return FindFactor(study, "lr", 4) ? SeriesAlong(study, {"lr"}) : std::vector<Series>{};
  std::vector<Series> all;
  for (const Family& family : study.families) {
    all.push_back({family.label, family.color, {}});
    for (const Arm& arm : family.arms) {
      if (!arm.runs.empty()) all.back().arms.push_back(&arm);
    }
  }
  return all;
}

}  // namespace

void WriteCeiling(const ReportData&, const Study& study, ReportPage& page) {
  const std::vector<Series> all = CeilingSeries(study);
  size_t diverged = 0, runs = 0;
  for (const Series& one : all) {
    for (const Arm* arm : one.arms)
      diverged += arm->CountStatus("diverged"), runs += arm->runs.size();
  }
  if (diverged == 0 || all.size() > kMostSeries) return;
  Plot plot;
  plot.title = "Share of runs that diverged, by learning rate";
  plot.x_label = "learning rate (log scale)";
  plot.y_label = "share diverged";
  plot.x_kind = ScaleKind::kLog;
  plot.y_extent.Add(0), plot.y_extent.Add(1);
  CsvTable csv({"series", "lr", "diverged", "runs"});
  MarkdownTable table({"arms", "rate at which half the runs diverge"}, {Align::kLeft});
  for (const Series& one : all) {
    std::vector<DosePoint> points;
    std::map<int64_t, std::vector<DosePoint>> by_seed;
    Extent doses;
    for (const Arm* arm : one.arms) {
      const double rate = LevelNumber(arm->levels.at("lr"));
      if (!(rate > 0)) continue;
      doses.Add(std::log(rate));
      for (const RunRecord* run : arm->runs) {
        points.push_back({std::log(rate), run->status == "diverged"});
        by_seed[SeedOf(*run)].push_back(points.back());
      }
      const double share =
          static_cast<double>(arm->CountStatus("diverged")) / static_cast<double>(arm->runs.size());
      plot.marks.push_back({{rate, share}, one.color, PlotMark::Shape::kDot, 4, ""});
      csv.Cell(one.label)
          .Cell(arm->levels.at("lr"))
          .Cell(std::to_string(arm->CountStatus("diverged")))
          .Cell(std::to_string(arm->runs.size()))
          .EndRow();
    }
    PlotLine line{one.label, one.color, "", 2.2, false, false, {}, {}};
    if (const auto curve = FitLogistic(points); curve && !doses.empty) {
      for (int i = 0; i <= kCurvePoints; ++i) {
        const double dose = doses.low + (doses.high - doses.low) * i / kCurvePoints;
        line.points.push_back(
            {std::exp(dose), 1 / (1 + std::exp(-(curve->intercept + curve->slope * dose)))});
      }
    } else if (!doses.empty && diverged > 0) {
      line.points = {{std::exp(doses.low), 0}, {std::exp(doses.high), 0}};
    }
    if (!line.points.empty()) plot.lines.push_back(std::move(line));
    table.Row({one.label.empty() ? "all" : MarkdownEscape(one.label),
               MarkdownEscape(CeilingText(points, by_seed))});
  }
  plot.subtitle = "Dots are shares of the seeds, curves logistic (Firth's penalty). " +
                  std::to_string(diverged) + " of " + Plural(runs, "run") + " diverged.";
  page.Heading(3, "Learning-rate ceiling");
  if (all.size() <= kMostDrawn) {
    page.Figure("lr-ceiling-" + study.experiment, plot.title, plot.Render(), csv,
                "The further right a curve rises, the larger the rates that still train.");
  } else {
    page.Paragraph("Too many series for one picture. " +
                   page.DataFile("lr-ceiling-" + study.experiment, csv));
  }
  page.Table(table);
}

}  // namespace batchmark::report
