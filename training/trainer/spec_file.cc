// Run spec files: TOML with keys at top level or under [parameters], as "bn.placement" = ..., as a
// nested table, or in the long form { value = ... }. Errors carry line and column.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include "core/base/check.h"
#include "core/base/text.h"
#include "training/trainer/run_spec.h"

namespace batchmark {
namespace {

const char* const kSweepWords[] = {"method",          "metric",  "run_cap",
                                   "early_terminate", "program", "name"};
const char* const kAxisWords[] = {"values", "min", "max", "distribution", "count"};

std::string ReadFile(const std::string& path) {
  if (std::filesystem::is_directory(path))
    throw InputError(path + ": is a folder, not a spec file");
  std::ifstream in(path, std::ios::binary);
  if (!in.is_open()) throw InputError(path + ": no such file, or not readable");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// TOML scalar -> the text that a key's parser takes.
std::string ValueText(const toml::node& node, const std::string& where) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return std::to_string(integer->get());
  if (const auto* number = node.as_floating_point()) return NumberText(number->get());
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  throw InputError(where + ": a key takes one number, text or truth value");
}

class SpecReader {
 public:
  SpecReader(RunSpec& spec, std::string path) : spec_(spec), path_(std::move(path)) {}

  void Read(const toml::table& root) {
    for (const auto& [key, node] : root) {
      const bool is_sweep_word = std::find(std::begin(kSweepWords), std::end(kSweepWords),
                                           key.str()) != std::end(kSweepWords);
      if (is_sweep_word) RefuseSweep(key.source(), "\"" + std::string(key.str()) + "\"");
      if (key.str() == "parameters" && node.is_table()) {
        for (const auto& [inner, value] : *node.as_table())
          Visit(std::string(inner.str()), inner, value);
      } else {
        Visit(std::string(key.str()), key, node);
      }
    }
  }

 private:
  std::string Where(const toml::source_region& source) const {
    return path_ + ":" + std::to_string(source.begin.line) + ":" +
           std::to_string(source.begin.column);
  }

  [[noreturn]] void RefuseSweep(const toml::source_region& source, const std::string& what) const {
    throw InputError(Where(source) + ": " + what +
                     " belongs to a sweep; a run spec has one plain value a key");
  }

  // A table is the long form of a value, an axis of a sweep, or a group of keys ([bn]).
  void Visit(const std::string& name, const toml::key& key, const toml::node& node) {
    if (node.is_array()) RefuseSweep(node.source(), "a list of values");
    const toml::table* table = node.as_table();
    if (table == nullptr) {
      Set(name, key, node);
      return;
    }
    if (table->contains("value")) {
      for (const auto& [inner, value] : *table)
        if (inner.str() != "value")
          throw InputError(Where(inner.source()) + ": \"" + std::string(inner.str()) +
                           "\" cannot stand beside \"value\" in the long form of " + name);
      Set(name, key, *table->get("value"));
      return;
    }
    if (table->empty()) throw InputError(Where(node.source()) + ": " + name + " has no value");
    for (const auto& [inner, value] : *table)
      if (std::find(std::begin(kAxisWords), std::end(kAxisWords), inner.str()) !=
          std::end(kAxisWords))
        RefuseSweep(inner.source(), "\"" + std::string(inner.str()) + "\"");
    for (const auto& [inner, value] : *table)
      Visit(name + "." + std::string(inner.str()), inner, value);
  }

  void Set(const std::string& name, const toml::key& key, const toml::node& node) {
    const auto& names = RunKeys();
    const bool known = std::any_of(names.begin(), names.end(),
                                   [&](const RunKey& row) { return row.name == name; });
    const std::string where = Where(known ? node.source() : key.source());
    const auto [first, inserted] = seen_.emplace(name, where);
    if (!inserted)
      throw InputError(where + ": " + name + " is given twice, first at " + first->second);
    const char* rival = name == "steps" ? "epochs" : name == "epochs" ? "steps" : nullptr;
    if (rival != nullptr && seen_.count(rival) != 0)
      throw InputError(where + ": give steps or epochs, not both");
    SetRunKey(spec_, name, ValueText(node, where), where);
  }

  RunSpec& spec_;
  std::string path_;
  std::map<std::string, std::string> seen_;
};

}  // namespace

void ApplySpecFile(RunSpec& spec, const std::string& path) {
  const std::string text = ReadFile(path);
  try {
    SpecReader(spec, path).Read(toml::parse(text, path));
  } catch (const toml::parse_error& error) {
    throw InputError(path + ":" + std::to_string(error.source().begin.line) + ":" +
                     std::to_string(error.source().begin.column) + ": " +
                     std::string(error.description()));
  }
}

}  // namespace batchmark
