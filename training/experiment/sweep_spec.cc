// A sweep as a whole: its file, the --set arguments, and what no single axis can know.
#include "training/experiment/sweep_spec.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/check.h"
#include "core/base/text.h"
#include "training/experiment/sweep_reader.h"

namespace batchmark {
namespace {

toml::table ParseToml(const std::string& text, const std::string& path) {
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    throw InputError(path + ":" + std::to_string(error.source().begin.line) + ":" +
                     std::to_string(error.source().begin.column) + ": " + std::string(error.description()));
  }
}

std::string Trimmed(std::string text) {
  const char* blanks = " \t";
  text.erase(0, std::min(text.find_first_not_of(blanks), text.size()));
  text.erase(text.find_last_not_of(blanks) + 1);
  return text;
}

// "[none, pre]" -> "['none', 'pre']": bare words in a --set list are texts.
std::string WithQuotedWords(const std::string& list) {
  std::string out = "[";
  std::istringstream items(list.substr(1, list.size() - 2));
  for (std::string item; std::getline(items, item, ',');) {
    item = Trimmed(item);
    const bool plain = item.empty() || ParseNumber(item) || item == "true" || item == "false" || item[0] == '"' ||
                       item[0] == '\'';
    out += (out.size() > 1 ? ", " : "") + (plain ? item : "'" + item + "'");
  }
  return out + "]";
}

void ApplyOverride(SweepSpec& sweep, const std::string& argument) {
  const std::string where = "--set " + argument;
  const size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0)
    throw UsageError("--set needs key=value or key=[a, b], not \"" + argument + "\"");
  const std::string name = argument.substr(0, equals), value = Trimmed(argument.substr(equals + 1));
  toml::table table;
  const bool is_list = value.size() > 1 && value.front() == '[' && value.back() == ']';
  if (is_list) {
    table = ParseToml("v = { values = " + WithQuotedWords(value) + " }", where);
  } else if (!value.empty() && value.front() == '{') {
    table = ParseToml("v = " + value, where);
  } else {
    table.insert("v", value);
  }
  std::vector<SweepAxis> read = ReadSweepParameter(name, table.begin()->first, table.begin()->second, where);
  for (SweepAxis& axis : sweep.axes) {
    if (axis.key == name) {
      axis = std::move(read.front());
      return;
    }
  }
  sweep.axes.push_back(std::move(read.front()));
}

// What no single axis can know.
void CheckWhole(const SweepSpec& sweep, const std::string& path) {
  const auto axis = [&](const char* key) {
    return std::find_if(sweep.axes.begin(), sweep.axes.end(), [&](const SweepAxis& a) { return a.key == key; });
  };
  const auto none = sweep.axes.end();
  if (axis("steps") != none && axis("epochs") != none)
    throw InputError(axis("epochs")->where + ": give steps or epochs, not both");
  if (!sweep.prune.empty() && axis("prune") != none)
    throw InputError(axis("prune")->where + ": give early_terminate or prune, not both");
  if (sweep.method == SweepSpec::Method::kGrid) {
    for (const SweepAxis& a : sweep.axes)
      if (a.kind != SweepAxis::Kind::kValues && a.count == 0)
        throw InputError(a.where + ": " + a.key + " needs a count of points on a grid");
    return;
  }
  if (sweep.run_cap == 0) throw InputError(path + ": a random or quasi sweep needs run_cap, its number of runs");
  if (axis("seed") != none && axis("seed")->kind != SweepAxis::Kind::kValues)
    throw InputError(axis("seed")->where + ": seed needs values, which every sampled point is run with");
}

}  // namespace

const std::vector<SweepMetricName>& SweepMetricNames() {
  static const std::vector<SweepMetricName> names = {
      {"steps_to_target", false, false}, {"time_to_target_s", false, true}, {"val_accuracy", true, false},
      {"test_accuracy", true, false},    {"train_loss", false, false},      {"val_loss", false, false},
      {"ms_per_step", false, true}};
  return names;
}

SweepSpec ParseSweep(const std::string& toml_text, const std::string& path, const std::vector<std::string>& overrides) {
  SweepSpec sweep = ReadSweepTable(ParseToml(toml_text, path), path);
  for (const std::string& argument : overrides) ApplyOverride(sweep, argument);
  if (sweep.name.empty()) sweep.name = std::filesystem::path(path).stem().string();
  CheckWhole(sweep, path);
  return sweep;
}

SweepSpec ReadSweepFile(const std::string& path, const std::vector<std::string>& overrides) {
  if (std::filesystem::is_directory(path)) throw InputError(path + ": is a folder, not a sweep file");
  std::ifstream in(path, std::ios::binary);
  if (!in.is_open()) throw InputError(path + ": no such file, or not readable");
  std::ostringstream text;
  text << in.rdbuf();
  return ParseSweep(text.str(), path, overrides);
}

}  // namespace batchmark
