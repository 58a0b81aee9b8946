// What came out, in sentences computed from the runs.
#include <cmath>

#include "reports/format.h"
#include "reports/section.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

struct Words {
  std::string with, without;
};

Words RowWords(const Factorial& f) {
  if (f.row.key == "bn.placement" && f.row_levels[0] == "none") {
    return {f.row_levels[1] == "post" ? "with BN after the activation" : "with BN", "without"};
  }
  return {"with " + LevelLabel(f.row.key, f.row_levels[1]),
          "with " + LevelLabel(f.row.key, f.row_levels[0])};
}

std::string SecondsSentence(const Study& study, const Arm& with, const Arm& without,
                            const Words& words) {
  const Bound a = MedianSeconds(study, with), b = MedianSeconds(study, without);
  const double cost = MedianMsPerStep(with) / MedianMsPerStep(without);
  const Range ratio = PairedLogRatio(study, with, without, Measure::kSeconds).median;
  const std::string faster = FewerText(ratio, "faster", "slower");
  return "In seconds of training: " + SecondsText(a) + " against " + SecondsText(b) +
         (faster.empty() ? "" : ", **" + faster + "**") + "; a step " + words.with + " costs " +
         Ratio(cost) + " a step " + words.without + ".";
}

std::string ShareSentence(const Study& study, const Factorial& f, const Words& words) {
  const Effect whole = f.Confounded(study, Measure::kSteps);
  const std::string high = LevelLabel(f.column.key, f.column_levels[1]),
                    low = LevelLabel(f.column.key, f.column_levels[0]);
  std::string text = "Compared as the claim was drawn, " + words.with + " at " + high +
                     " against " + (words.without == "without" ? "no BN" : words.without) + " at " +
                     low + ", the gap is **" + RatioText(whole.median) +
                     "** in steps, from two causes at once. ";
  const std::optional<Range> share = RowShare(f, study, Measure::kSteps);
  if (!share) return text + "Too many runs never arrived to split it.";
  const auto percent = [](double low_end, double high_end) {
    const std::string a = Fixed(100 * low_end, 0), b = Fixed(100 * high_end, 0);
    return (a == b ? a : a + " to " + b) + "\u00a0%";
  };
  const std::string row = f.row.key == "bn.placement" ? "BN" : f.row.name,
                    column = KeyName(f.column.key);
  if (std::isinf(share->high)) {
    return text + "At least **" + Fixed(100 * share->low, 0) +
           " %** of it (on log steps) is due to " + row + ", at most " +
           Fixed(100 * (1 - share->low), 0) + " % to the " + column + ".";
  }
  if (std::isinf(share->low)) {
    return text + "At most **" + Fixed(100 * share->high, 0) +
           " %** of it (on log steps) is due to " + row + ", at least " +
           Fixed(100 * (1 - share->high), 0) + " % to the " + column + ".";
  }
  return text + "On log steps **" + percent(share->low, share->high) + "** of it is due to " + row +
         " and **" + percent(1 - share->high, 1 - share->low) + "** to the " + column + ".";
}

std::string LossSentence(const Factorial& f, const Words& words) {
  std::string text = "Final training loss: ";
  for (size_t j = 2; j-- > 0;) {
    std::vector<double> a, b;
    for (const RunRecord* run : f.arms[1][j]->runs) a.push_back(run->train_loss);
    for (const RunRecord* run : f.arms[0][j]->runs) b.push_back(run->train_loss);
    text += Significant(Median(a), 3) + " " + words.with + " against " + Significant(Median(b), 3) +
            " " + words.without + " at " + LevelLabel(f.column.key, f.column_levels[j]) +
            (j ? "; " : " (medians).");
  }
  return text;
}

void WriteFactorialSummary(const Study& study, const Factorial& f, ReportPage& page) {
  const Words words = RowWords(f);
  std::string list;
  for (size_t j = 2; j-- > 0;) {
    const Arm &with = *f.arms[1][j], &without = *f.arms[0][j];
    list += "- " + CompareSentence(study, with, without, words.with, words.without,
                                   "at " + KeyName(f.column.key) + " " + f.column_levels[j]);
    if (study.HasTimes()) list += " " + SecondsSentence(study, with, without, words);
    list += "\n";
  }
  list += "- " + ShareSentence(study, f, words) + "\n";
  list += "- " + LossSentence(f, words);
  page.Paragraph(list);
}

// No two-by-two: the arms in order of arrival say it.
void WritePlainSummary(const Study& study, ReportPage& page) {
  const Arm *best = nullptr, *worst = nullptr;
  for (const Arm& arm : study.arms) {
    if (arm.runs.empty()) continue;
    const auto key = [&](const Arm* a) {
      const Bound b = MedianSteps(study, *a);
      return std::make_pair(b.beyond, b.value);
    };
    if (!best || key(&arm) < key(best)) best = &arm;
    if (!worst || key(&arm) > key(worst)) worst = &arm;
  }
  if (!best) return;
  if (best == worst) {
    const Bound steps = MedianSteps(study, *best);
    page.Paragraph(
        study.TargetText() + ": **" + StepsText(steps) + " steps**" +
        (study.HasTimes() ? ", " + SecondsText(MedianSeconds(study, *best)) + " of training" : "") + " (" +
        (best->runs.size() == 1 ? "one run" : "median of " + Plural(best->runs.size(), "seed")) +
        ").");
    return;
  }
  page.Paragraph(CompareSentence(study, *best, *worst, "with " + MarkdownEscape(best->label),
                                 "with " + MarkdownEscape(worst->label), ""));
}

}  // namespace

// What the verdict does not say: the two-by-two in words, or, without a verdict, who came first.
void WriteSummary(const ReportData&, const Study& study, ReportPage& page) {
  if (study.arms.empty() || !study.HasRuns()) return;
  if (const std::optional<Factorial> factorial = FindFactorial(study)) {
    WriteFactorialSummary(study, *factorial, page);
  } else if (!study.finding) {
    WritePlainSummary(study, page);
  }
}

}  // namespace batchmark::report
