// batchmark export: a store as CSV or JSON lines.
#include "reports/export.h"

#include <memory>

#include "training/commands/command.h"
#include "training/commands/output.h"

namespace batchmark {
namespace {

struct ExportWords {
  std::string store, format;
  bool metrics = false;
};

int Export(const ExportWords& words) {
  CheckStandardOutput();
  const ExportFormat format = ParseExportFormat(words.format);
  const std::vector<RunRecord> runs = ResultStore(words.store, ResultStore::Mode::kReadOnly).All();
  Print(words.metrics ? ExportReadings(runs, format) : ExportRuns(runs, format));
  return 0;
}

}  // namespace

Command ExportCommand() {
  auto words = std::make_shared<ExportWords>();
  Command command{
      "export", "Print a store's runs, or their readings, as CSV or JSON lines.", {}, {}, "", {}};
  command.options = {
      {"STORE.db", "", "results store", &words->store, true},
      {"--format", "csv|jsonl", "with a heading, or one JSON object a line", &words->format, true},
      {"--metrics", "",
       "one line a reading (run_key, experiment, arm, seed, step, name, value) in "
       "place of one a run",
       &words->metrics},
  };
  command.notes =
      "A run that serves two arms is printed for each. Missing values are empty in\n"
      "CSV and null in JSON.\n"
      "\n"
      "Example:\n"
      "  batchmark export out/ghost/results.db --format csv > runs.csv\n";
  command.run = [words] { return Export(*words); };
  return command;
}

}  // namespace batchmark
