// Paired comparisons that the experiment's definition names, as a forest plot and a table.
#include <algorithm>
#include <cmath>

#include "reports/dot_plot.h"
#include "reports/format.h"
#include "reports/intervals.h"
#include "reports/section.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

// Larger is better for accuracies, smaller for everything else.
bool HigherIsBetter(const std::string& measure) {
  return measure.find("accuracy") != std::string::npos;
}

// NAME@STEP, NAME@last; NaN where the run has no such reading.
double ReadingAt(const RunRecord& run, const std::string& name, const std::string& step) {
  double value = std::nan("");
  for (const RunReading& reading : run.readings) {
    if (reading.name == name && (step == "last" || step == std::to_string(reading.step)))
      value = reading.value;
  }
  return value;
}

// What is compared: accuracies as errors, so that a ratio means something and below 1 is better
// everywhere. Diverged runs are infinitely bad.
Bound ValueOf(const Study& study, const RunRecord& run, const std::string& measure) {
  if (measure == "steps_to_target" || measure == "log_steps" || measure == "steps")
    return StepsToTarget(study, run);
  if (measure == "time_to_target_s" || measure == "seconds") return SecondsToTarget(study, run);
  const bool diverged = run.status == "diverged";
  double value = std::nan("");
  const size_t at = measure.find('@');
  if (at != std::string::npos)
    value = ReadingAt(run, measure.substr(0, at), measure.substr(at + 1));
  if (at != std::string::npos && HigherIsBetter(measure)) value = 1 - value;
  if (measure == "train_loss") value = run.train_loss;
  if (measure == "ms_per_step") value = run.ms_per_step;
  if (measure == "val_accuracy") value = 1 - run.val_accuracy;
  if (measure == "test_accuracy") value = 1 - run.test_accuracy;
  if (diverged && measure != "ms_per_step")
    return {std::isfinite(value) && value > 0 ? value : 1.0, true};
  return {value, false};
}

std::string ValueText(const Bound& bound, const std::string& measure) {
  if (std::isnan(bound.value)) return "–";
  const std::string mark = bound.beyond ? "&gt; " : "";
  if (measure.find("step") != std::string::npos && measure != "ms_per_step")
    return mark + Count(bound.value);
  if (measure == "time_to_target_s" || measure == "seconds") return mark + Seconds(bound.value);
  if (HigherIsBetter(measure)) return (bound.beyond ? "&lt; " : "") + Percent(1 - bound.value, 2);
  return mark + Significant(bound.value, 3);
}

std::string MeasureText(const std::string& measure) {
  return HigherIsBetter(measure) ? MetricName(measure) + " (ratio of errors)" : MetricName(measure);
}

struct Compared {
  const Contrast* contrast;
  Effect effect;  // log(b / a): above 0, a is better
  Bound a, b;     // medians
  size_t ahead = 0, behind = 0, open = 0;
};

std::optional<Compared> Compare(const Study& study, const Contrast& contrast) {
  const Arm *a = study.FindArm(contrast.a), *b = study.FindArm(contrast.b);
  if (!a || !b || a->runs.empty() || b->runs.empty()) return std::nullopt;
  Compared out{&contrast, {}, {0}, {0}};
  std::vector<Bound> as, bs;
  for (const RunRecord* run : a->runs) as.push_back(ValueOf(study, *run, contrast.measure));
  for (const RunRecord* run : b->runs) bs.push_back(ValueOf(study, *run, contrast.measure));
  out.a = MedianBound(as), out.b = MedianBound(bs);
  for (size_t i = 0; i < a->runs.size(); ++i) {
    for (size_t j = 0; j < b->runs.size(); ++j) {
      if (SeedOf(*a->runs[i]) != SeedOf(*b->runs[j])) continue;
      if (!(as[i].value > 0) || !(bs[j].value > 0)) continue;
      const Range range = LogCombination({{1, bs[j]}, {-1, as[i]}});
      out.effect.per_seed.push_back(range);
      out.effect.seeds.push_back(SeedOf(*a->runs[i]));
      if (range.low > 0)
        ++out.ahead;
      else if (range.high < 0)
        ++out.behind;
      else if (!range.Exact())
        ++out.open;
    }
  }
  if (out.effect.seeds.empty()) return std::nullopt;
  out.effect.median = MedianRange(out.effect.per_seed);
  return out;
}

// In the plot a bound shows as "beyond" only where it is open to the right.
DotCell CellOf(const Compared& compared) {
  DotCell cell;
  for (const Range& range : compared.effect.per_seed) {
    if (std::isfinite(range.low)) cell.dots.push_back({std::exp(range.low), !range.Exact()});
  }
  const Range& median = compared.effect.median;
  if (std::isfinite(median.low)) cell.center = DotValue{std::exp(median.low), !median.Exact()};
  if (const auto interval = EffectInterval(compared.effect)) {
    cell.low = std::exp(interval->lower), cell.high = std::exp(interval->upper);
  }
  cell.text = RatioText(median);
  return cell;
}

