#include "training/experiment/definition.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <toml++/toml.h>

#include "core/base/check.h"
#include "core/base/text.h"
#include "training/experiment/embedded_definitions.h"
#include "training/experiment/judge.h"
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

  // Refuses unknown keys and impossible values.
  Settings Checked(Settings settings, const toml::node& node) const {
    RunSpec probe;
    try {
      for (const auto& [key, value] : settings) SetRunKey(probe, key, value);
    } catch (const Error& error) {
      Refuse(&node, error.what());
    }
    return settings;
  }

  Settings ReadTable(const toml::node& node, std::string_view key) const {
    const toml::table* values = node.as_table();
    if (values == nullptr) Refuse(&node, "'" + std::string(key) + "' wants a table of run keys");
    Settings settings;
    for (const auto& [name, value] : *values) {
      settings.push_back(Checked({{std::string(name.str()), Text(value)}}, value).front());
    }
    return settings;
  }

  Settings ReadSettings(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    return node == nullptr ? Settings() : ReadTable(*node, key);
  }

  // Tables of an array of tables, in order.
  std::vector<const toml::table*> Tables(const toml::table& root, std::string_view key) const {
    std::vector<const toml::table*> tables;
    const toml::node* node = root.get(key);
    if (node == nullptr) return tables;
    if (!node->is_array()) Refuse(node, "wants [[" + std::string(key) + "]] tables");
    for (const toml::node& item : *node->as_array()) {
      if (!item.is_table()) Refuse(&item, "wants [[" + std::string(key) + "]] tables");
      tables.push_back(item.as_table());
    }
    return tables;
  }

  std::vector<std::string> Texts(const toml::table& table, std::string_view key) const {
    std::vector<std::string> texts;
    const toml::array* list = table[key].as_array();
    if (list == nullptr) return texts;
    for (const toml::node& item : *list) texts.push_back(Text(item));
    return texts;
  }

  // Every arm of `arms`, crossed with the axis.
  std::vector<Arm> Cross(const std::vector<Arm>& arms, const toml::table& axis) const {
    const std::vector<std::string> names = Texts(axis, "names");
    std::vector<Settings> sets;
    if (const toml::array* list = axis["sets"].as_array()) {
      for (const toml::node& item : *list) sets.push_back(ReadTable(item, "sets"));
    } else {
      const std::string key = RequiredText(axis, "key");
      for (const std::string& value : Texts(axis, "values")) sets.push_back(Checked({{key, value}}, axis));
    }
    if (sets.empty() || names.size() != sets.size()) Refuse(&axis, "an axis wants as many names as values or sets");
    std::vector<Arm> crossed;
    for (const Arm& arm : arms) {
      for (size_t i = 0; i < sets.size(); ++i) {
        crossed.push_back(arm);
        Arm& made = crossed.back();
        made.name += (made.name.empty() || names[i].empty() ? "" : ", ") + names[i];
        made.set.insert(made.set.end(), sets[i].begin(), sets[i].end());
      }
    }
    return crossed;
  }

  Contrast ReadContrast(const toml::table& table, bool with_arms) const {
    Contrast c{.name = with_arms ? RequiredText(table, "name") : "A/A",
               .measure = RequiredText(table, "measure"),
               .test = RequiredText(table, "test"),
               .direction = RequiredText(table, "direction"),
               .role = table["role"].value_or(std::string()),
               .margin = table["margin"].value_or(0.0),
               .min_effect = table["min_effect"].value_or(0.0),
               .assumed_effect = table["assumed_effect"].value_or(0.0),
               .assumed_sd = table["assumed_sd"].value_or(0.0),
               .n_min = static_cast<int>(table["n_min"].value_or(int64_t{0}))};
    c.arms = Texts(table, "arms");
    if (!with_arms) {
      c.a = "first half", c.b = "second half";
    } else if (c.arms.empty()) {
      c.a = RequiredText(table, "a"), c.b = table["b"].value_or(std::string());
    }
    return c;
  }

  Procedure ReadProcedure(const toml::table& table) const {
    Procedure p{.key = RequiredText(table, "key"),
                .min = table["min"].value_or(0.0),
                .max = table["max"].value_or(0.0),
                .count = static_cast<int>(table["count"].value_or(int64_t{0})),
                .bisections = static_cast<int>(table["bisections"].value_or(int64_t{0})),
                .metric = table["metric"].value_or(std::string()),
                .seeds = static_cast<int>(table["seeds"].value_or(int64_t{1})),
                .arms = Texts(table, "arms")};
    const std::string kind = RequiredText(table, "kind");
    if (kind != "bracket" && kind != "tune") Refuse(table.get("kind"), "kind must be bracket or tune");
    p.kind = kind == "tune" ? Procedure::Kind::kTune : Procedure::Kind::kBracket;
    if (!(p.min > 0.0 && p.max > p.min) || p.count < 2) Refuse(&table, "wants 0 < min < max and a count of 2 or more");
    if (kind == "tune" && (p.metric.empty() || p.seeds < 1)) Refuse(&table, "tune wants a metric and seeds");
    Checked({{p.key, NumberText(p.min)}, {p.key, NumberText(p.max)}}, table);
    return p;
  }

  ExperimentSize ReadSize(const toml::table& root, std::string_view key) const {
    const toml::table* table = root[key].as_table();
    if (table == nullptr) Refuse(&root, "[" + std::string(key) + "] is missing");
    ExperimentSize size;
    size.seeds = static_cast<int>((*table)["seeds"].value_or(int64_t{1}));
    size.min_seeds = static_cast<int>((*table)["min_seeds"].value_or(int64_t{1}));
    size.min_steps = (*table)["min_steps"].value_or(int64_t{0});
    size.budget_s = (*table)["budget_s"].value_or(0.0);
    size.set = ReadSettings(*table, "set");
    size.without = Texts(*table, "without");
    if (size.seeds < 1 || size.min_seeds < 1 || size.min_seeds > size.seeds) {
      Refuse(table, "wants 1 <= min_seeds <= seeds");
    }
    return size;
  }

 private:
  std::string where_;
};

