// The two-by-two taken apart: cells, the effect of each factor at each level of the other, main
// effects and interaction on log steps, and the shares of the confounded comparison.
#include <cmath>

#include "reports/format.h"
#include "reports/intervals.h"
#include "reports/section.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

std::string CellText(const Study& study, const Arm& arm) {
  std::vector<double> arrived;
  for (const RunRecord* run : arm.runs) {
    if (run->steps_to_target) arrived.push_back(static_cast<double>(*run->steps_to_target));
  }
  const Bound median = MedianSteps(study, arm);
  std::string text =
      "**" + (median.beyond ? "&gt; " + Count(median.value) : Count(median.value)) + "**";
  if (arrived.size() == arm.runs.size() && arrived.size() > 1) {
    text += " (" + Count(Quantile(arrived, 0)) + " to " + Count(Quantile(arrived, 1)) + ")";
  } else if (arrived.size() < arm.runs.size()) {
    text += " (" + std::to_string(arrived.size()) + " of " + std::to_string(arm.runs.size()) +
            " arrived)";
  }
  return text;
}

// "5.8×", with its interval where there is one.
std::string EffectText(const Effect& effect, bool bold) {
  std::string text = MarkdownEscape(RatioText(effect.median));
  if (bold) text = "**" + text + "**";
  if (const auto interval = EffectInterval(effect)) {
    text += " [" + Ratio(std::exp(interval->lower)) + ", " + Ratio(std::exp(interval->upper)) + "]";
  }
  return text;
}

void EffectRow(MarkdownTable& table, CsvTable& csv, const std::string& what, const Effect& steps,
               const Effect* seconds) {
  std::vector<std::string> cells = {what, EffectText(steps, true)};
  if (seconds) cells.push_back(EffectText(*seconds, false));
  table.Row(cells);
  const auto add = [&](const char* measure, const Effect& effect) {
    const auto interval = EffectInterval(effect);
    csv.Cell(what)
        .Cell(measure)
        .Cell(std::exp(effect.median.low))
        .Cell(std::exp(effect.median.high));
    csv.Cell(interval ? Exact(std::exp(interval->lower)) : "")
        .Cell(interval ? Exact(std::exp(interval->upper)) : "");
    csv.Cell(std::to_string(effect.seeds.size())).EndRow();
  };
  add("steps", steps);
  if (seconds) add("seconds", *seconds);
}

}  // namespace

void WriteFactorial(const ReportData&, const Study& study, ReportPage& page) {
  const std::optional<Factorial> found = FindFactorial(study);
  if (!found) return;
  const Factorial& f = *found;
  const std::string row =
      f.row.key == "bn.placement" && f.row_levels[0] == "none" ? "BN" : KeyName(f.row.key);
  const std::string column = KeyName(f.column.key);
  const auto column_label = [&](size_t j) { return LevelLabel(f.column.key, f.column_levels[j]); };
  const auto row_label = [&](size_t i) { return LevelLabel(f.row.key, f.row_levels[i]); };

  page.Heading(3, "Two causes, taken apart");
  MarkdownTable cells({"steps to " + study.TargetText(), column_label(1), column_label(0)},
                      {Align::kLeft, Align::kRight, Align::kRight});
  for (size_t i = 2; i-- > 0;)
    cells.Row({"**" + row_label(i) + "**", CellText(study, *f.arms[i][1]),
               CellText(study, *f.arms[i][0])});
  page.Table(cells);

  page.Paragraph(
      "Cells are medians over seeds (least to most). What follows from them, on a logarithmic "
      "scale:");
  const bool times = study.HasTimes();
  std::vector<std::string> head = {"effect (how many times fewer)", "steps"};
  if (times) head.push_back("seconds");
  MarkdownTable effects(head, {Align::kLeft});
  CsvTable csv(
      {"effect", "measure", "ratio_low", "ratio_high", "interval_low", "interval_high", "seeds"});
  const auto add = [&](const std::string& what, auto effect) {
    const Effect steps = effect(Measure::kSteps), seconds = effect(Measure::kSeconds);
    EffectRow(effects, csv, what, steps, times ? &seconds : nullptr);
  };
  for (size_t j = 2; j-- > 0;)
    add(row + " at " + column_label(j), [&](Measure m) { return f.RowAt(study, m, j); });
  for (size_t i = 2; i-- > 0;) {
    add(column + " " + f.column_levels[1] + " instead of " + f.column_levels[0] + ", " +
            row_label(i),
        [&](Measure m) { return f.ColumnAt(study, m, i); });
  }
  add(row + ", main effect", [&](Measure m) { return f.RowMain(study, m); });
  add(column + ", main effect", [&](Measure m) { return f.ColumnMain(study, m); });
  add("interaction (" + row + " at " + column_label(1) + " over " + row + " at " + column_label(0) +
          ")",
      [&](Measure m) { return f.Interaction(study, m); });
  add("both at once, as the claim was drawn", [&](Measure m) { return f.Confounded(study, m); });
  page.Table(effects);
  std::string note = "Medians over " + Plural(f.seeds.size(), "seed") + " of ratios within a seed";
  if (f.seeds.size() >= kSeedsForIntervals)
    note += "; brackets are 95 % BCa bootstrap intervals over seeds";
  note +=
      ". A main effect is the geometric mean over both levels of the other factor; within a seed "
      "the two multiply to the last line. \"&gt;\" and \"&lt;\" are bounds, \"a to b\" a range: a "
      "run that "
      "never arrived enters with its last step, though the truth lies beyond; \"not determined\" "
      "means that such runs stand on both sides. " +
      page.DataFile("effects-" + study.experiment, csv);
  page.Paragraph(note);
}

}  // namespace batchmark::report
