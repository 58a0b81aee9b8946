// The one program: a table of commands, and the one place where an error becomes a sentence and an
// exit code.
#include <cstdio>
#include <exception>
#include <memory>
#include <new>

#include "core/base/check.h"
#include "core/base/cpu.h"
#include "core/simd/backend.h"
#include "training/commands/command.h"
#include "training/commands/output.h"

namespace batchmark {
namespace {

Command Program() {
  auto version = std::make_shared<bool>(false);
  Command program{
      "batchmark", "What does batch normalization buy, in steps and in seconds?", {}, {}, "", {}};
  program.options = {
      {"--version", "", "version, revision, compiler, SIMD targets, scheduler", version.get()}};
  program.subcommands = {
      TrainCommand(),   SweepCommand(), ExperimentCommand(), BenchCommand(), ReportCommand(),
      CompareCommand(), MergeCommand(), ExportCommand(),     DataCommand(),  DoctorCommand(),
  };
  program.notes =
      "Each command explains itself: batchmark COMMAND --help\n"
      "Exit codes: 0 ok, 1 a check failed, 2 usage, 3 bad input, 4 I/O,\n"
      "            130 and 143 stopped by a signal, results kept.\n";
  program.run = [version] {
    if (!*version) throw UsageError("a command is needed; see batchmark --help");
    Print(VersionText());
    return 0;
  };
  return program;
}

int Main(int argc, char** argv) {
  PrepareStandardStreams();
  SetFlushDenormals();  // before the first scheduler call, so that all workers inherit it
  try {
    ForceBackendFromEnvironment();
    return RunCommandLine(Program(), argc, argv);
  } catch (const Error& error) {
    PrintNote(error.what());
    return static_cast<int>(error.code());
  } catch (const std::bad_alloc&) {
    PrintNote("not enough memory for this run; try a smaller batch or net");
    return static_cast<int>(ExitCode::kIo);
  } catch (const std::exception& error) {
    PrintNote(error.what());
    return static_cast<int>(ExitCode::kCheckFailed);
  }
}

}  // namespace
}  // namespace batchmark

int main(int argc, char** argv) { return batchmark::Main(argc, argv); }