// A procedure's families are compared as "arm*".
bool IsArmOf(const std::string& arm, const std::string& compared) { return compared == arm || compared == arm + "*"; }

// Every name that a form leaves out is there to be left out.
void CheckForms(const Experiment& e, const Reader& reader, const toml::table& root) {
  for (const char* form : {"full", "cheap", "quick"}) {
    for (const std::string& name : e.Size(form).without) {
      const auto named = [&](const auto& x) { return x.name == name; };
      if (std::none_of(e.arms.begin(), e.arms.end(), named) &&
          std::none_of(e.contrasts.begin(), e.contrasts.end(), named)) {
        reader.Refuse(root.get(form), "without: there is no arm or contrast '" + name + "'");
      }
    }
  }
}

// The contrasts' words are the verdict's.
void CheckClaims(const Experiment& e, const std::string& where) {
  try {
    ClaimsOf(e);
  } catch (const Error& error) {
    throw InputError(where + ": " + error.what());
  }
}

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
  for (const toml::table* table : reader.Tables(root, "arm"))
    e.arms.push_back({reader.RequiredText(*table, "name"), reader.ReadSettings(*table, "set")});
  std::vector<Arm> crossed = {{}};
  const auto axes = reader.Tables(root, "axis");
  for (const toml::table* axis : axes) crossed = reader.Cross(crossed, *axis);
  if (!axes.empty()) e.arms.insert(e.arms.end(), crossed.begin(), crossed.end());
  if (e.arms.empty()) reader.Refuse(nullptr, "an experiment needs at least one [[arm]] or [[axis]]");
  std::set<std::string> names;
  for (const Arm& arm : e.arms)
    if (!names.insert(arm.name).second) reader.Refuse(nullptr, "two arms are named '" + arm.name + "'");
  if (const toml::table* factors = root["factors"].as_table()) {
    for (const auto& [word, key] : *factors) e.factors.emplace_back(std::string(word.str()), reader.Text(key));
  }
  for (const toml::table* table : reader.Tables(root, "contrast"))
    e.contrasts.push_back(reader.ReadContrast(*table, /*with_arms=*/true));
  if (const toml::table* table = root["procedure"].as_table()) {
    e.procedure = reader.ReadProcedure(*table);
    for (const std::string& arm : e.procedure->arms)
      if (!names.count(arm)) reader.Refuse(table, "there is no arm '" + arm + "'");
  }
  if (const toml::table* table = root["calibration"].as_table()) {
    e.calibration = CalibrationPlan{.arm = reader.RequiredText(*table, "arm"),
                                    .seeds = static_cast<int>((*table)["seeds"].value_or(int64_t{40})),
                                    .contrast = reader.ReadContrast(*table, /*with_arms=*/false)};
    if (!names.count(e.calibration->arm)) reader.Refuse(table, "there is no arm '" + e.calibration->arm + "'");
  }
  e.full = reader.ReadSize(root, "full");
  e.quick = reader.ReadSize(root, "quick");
  if (root.contains("cheap")) e.cheap = reader.ReadSize(root, "cheap");
  CheckForms(e, reader, root);
  CheckClaims(e, where);
  return e;
}

Experiment InForm(const Experiment& experiment, const std::string& form) {
  Experiment e = experiment;
  for (const std::string& name : e.Size(form).without) {
    std::erase_if(e.arms, [&](const Arm& arm) { return arm.name == name; });
    std::erase_if(e.contrasts, [&](const Contrast& c) {
      const auto named = [&](const std::string& compared) { return IsArmOf(name, compared); };
      return c.name == name || named(c.a) || named(c.b) || std::any_of(c.arms.begin(), c.arms.end(), named);
    });
    if (e.procedure) std::erase(e.procedure->arms, name);
  }
  return e;
}

std::string SettingsText(const Settings& settings) {
  std::string text;
  for (const auto& [key, value] : settings) text += (text.empty() ? "" : " ") + key + "=" + value;
  return text;
}

std::string SizeSettingsText(const ExperimentSize& size) {
  std::string text = SettingsText(size.set);
  for (size_t i = 0; i < size.without.size(); ++i) text += (i == 0 ? "; without: " : ", ") + size.without[i];
  return text;
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

}  // namespace batchmark
