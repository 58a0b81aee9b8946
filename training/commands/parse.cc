// From argv to a command, by CLI11; the only file that includes it. Its exit codes become ours, and
// its complaints one sentence with the nearest name.
#include <CLI/CLI.hpp>

#include "core/base/check.h"
#include "core/base/text.h"
#include "training/commands/command.h"
#include "training/commands/output.h"

namespace batchmark {
namespace {

struct Parsed {
  const Command* command;
  std::string path;
  CLI::App* app;
};

void AddOption(CLI::App& app, const Option& option) {
  CLI::Option* added = nullptr;
  if (auto* flag = std::get_if<bool*>(&option.target)) {
    added = app.add_flag(option.flag, **flag);
  } else if (auto* text = std::get_if<std::string*>(&option.target)) {
    added = app.add_option(option.flag, **text);
  } else {
    auto& list = *std::get<std::vector<std::string>*>(option.target);
    added = app.add_option(option.flag, list);
    if (option.flag[0] == '-')
      added->allow_extra_args(false);  // --set a=1 --set b=2, one value each
  }
  (void)added;
}

// Help, unknown words and missing ones are judged after the parse, where the sentence can name the
// nearest.
void AddCommand(CLI::App& app, const Command& command) {
  app.set_help_flag("");
  app.add_flag("-h,--help");
  app.allow_extras(true);
  app.require_subcommand(0, 1);
  for (const Option& option : command.options) AddOption(app, option);
  for (const Command& sub : command.subcommands) AddCommand(*app.add_subcommand(sub.name), sub);
}

Parsed Chosen(CLI::App& app, const Command& program) {
  Parsed parsed{&program, program.name, &app};
  for (bool deeper = true; deeper;) {
    deeper = false;
    for (const Command& sub : parsed.command->subcommands) {
      CLI::App* sub_app = parsed.app->get_subcommand(sub.name);
      if (!sub_app->parsed()) continue;
      parsed = {&sub, parsed.path + " " + sub.name, sub_app};
      deeper = true;
      break;
    }
  }
  return parsed;
}

[[noreturn]] void RefuseWord(const Parsed& parsed, const std::string& word) {
  std::vector<std::string> names;
  const bool is_flag = word.size() > 1 && word[0] == '-';
  for (const Option& option : parsed.command->options)
    if (is_flag && option.flag[0] == '-') names.push_back(option.flag);
  for (const Command& sub : parsed.command->subcommands)
    if (!is_flag) names.push_back(sub.name);
  const std::string what = is_flag                               ? "unknown option "
                           : parsed.command->subcommands.empty() ? "unexpected word "
                                                                 : "unknown command ";
  std::string hint = NearestHint(word, names);
  if (is_flag && hint.empty() && parsed.command->rest.target != nullptr)
    hint = "; " + parsed.command->rest.help + ": " + parsed.path + " ... -- " + word;
  throw UsageError(what + word + (hint.empty() ? "; see " + parsed.path + " --help" : hint));
}

void CheckComplete(const Parsed& parsed) {
  const std::vector<std::string> extras = parsed.app->remaining();
  if (!extras.empty()) RefuseWord(parsed, extras.front());
  if (!parsed.command->run)
    throw UsageError(parsed.path + " needs a command; see " + parsed.path + " --help");
  for (const Option& option : parsed.command->options) {
    if (!option.required) continue;
    const std::string name = option.flag[0] == '-' ? option.flag : option.flag;
    if (parsed.app->count(name) == 0)
      throw UsageError(parsed.path + " needs " + option.flag +
                       (option.value.empty() ? "" : " " + option.value) + "; see " + parsed.path +
                       " --help");
  }
}

// Takes "--" and the words after it off the line of a command that hands them on; the new argc.
int TakeRest(const Command& program, int argc, char** argv) {
  for (const Command& command : program.subcommands) {
    if (argc < 2 || command.name != argv[1] || command.rest.target == nullptr) continue;
    for (int i = 2; i < argc; ++i) {
      if (std::string_view(argv[i]) != "--") continue;
      command.rest.target->assign(argv + i + 1, argv + argc);
      return i;
    }
  }
  return argc;
}

}  // namespace

int RunCommandLine(const Command& program, int argc, char** argv) {
  argc = TakeRest(program, argc, argv);
  CLI::App app;
  AddCommand(app, program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch& error) {
    throw UsageError(std::string(error.what()) + "; see " + Chosen(app, program).path + " --help");
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  const Parsed parsed = Chosen(app, program);
  if (parsed.app->count("--help") > 0) {
    Print(HelpText(parsed.path, *parsed.command));
    return 0;
  }
  // A word that a parent did not know ("batchmark trian --json") is the first thing to say.
  if (parsed.app != &app && !app.remaining(false).empty())
    RefuseWord({&program, program.name, &app}, app.remaining(false).front());
  CheckComplete(parsed);
  return parsed.command->run();
}

}  // namespace batchmark
