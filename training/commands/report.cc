// batchmark report: stores and benchmark files to report.md.
#include "reports/report.h"

#include <memory>

#include "training/commands/command.h"
#include "training/commands/output.h"

namespace batchmark {
namespace {

struct ReportOptions {
  std::vector<std::string> inputs;
  std::string out;
};

}  // namespace

Command ReportCommand() {
  auto options = std::make_shared<ReportOptions>();
  Command command{"report", "Write report.md, with figures and their data, from stored results.",
                  {},       {},
                  "",       {}};
  command.options = {
      {"INPUT", "", "results stores (.db) and benchmark files (.json)", &options->inputs, true},
      {"--out", "DIR", "folder of report.md, fig/*.svg, data/*.csv and env.json", &options->out,
       true},
  };
  command.notes =
      "Example:\n"
      "  batchmark report out/seed-keras-mnist/results.db --out out/seed-keras-mnist\n";
  command.run = [options] {
    CheckStandardOutput();
    Print(WriteReport(options->inputs, options->out) + "\n");
    return 0;
  };
  return command;
}

}  // namespace batchmark
