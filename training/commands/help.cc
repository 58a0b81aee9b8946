// Help pages, wrapped at 80 columns.
#include <algorithm>
#include <sstream>

#include "training/commands/command.h"

namespace batchmark {
namespace {

constexpr size_t kWidth = 80;

bool IsWord(const Option& option) { return option.flag[0] != '-'; }
bool IsRepeated(const Option& option) {
  return std::holds_alternative<std::vector<std::string>*>(option.target);
}

std::string Label(const Option& option) {
  return option.value.empty() ? option.flag : option.flag + " " + option.value;
}

std::string InUsage(const Option& option) {
  const std::string text = Label(option) + (IsRepeated(option) && IsWord(option) ? "..." : "");
  return option.required ? text
                         : "[" + text + "]" + (IsRepeated(option) && !IsWord(option) ? "..." : "");
}

// Words after `indent` blanks; the first line follows `start`, which ends at or after column
// `indent`.
std::string Wrapped(const std::string& start, size_t indent,
                    const std::vector<std::string>& words) {
  std::string text = start;
  size_t column = start.size();
  if (column > indent) {
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
    column = 0;
  }
  text.append(indent - column, ' ');
  column = indent;
  for (const std::string& word : words) {
    if (column > indent && column + 1 + word.size() > kWidth) {
      text += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      text += " ";
      ++column;
    }
    text += word;
    column += word.size();
  }
  return text + "\n";
}

std::vector<std::string> Words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::string Usage(const std::string& path, const Command& command) {
  std::vector<std::string> words;
  if (!command.subcommands.empty()) {
    std::string names;
    for (const Command& sub : command.subcommands) names += (names.empty() ? "" : "|") + sub.name;
    if (command.subcommands.size() > 4) names = "COMMAND";
    words.push_back(command.run ? "[" + names + "]" : names);
    words.push_back("...");
  }
  for (const Option& option : command.options) words.push_back(InUsage(option));
  if (command.rest.target != nullptr) words.push_back("[-- FLAGS...]");
  const std::string start = "usage: " + path + (words.empty() ? "" : " ");
  return Wrapped(start, start.size(), words);
}

}  // namespace

std::string WrapText(const std::string& start, size_t indent, const std::string& text) {
  return Wrapped(start, indent, Words(text));
}

std::string HelpText(const std::string& path, const Command& command) {
  std::string text = Usage(path, command) + "\n" + WrapText("", 0, command.summary);
  size_t width = 0;
  for (const Command& sub : command.subcommands) width = std::max(width, sub.name.size());
  for (const Option& option : command.options) width = std::max(width, Label(option).size());
  if (command.rest.target != nullptr) width = std::max<size_t>(width, 5);
  const size_t indent = std::min<size_t>(width, 24) + 4;
  if (!command.subcommands.empty()) text += "\n";
  for (const Command& sub : command.subcommands)
    text += WrapText("  " + sub.name + "  ", indent, sub.summary);
  if (!command.options.empty()) text += "\n";
  for (const Option& option : command.options)
    text += WrapText("  " + Label(option) + "  ", indent, option.help);
  if (command.rest.target != nullptr) text += WrapText("  FLAGS  ", indent, command.rest.help);
  if (!command.notes.empty()) text += "\n" + command.notes;
  return text;
}

}  // namespace batchmark
