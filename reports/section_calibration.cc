// How often the tests behind the verdicts find a difference between equal runs.
#include "reports/format.h"
#include "reports/section.h"

namespace batchmark::report {

void WriteCalibration(const ReportData&, const Study& study, ReportPage& page) {
  if (!study.finding || !study.finding->calibration) return;
  const CalibrationFinding& found = *study.finding->calibration;
  page.Heading(3, "False alarms of the verdict's own tests");
  if (!found.result) {
    page.Paragraph(MarkdownEscape(found.sentence));
    return;
  }
  const Calibration& result = *found.result;
  const CalibrationClaim& claim = *study.claims->calibration;
  CsvTable csv({"experiment", "arm", "measure", "test", "runs", "pairs", "splits", "findings",
                "rate", "wilson_low", "wilson_high", "claimed", "passed"});
  csv.Cell(study.experiment).Cell(claim.arm).Cell(claim.claim.measure);
  csv.Cell(ToText(claim.claim.test));
  for (const int count : {result.runs, result.pairs, result.trials, result.findings})
    csv.Cell(std::to_string(count));
  for (const double share :
       {result.rate, result.wilson.lower, result.wilson.upper, study.claims->alpha})
    csv.Cell(share);
  csv.Cell(result.passed ? "true" : "false").EndRow();
  page.Paragraph(std::string("**") + (result.passed ? "Passed" : "Failed") + ".** " +
                 MarkdownEscape(found.sentence) +
                 " Passed means: the interval does not lie above "
                 "what the tests claim. " +
                 page.DataFile("calibration-" + study.experiment, csv));
}

}  // namespace batchmark::report
