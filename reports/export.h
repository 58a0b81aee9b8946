// Runs and readings as CSV or JSON lines, for pandas, R and spreadsheets.
#pragma once

#include <string>
#include <vector>

#include "reports/results.h"

namespace batchmark {

enum class ExportFormat { kCsv, kJsonl };
// "csv" | "jsonl"; throws Error(kUsage) otherwise.
ExportFormat ParseExportFormat(const std::string& text);

// One line a run: key, experiment, arm, the fields of the outcome, then every spec key of any run
// (a key that is also a field is called spec_<key>). Missing values and NaN are empty in CSV and
// null in JSON; infinities are "inf", "-inf".
std::string ExportRuns(const std::vector<RunRecord>& runs, ExportFormat format);
// The same for a report's folder, each thing said once: what every run shares (constants: name,
// value), what an arm sets (arms: a line an arm), and the rest (runs: a line a run). Runs and arms
// join on experiment and arm. Numbers have six digits, hashes their first sixteen; the store has
// both whole.
struct RunTables {
  std::string runs, arms, constants;
};
RunTables ExportRunTables(const std::vector<RunRecord>& runs);
// One line a reading: run_key, experiment, arm, seed, step, name, value.
std::string ExportReadings(const std::vector<RunRecord>& runs, ExportFormat format);

}  // namespace batchmark