std::string RatioCell(const Effect& effect) {
  std::string text = "**" + MarkdownEscape(RatioText(effect.median)) + "**";
  if (const auto interval = EffectInterval(effect)) {
    text += " [" + Ratio(std::exp(interval->lower)) + ", " + Ratio(std::exp(interval->upper)) + "]";
  }
  return text;
}

std::string PCell(double p) { return p < 1e-4 ? "&lt; 0.0001" : Significant(p, 2); }

std::string OutcomeCell(const ContrastFinding& finding) {
  if (finding.result.outcome == Outcome::kPass) return "holds";
  if (finding.result.outcome == Outcome::kOpposite) return "**the opposite**";
  return "open" +
         (finding.result.reason.empty() ? "" : ": " + MarkdownEscape(finding.result.reason));
}

void AddRatios(const Compared& c, CsvTable& csv) {
  for (size_t i = 0; i < c.effect.seeds.size(); ++i) {
    csv.Cell(c.contrast->name).Cell(c.contrast->a).Cell(c.contrast->b).Cell(c.contrast->measure);
    csv.Cell(std::to_string(c.effect.seeds[i]));
    csv.Cell(std::exp(c.effect.per_seed[i].low)).Cell(std::exp(c.effect.per_seed[i].high)).EndRow();
  }
}

void WriteTable(const Study& study, const std::vector<std::optional<Compared>>& all,
                ReportPage& page) {
  std::vector<std::string> head = {"comparison", "measure",      "first",
                                   "second",     "times better", "first ahead"};
  if (study.finding) head.insert(head.end(), {"p (Holm)", "claim"});
  MarkdownTable table(head, {Align::kLeft, Align::kLeft, Align::kRight, Align::kRight,
                             Align::kRight, Align::kRight, Align::kRight, Align::kLeft});
  std::string sentences;
  for (size_t i = 0; i < study.contrasts.size(); ++i) {
    const Contrast& contrast = study.contrasts[i];
    std::vector<std::string> row = {MarkdownEscape(contrast.name), MeasureText(contrast.measure)};
    if (all[i]) {
      std::string ahead =
          std::to_string(all[i]->ahead) + " of " + std::to_string(all[i]->effect.seeds.size());
      if (all[i]->open > 0) ahead += ", " + std::to_string(all[i]->open) + " open";
      row.insert(row.end(),
                 {ValueText(all[i]->a, contrast.measure), ValueText(all[i]->b, contrast.measure),
                  RatioCell(all[i]->effect), ahead});
    } else {
      row.insert(row.end(), {"–", "–", "–", "–"});
    }
    if (study.finding) {
      const ContrastFinding& finding = study.finding->contrasts.at(i);
      const bool open = finding.criterion.n < finding.criterion.n_required;
      row.push_back(
          open ? "–"
               : PCell(std::min(finding.result.p_adjusted, finding.result.p_opposite_adjusted)));
      row.push_back(OutcomeCell(finding));
      sentences += "- " + MarkdownEscape(finding.sentence) + "\n";
    }
    table.Row(row);
  }
  page.Table(table);
  if (!study.finding) return;
  for (const std::string& note : study.finding->notes)
    sentences += "- " + MarkdownEscape(note) + "\n";
  page.Details("What each comparison found, and by which test", sentences);
}

}  // namespace

void WriteContrasts(const ReportData&, const Study& study, ReportPage& page) {
  if (study.contrasts.empty() || study.Seeds() == 0) return;
  DotPlot plot;
  plot.title = "How many times better is the first arm?";
  plot.panels.push_back({"ratio second / first, seed by seed (log scale)", ScaleKind::kLog, 1.0,
                         "second better", "first better"});
  CsvTable csv({"comparison", "first", "second", "measure", "seed", "ratio_low", "ratio_high"});
  std::vector<std::optional<Compared>> all;
  bool intervals = false, bounds = false;
  for (const Contrast& contrast : study.contrasts) {
    all.push_back(Compare(study, contrast));
    if (!all.back()) continue;
    const Compared& c = *all.back();
    plot.rows.push_back({contrast.name,
                         MeasureText(contrast.measure),
                         study.FindArm(contrast.a)->color,
                         {CellOf(c)}});
    intervals = intervals || plot.rows.back().cells[0].low;
    for (const DotValue& dot : plot.rows.back().cells[0].dots) bounds = bounds || dot.beyond;
    AddRatios(c, csv);
  }
  page.Heading(3, "Paired comparisons");
  if (!plot.rows.empty()) {
    plot.subtitle = std::string("Dots are seeds, ticks medians") +
                    (intervals ? ", whiskers 95 % BCa intervals" : "") +
                    (bounds ? "; ▷ a lower bound, where the second arm never arrived. " : ". ") +
                    CountsText(study);
    page.Figure("contrasts-" + study.experiment, plot.title, plot.Render(), csv,
                "Right of the line the first arm is better.");
  }
  WriteTable(study, all, page);
}

}  // namespace batchmark::report
