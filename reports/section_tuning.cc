// The trials that chose a value for each arm: what was tried, what came of it, what was taken.
#include <algorithm>

#include "reports/axes.h"
#include "reports/format.h"
#include "reports/section.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

struct Tried {
  std::string key;
  std::map<std::string, Arm> by_value;  // the trials of one value as an arm
};

// A trial is named "<arm> <key> <value>"; of several arms that fit the longest is meant.
std::map<std::string, Tried> TrialsByArm(const Study& study) {
  std::map<std::string, Tried> tried;
  for (const RunRecord* run : study.trials) {
    const Arm* of = nullptr;
    for (const Arm& arm : study.arms) {
      const bool fits = run->arm.starts_with(arm.name + " ");
      if (fits && (!of || arm.name.size() > of->name.size())) of = &arm;
    }
    if (!of) continue;
    const std::string rest = run->arm.substr(of->name.size() + 1);
    Tried& arm = tried[of->name];
    arm.key = rest.substr(0, rest.find(' '));
    arm.by_value[SpecValue(*run, arm.key)].runs.push_back(run);
  }
  return tried;
}

std::string ResultText(const Study& study, const Arm& trials) {
  const size_t diverged = trials.CountStatus("diverged");
  return 2 * diverged > trials.runs.size() ? "diverged" : StepsText(MedianSteps(study, trials));
}

}  // namespace

void WriteTuning(const ReportData&, const Study& study, ReportPage& page) {
  const std::map<std::string, Tried> tried = TrialsByArm(study);
  if (tried.empty()) return;
  const std::string key = tried.begin()->second.key;
  std::vector<std::string> values;
  for (const auto& [name, arm] : tried) {
    for (const auto& [value, trials] : arm.by_value) {
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
  }
  std::sort(values.begin(), values.end(), [](const std::string& a, const std::string& b) {
    return LevelNumber(a) < LevelNumber(b);
  });
  std::vector<std::string> head = {"arm"};
  for (const std::string& value : values) head.push_back(MarkdownEscape(value));
  head.push_back("taken");
  MarkdownTable table(head, {Align::kLeft});
  CsvTable csv({"arm", "key", "value", "runs", "steps_to_target", "never_arrived",
                "validation_accuracy", "taken", "at_border"});
  bool border = false;
  for (const Arm& arm : study.arms) {
    const auto of = tried.find(arm.name);
    if (of == tried.end()) continue;
    const auto level = arm.levels.find(key);
    const std::string taken = level == arm.levels.end() ? "" : level->second;
    const bool at_border = !taken.empty() && (taken == values.front() || taken == values.back());
    border = border || at_border;
    std::vector<std::string> row = {MarkdownEscape(arm.label)};
    for (const std::string& value : values) {
      const auto trials = of->second.by_value.find(value);
      if (trials == of->second.by_value.end()) {
        row.push_back("–");
        continue;
      }
      const Arm& runs = trials->second;
      const std::string text = MarkdownEscape(ResultText(study, runs));
      row.push_back(value == taken ? "**" + text + "**" : text);
      std::vector<double> accuracies;
      for (const RunRecord* run : runs.runs) accuracies.push_back(run->val_accuracy);
      const Bound steps = MedianSteps(study, runs);
      csv.Cell(arm.name).Cell(key).Cell(value).Cell(std::to_string(runs.runs.size()));
      csv.Cell(steps.value).Cell(std::to_string(runs.Censored())).Cell(Median(accuracies));
      csv.Cell(value == taken ? "true" : "false");
      csv.Cell(value == taken && at_border ? "true" : "false").EndRow();
    }
    row.push_back((taken.empty() ? "–" : MarkdownEscape(taken)) + (at_border ? " (border)" : ""));
    table.Row(row);
  }
  page.Heading(3, "Tuning: the " + KeyName(key) + " of each arm");
  page.Table(table);
  page.Paragraph(
      "Median steps to the target of each value tried, on seeds of their own; these "
      "runs enter no comparison. Bold: the value taken" +
      std::string(border ? "; (border): the best may lie outside the values tried" : "") + ". " +
      page.DataFile("tuning-" + study.experiment, csv));
}

}  // namespace batchmark::report
