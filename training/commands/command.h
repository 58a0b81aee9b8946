// What a command is to the parser and the help: data, so that one file alone needs the parser
// library. To add a command: one file here that returns a Command, one line in main.cc.
#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace batchmark {

struct Option {
  using Target = std::variant<bool*, std::string*, std::vector<std::string>*>;

  std::string flag;   // "--spec", or "NAME" for a word without a flag
  std::string value;  // "FILE" in the help; empty for switches and words
  std::string help;
  Target target;  // a vector: may be repeated
  bool required = false;
};

// Words after "--", for a command that hands them on.
struct RestOfLine {
  std::string help;
  std::vector<std::string>* target = nullptr;  // null: the command takes none
};

struct Command {
  std::string name;     // "experiment"; of a subcommand "run"
  std::string summary;  // one line
  std::vector<Option> options;
  std::vector<Command> subcommands;
  std::string notes;         // examples and tables below the options, printed as they are
  std::function<int()> run;  // exit code; throws Error. Empty: a subcommand is needed
  RestOfLine rest = {};
};

// Parses and runs; returns the exit code. Usage errors are thrown as Error(kUsage).
int RunCommandLine(const Command& program, int argc, char** argv);

// The help of one command, at most 80 columns wide. `path`: "batchmark experiment run".
std::string HelpText(const std::string& path, const Command& command);

// `start`, then the words of `text` from column `indent` on, wrapped at 80 columns; ends with a
// newline.
std::string WrapText(const std::string& start, size_t indent, const std::string& text);

Command TrainCommand();
Command SweepCommand();
Command ExperimentCommand();
Command ReportCommand();
Command CompareCommand();
Command MergeCommand();
Command ExportCommand();
Command BenchCommand();
Command DataCommand();
Command DoctorCommand();
std::string VersionText();

}  // namespace batchmark
