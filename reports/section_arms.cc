// Every arm in numbers, and every run as a file.
#include <functional>

#include "reports/format.h"
#include "reports/section.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

std::string MedianText(const Arm& arm, double RunRecord::*field,
                       const std::function<std::string(double)>& text) {
  std::vector<double> values;
  for (const RunRecord* run : arm.runs) values.push_back(run->*field);
  return text(Median(std::move(values)));
}

// "5 of 8, 1 diverged"
std::string ArrivedText(const Arm& arm) {
  const size_t diverged = arm.CountStatus("diverged");
  return std::to_string(arm.runs.size() - arm.Censored()) + " of " +
         std::to_string(arm.runs.size()) +
         (diverged > 0 ? ", " + std::to_string(diverged) + " diverged" : "");
}

}  // namespace

void WriteArms(const ReportData&, const Study& study, ReportPage& page) {
  if (study.arms.empty() || !study.HasRuns()) return;
  const bool times = study.HasTimes();
  std::vector<std::string> head = {"arm", "arrived", "steps"};
  if (times) head.insert(head.end(), {"seconds", "ms a step"});
  head.insert(head.end(), {"training loss", "validation", "test"});
  MarkdownTable table(head, {Align::kLeft});
  for (const Arm& arm : study.arms) {
    std::vector<std::string> row = {MarkdownEscape(arm.label), ArrivedText(arm)};
    if (arm.runs.empty()) {
      row.resize(head.size(), "–");
      table.Row(row);
      continue;
    }
    row.push_back(MarkdownEscape(StepsText(MedianSteps(study, arm))));
    if (times) {
      row.push_back(MarkdownEscape(SecondsText(MedianSeconds(study, arm))));
      row.push_back(Significant(MedianMsPerStep(arm), 3));
    }
    row.push_back(
        MedianText(arm, &RunRecord::train_loss, [](double v) { return Significant(v, 3); }));
    row.push_back(
        MedianText(arm, &RunRecord::val_accuracy, [](double v) { return Percent(v, 2); }));
    row.push_back(
        MedianText(arm, &RunRecord::test_accuracy, [](double v) { return Percent(v, 2); }));
    table.Row(row);
  }
  const std::string text =
      table.PageText() +
      "\nMedians over seeds: steps and seconds to the target, losses and accuracies at the end of "
      "the run. A diverged run's loss is what it had then.\n";
  page.Heading(3, "All arms");
  if (study.arms.size() > 12) {
    page.Details(Plural(study.arms.size(), "arm"), text);
  } else {
    page.Paragraph(text.substr(0, text.size() - 1));
  }
}

}  // namespace batchmark::report
