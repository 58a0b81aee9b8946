// The first page of a study: what came out, in sentences computed from the runs.
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

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
  std::string text = "In seconds of training: " + SecondsText(a) + " against " + SecondsText(b);
  if (!a.beyond && a.value < b.value) {
    text += ", " + std::string(b.beyond ? "more than " : "") + "**" + Ratio(b.value / a.value) +
            " faster**";
  } else if (!b.beyond && b.value < a.value) {
    text += ", " + std::string(a.beyond ? "more than " : "") + "**" + Ratio(a.value / b.value) +
            " slower**";
  }
  return text + "; a step " + words.with + " costs " + Ratio(cost) + " a step " + words.without +
         ".";
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
        study.TargetText() + ": **" + StepsText(steps) + " steps**, " +
        SecondsText(MedianSeconds(study, *best)) + " of training (" +
        (best->runs.size() == 1 ? "one run" : "median of " + Plural(best->runs.size(), "seed")) +
        ").");
    return;
  }
  page.Paragraph(CompareSentence(study, *best, *worst, "with " + MarkdownEscape(best->label),
                                 "with " + MarkdownEscape(worst->label), ""));
}

// Document "budget/<experiment>", or "budget" for a store of one experiment: its "sentence".
std::string BudgetSentence(const ReportData& data, const Study& study) {
  for (const std::string& name : {"budget/" + study.experiment, std::string("budget")}) {
    const auto found = data.documents.find(name);
    if (found == data.documents.end()) continue;
    const nlohmann::json document = nlohmann::json::parse(found->second, nullptr, false);
    if (document.is_object() && document.contains("sentence") && document["sentence"].is_string()) {
      return document["sentence"].get<std::string>();
    }
  }
  return "";
}

// Too few seeds say more than the list of criteria that they leave open.
std::string VerdictText(const Study& study) {
  std::string text;
  if (study.finding) text = "**Verdict: " + std::string(ToText(study.finding->verdict)) + ".** ";
  if (study.Seeds() < kSeedsForIntervals) {
    return text + Plural(study.Seeds(), "seed") +
           " an arm: **a direction, not a verdict.** Every run is shown; intervals and tests start "
           "at " +
           std::to_string(kSeedsForIntervals) + " seeds.";
  }
  if (!study.finding) return text;
  // The sentence begins with the verdict's word, which stands in front already.
  std::string sentence = study.finding->sentence;
  const std::string word = std::string(ToText(study.finding->verdict)) + ": ";
  if (sentence.rfind(word, 0) == 0) sentence.erase(0, word.size());
  if (!sentence.empty())
    sentence[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence[0])));
  return text + MarkdownEscape(sentence);
}

}  // namespace

void WriteSummary(const ReportData& data, const Study& study, ReportPage& page) {
  std::string title = study.title;
  if (title.empty()) title = study.experiment.empty() ? "Runs" : study.experiment;
  page.Heading(2, MarkdownEscape(title));
  if (study.Seeds() == 0) {
    page.Paragraph("The store defines this experiment but holds none of its runs.");
    return;
  }
  if (!study.claim.empty()) page.Paragraph("> **Claim.** " + MarkdownEscape(study.claim));
  const std::optional<Factorial> factorial = FindFactorial(study);
  if (factorial) {
    WriteFactorialSummary(study, *factorial, page);
  } else {
    WritePlainSummary(study, page);
  }
  std::string notes = VerdictText(study);
  const std::string budget = BudgetSentence(data, study);
  if (!budget.empty()) notes += (notes.empty() ? "" : " ") + MarkdownEscape(budget);
  if (study.left_out > 0) {
    notes += (notes.empty() ? "" : " ") + Plural(study.left_out, "stored run") +
             " of this experiment at another size (steps, target ...) " +
             (study.left_out == 1 ? "is" : "are") + " left out.";
  }
  if (!notes.empty()) page.Paragraph(notes);
}

}  // namespace batchmark::report
