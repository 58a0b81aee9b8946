#include "training/experiment/definition.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <toml++/toml.h>

#include "core/base/check.h"
#include "core/base/text.h"
#include "training/experiment/embedded_definitions.h"
#include "training/trainer/run_spec.h"

namespace batchmark {
namespace {

class Reader {
 public:
  explicit Reader(std::string where) : where_(std::move(where)) {}

  [[noreturn]] void Refuse(const toml::node* node, const std::string& why) const {
    std::ostringstream sentence;
    sentence << where_;
    if (node != nullptr) sentence << ":" << node->source().begin.line << ":" << node->source().begin.column;
    sentence << ": " << why;
    throw InputError(sentence.str());
  }

  // A scalar as run-key text.
  std::string Text(const toml::node& node) const {
    if (const auto* s = node.as_string()) return s->get();
    if (const auto* b = node.as_boolean()) return b->get() ? "true" : "false";
    if (const auto* i = node.as_integer()) return std::to_string(i->get());
    if (const auto* f = node.as_floating_point()) return NumberText(f->get());
    Refuse(&node, "wants a text, a number or true/false");
  }

  std::string RequiredText(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) Refuse(&table, "'" + std::string(key) + "' is missing");
    return Text(*node);
  }

  Settings ReadSettings(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) return {};
    const toml::table* values = node->as_table();
    if (values == nullptr) Refuse(node, "'" + std::string(key) + "' wants a table of run keys");
    Settings settings;
    for (const auto& [name, value] : *values) {
      const std::string run_key(name.str());
      RunSpec probe;
      try {
        SetRunKey(probe, run_key, Text(value));  // refuses unknown keys and impossible values
      } catch (const Error& error) {
        Refuse(&value, error.what());
      }
      settings.emplace_back(run_key, Text(value));
    }
    return settings;
  }

  ExperimentSize ReadSize(const toml::table& root, std::string_view key) const {
    const toml::table* table = root[key].as_table();
    if (table == nullptr) Refuse(&root, "[" + std::string(key) + "] is missing");
    ExperimentSize size;
    size.seeds = static_cast<int>((*table)["seeds"].value_or(int64_t{1}));
    size.min_seeds = static_cast<int>((*table)["min_seeds"].value_or(int64_t{1}));
    size.budget_s = (*table)["budget_s"].value_or(0.0);
    size.set = ReadSettings(*table, "set");
    if (size.seeds < 1 || size.min_seeds < 1 || size.min_seeds > size.seeds) {
      Refuse(table, "wants 1 <= min_seeds <= seeds");
    }
    return size;
  }

 private:
  std::string where_;
};

}  // namespace

Experiment ParseExperiment(const std::string& toml_text, const std::string& where) {
  const Reader reader(where);
  toml::table root;
  try {
    root = toml::parse(toml_text, where);
  } catch (const toml::parse_error& error) {
    std::ostringstream sentence;
    sentence << where << ":" << error.source().begin.line << ":" << error.source().begin.column << ": "
             << error.description();
    throw InputError(sentence.str());
  }
  Experiment e;
  e.name = reader.RequiredText(root, "name");
  e.title = reader.RequiredText(root, "title");
  e.claim = reader.RequiredText(root, "claim");
  e.source = reader.RequiredText(root, "source");
  e.base = reader.ReadSettings(root, "base");
  const auto each_table = [&](std::string_view key, auto&& visit) {
    const toml::array* list = root[key].as_array();
    if (list == nullptr) return;
    for (const toml::node& node : *list) {
      if (!node.is_table()) reader.Refuse(&node, "wants [[" + std::string(key) + "]] tables");
      visit(*node.as_table());
    }
  };
  each_table("arm", [&](const toml::table& table) {
    e.arms.push_back({reader.RequiredText(table, "name"), reader.ReadSettings(table, "set")});
  });
  if (e.arms.empty()) reader.Refuse(nullptr, "an experiment needs at least one [[arm]]");
  if (const toml::table* factors = root["factors"].as_table()) {
    for (const auto& [word, key] : *factors) e.factors.emplace_back(std::string(word.str()), reader.Text(key));
  }
  each_table("contrast", [&](const toml::table& table) {
    Contrast c{.name = reader.RequiredText(table, "name"),
               .a = reader.RequiredText(table, "a"),
               .b = reader.RequiredText(table, "b"),
               .measure = reader.RequiredText(table, "measure"),
               .test = reader.RequiredText(table, "test"),
               .direction = reader.RequiredText(table, "direction"),
               .margin = table["margin"].value_or(0.0)};
    for (const std::string& name : {c.a, c.b}) {
      const bool known = std::any_of(e.arms.begin(), e.arms.end(), [&](const Arm& arm) { return arm.name == name; });
      if (!known) reader.Refuse(&table, "contrast '" + c.name + "' names an unknown arm '" + name + "'");
    }
    e.contrasts.push_back(std::move(c));
  });
  e.full = reader.ReadSize(root, "full");
  e.quick = reader.ReadSize(root, "quick");
  return e;
}

const std::vector<Experiment>& Experiments() {
  static const std::vector<Experiment> all = [] {
    std::vector<Experiment> parsed;
    for (const EmbeddedDefinition& d : EmbeddedDefinitions()) parsed.push_back(ParseExperiment(d.text, d.file));
    std::sort(parsed.begin(), parsed.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return parsed;
  }();
  return all;
}

const Experiment& FindExperiment(const std::string& name) {
  std::vector<std::string> names;
  for (const Experiment& e : Experiments()) {
    if (e.name == name) return e;
    names.push_back(e.name);
  }
  throw InputError("there is no experiment '" + name + "'" + NearestHint(name, names) +
                   " (`batchmark experiment list` shows all)");
}

std::string DefinitionJson(const Experiment& e, bool quick, int seeds, int64_t step_cap, const std::string& target,
                           const std::string& target_metric) {
  using nlohmann::ordered_json;
  ordered_json j{{"name", e.name},     {"title", e.title},      {"claim", e.claim},       {"source", e.source},
                 {"quick", quick},     {"seeds", seeds},        {"step_cap", step_cap},   {"target", std::stod(target)},
                 {"target_metric", target_metric}};
  j["arms"] = ordered_json::array();
  for (const Arm& arm : e.arms) {
    ordered_json set = ordered_json::object();
    for (const auto& [key, value] : arm.set) set[key] = value;
    j["arms"].push_back({{"name", arm.name}, {"set", set}});
  }
  j["factors"] = ordered_json::object();
  for (const auto& [word, key] : e.factors) j["factors"][word] = key;
  j["contrasts"] = ordered_json::array();
  for (const Contrast& c : e.contrasts) {
    j["contrasts"].push_back({{"name", c.name},
                              {"a", c.a},
                              {"b", c.b},
                              {"measure", c.measure},
                              {"test", c.test},
                              {"direction", c.direction},
                              {"margin", c.margin}});
  }
  return j.dump(1);
}

}  // namespace batchmark
