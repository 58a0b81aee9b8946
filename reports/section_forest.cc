// The comparisons that verdicts rest on: one study's, and above the studies of several.
#include <algorithm>
#include <limits>

#include "reports/forest_rows.h"
#include "reports/format.h"
#include "reports/section.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

const char kHowToRead[] =
    "Each row is one comparison, first arm against second, paired on seed. Shaded: what the claim "
    "says; it holds where the whole interval lies inside. Whiskers: the test's own 95 % interval "
    "(90 % "
    "for equality); ● holds, ○ open, ✕ the opposite.";

// Criteria that hold, of all: "3 of 5".
std::string HeldText(const ExperimentFinding& finding) {
  size_t held = 0, all = 0;
  for (const ContrastFinding& contrast : finding.contrasts) {
    if (contrast.claim.role == ContrastRole::kReport) continue;
    ++all;
    held += contrast.result.outcome == Outcome::kPass;
  }
  return std::to_string(held) + " of " + std::to_string(all);
}

// Pairs of the criteria: "8", "6 to 8".
std::string PairsText(const ExperimentFinding& finding) {
  int least = std::numeric_limits<int>::max(), most = 0;
  for (const ContrastFinding& contrast : finding.contrasts) {
    if (contrast.claim.role == ContrastRole::kReport) continue;
    least = std::min(least, contrast.pairs), most = std::max(most, contrast.pairs);
  }
  return least < most ? std::to_string(least) + " to " + std::to_string(most)
                      : std::to_string(most);
}

}  // namespace

void WriteForest(const ReportData&, const Study& study, ReportPage& page) {
  if (!study.finding || study.finding->contrasts.empty()) return;
  ForestBuilder builder;
  builder.Add(study);
  const Forest forest =
      builder.Finish("Verdict: " + std::string(ToText(study.finding->verdict)), CountsText(study));
  page.Figure("verdict-" + study.experiment, "Comparisons: effect, interval and claim",
              forest.Render(), builder.csv(), kHowToRead);
  std::string sentences;
  for (const ContrastFinding& contrast : study.finding->contrasts)
    sentences += "- " + MarkdownEscape(contrast.sentence) + "\n";
  for (const std::string& note : study.finding->notes)
    sentences += "- " + MarkdownEscape(note) + "\n";
  page.Details("What each comparison found, and by which test", sentences);
}

void WriteOverview(const ReportData& data, ReportPage& page) {
  MarkdownTable table({"experiment", "verdict", "criteria that hold", "pairs"},
                      {Align::kLeft, Align::kLeft, Align::kRight, Align::kRight});
  ForestBuilder builder;
  std::string calibrations;
  size_t judged = 0;
  for (const Study& study : data.studies) {
    if (!study.finding) continue;
    ++judged;
    table.Row({"**" + MarkdownEscape(study.experiment) + "** " + MarkdownEscape(StudyTitle(study)),
               "**" + std::string(ToText(study.finding->verdict)) + "**", HeldText(*study.finding),
               PairsText(*study.finding)});
    builder.AddCriteria(study);
    if (const auto& calibration = study.finding->calibration; calibration && calibration->result)
      calibrations += (calibrations.empty() ? "" : " ") + calibration->sentence;
  }
  if (judged < 2) return;
  page.Heading(2, "Verdicts");
  page.Table(table);
  if (!calibrations.empty())
    page.Paragraph("These tests, tried on equal runs. " + MarkdownEscape(calibrations));
  const Forest forest =
      builder.Finish("Criteria of all experiments",
                     std::to_string(judged) + " experiments; p values are corrected within each");
  page.Figure("verdicts", "Criteria of all experiments", forest.Render(), builder.csv(),
              kHowToRead);
}

}  // namespace batchmark::report
