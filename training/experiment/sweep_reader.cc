// Reading a sweep's TOML tables. What the axes mean is sweep_points.cc; files and --set are sweep_spec.cc.
#include "training/experiment/sweep_reader.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/text.h"
#include "training/trainer/run_spec.h"

namespace batchmark {
namespace {

using Words = std::vector<std::string>;

const Words& SweepWords() {
  static const Words words = {"name",    "description", "method",          "metric",
                              "run_cap", "seed",        "early_terminate", "parameters"};
  return words;
}
const Words& AxisWords() {
  static const Words words = {"value", "values", "min", "max", "distribution", "count"};
  return words;
}
const Words& Distributions() {
  static const Words words = {"uniform",     "log_uniform", "log_uniform_values",
                              "int_uniform", "categorical", "constant"};
  return words;
}

bool Contains(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

const RunKey* FindKey(const std::string& name) {
  for (const RunKey& key : RunKeys())
    if (key.name == name) return &key;
  return nullptr;
}

// The table's entries in the order of the document; toml++ keeps them by name.
std::vector<std::pair<const toml::key*, const toml::node*>> InOrder(const toml::table& table) {
  std::vector<std::pair<const toml::key*, const toml::node*>> entries;
  for (const auto& [key, node] : table) entries.emplace_back(&key, &node);
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    const auto at = [](const auto& e) {
      const toml::source_position& p = e.first->source().begin;
      return std::pair(p.line, p.column);
    };
    return at(a) < at(b);
  });
  return entries;
}

// The canonical text of a value, as the run key writes it ("1e-2" -> "0.01"). Throws Error.
std::string Canonical(const std::string& key, const std::string& text, const std::string& where) {
  RunSpec probe;
  SetRunKey(probe, key, text, where);
  return FindKey(key)->get(probe);
}

bool Accepts(const std::string& key, const std::string& text) {
  try {
    RunSpec probe;
    SetRunKey(probe, key, text);
    return true;
  } catch (const Error&) {
    return false;
  }
}

class SweepReader {
 public:
  // fixed_where: what messages name instead of line and column (a --set argument).
  SweepReader(std::string path, std::string fixed_where)
      : path_(std::move(path)), fixed_where_(std::move(fixed_where)) {}

  SweepSpec Read(const toml::table& root) {
    SweepSpec sweep;
    for (const auto& [key, node] : InOrder(root)) {
      const std::string name(key->str());
      if (!Contains(SweepWords(), name)) {
        const std::string why = FindKey(name) != nullptr ? "; run keys belong under [parameters]"
                                                         : NearestHint(name, SweepWords());
        Refuse(key->source(), "unknown key \"" + name + "\"" + why);
      }
      ReadWord(sweep, name, *node);
    }
    if (!root.contains("method")) Refuse(root.source(), "\"method\" is missing: grid, random or quasi");
    if (!root.contains("parameters")) Refuse(root.source(), "[parameters] is missing");
    return sweep;
  }

  // One parameter, or a table of parameters whose names begin with `name`.
  void ReadParameter(std::vector<SweepAxis>& axes, const std::string& name, const toml::key& key,
                     const toml::node& node) const {
    const toml::table* table = node.as_table();
    const bool is_key = FindKey(name) != nullptr;
    const bool is_group = !is_key && std::any_of(RunKeys().begin(), RunKeys().end(), [&](const RunKey& row) {
      return row.name.rfind(name + ".", 0) == 0;
    });
    if (is_group && table != nullptr && !table->empty()) {
      for (const auto& [inner, value] : InOrder(*table))
        ReadParameter(axes, name + "." + std::string(inner->str()), *inner, *value);
      return;
    }
    if (!is_key) {
      Words names;
      for (const RunKey& row : RunKeys()) names.push_back(row.name);
      Refuse(key.source(), "unknown key \"" + name + "\"" + NearestHint(name, names));
    }
    SweepAxis axis = table != nullptr ? ReadAxis(name, *table) : Fixed(name, node);
    axis.key = name;
    axis.where = Where(table != nullptr ? key.source() : node.source());
    for (const SweepAxis& other : axes)
      if (other.key == name) Refuse(key.source(), name + " is given twice, first at " + other.where);
    axes.push_back(std::move(axis));
  }

  [[noreturn]] void Refuse(const toml::source_region& source, const std::string& why) const {
    throw InputError(Where(source) + ": " + why);
  }

 private:
  std::string Where(const toml::source_region& source) const {
    if (!fixed_where_.empty()) return fixed_where_;
    if (!source.begin) return path_;
    return path_ + ":" + std::to_string(source.begin.line) + ":" + std::to_string(source.begin.column);
  }

  void ReadWord(SweepSpec& sweep, const std::string& name, const toml::node& node) const {
    if (name == "name") sweep.name = Text(node, name);
    if (name == "description") sweep.description = Text(node, name);
    if (name == "method") sweep.method = ReadMethod(node);
    if (name == "metric") sweep.metric = ReadMetric(node);
    if (name == "run_cap") sweep.run_cap = Whole(node, name, 1);
    if (name == "seed") sweep.seed = static_cast<uint64_t>(Whole(node, name, 0));
    if (name == "early_terminate") sweep.prune = ReadEarlyTerminate(node);
    if (name == "parameters") {
      for (const auto& [key, value] : InOrder(Table(node, name)))
        ReadParameter(sweep.axes, std::string(key->str()), *key, *value);
      if (sweep.axes.empty()) Refuse(node.source(), "[parameters] is empty: there is nothing to run");
    }
  }

  SweepSpec::Method ReadMethod(const toml::node& node) const {
    const std::string text = Text(node, "method");
    if (text == "grid") return SweepSpec::Method::kGrid;
    if (text == "random") return SweepSpec::Method::kRandom;
    if (text == "quasi") return SweepSpec::Method::kQuasi;
    if (text == "bayes")
      Refuse(node.source(), "method bayes is not offered: each run would depend on those before it");
    Refuse(node.source(), "method must be grid, random or quasi, not \"" + text + "\"" +
                              NearestHint(text, {"grid", "random", "quasi"}));
  }

  SweepMetric ReadMetric(const toml::node& node) const {
    const toml::table& table = Table(node, "metric");
    CheckWords(table, {"name", "goal"}, "metric");
    const std::string name = Text(Need(table, "name", "metric"), "metric.name");
    Words names;
    SweepMetric metric;
    for (const SweepMetricName& known : SweepMetricNames()) {
      names.push_back(known.name);
      if (name == known.name) metric = {name, known.more_is_better};
    }
    if (metric.name.empty()) {
      Refuse(table.get("name")->source(), "metric.name must be " + OrList(names) + ", not \"" + name + "\"" +
                                              NearestHint(name, names));
    }
    if (const toml::node* goal = table.get("goal")) {
      const std::string text = Text(*goal, "metric.goal");
      if (text != "minimize" && text != "maximize")
        Refuse(goal->source(), "metric.goal must be minimize or maximize, not \"" + text + "\"");
      metric.maximize = text == "maximize";
    }
    return metric;
  }

  std::string ReadEarlyTerminate(const toml::node& node) const {
    const toml::table& table = Table(node, "early_terminate");
    const toml::node& type = Need(table, "type", "early_terminate");
    const std::string text = Text(type, "early_terminate.type");
    if (text != "floor") {
      Refuse(type.source(), "early_terminate.type must be floor, not \"" + text +
                                "\": a rule that compares runs would make a run depend on those before it");
    }
    CheckWords(table, {"type", "step", "min"}, "early_terminate");
    const toml::node& min = Need(table, "min", "early_terminate");
    const std::string rule = "floor:" + std::to_string(Whole(Need(table, "step", "early_terminate"), "step", 1)) +
                             ":" + NumberText(Number(min, "early_terminate.min"));
    return Canonical("prune", rule, Where(min.source()));
  }

  SweepAxis Fixed(const std::string& name, const toml::node& node) const {
    if (node.is_array())
      Refuse(node.source(), "a list of values is written { values = [...] }");
    SweepAxis axis;
    axis.values = {Canonical(name, ScalarText(node), Where(node.source()))};
    return axis;
  }

  SweepAxis ReadAxis(const std::string& name, const toml::table& table) const {
    CheckWords(table, AxisWords(), name);
    if (const toml::node* value = table.get("value")) {
      if (table.size() > 1 && !(table.size() == 2 && table.contains("distribution")))
        Refuse(table.source(), name + ": \"value\" fixes the key and stands alone");
      return Fixed(name, *value);
    }
    const std::string distribution = ReadDistribution(name, table);
    if (table.contains("values")) {
      if (table.contains("min") || table.contains("max") || table.contains("count"))
        Refuse(table.source(), name + ": give values, or min and max, not both");
      if (!distribution.empty() && distribution != "categorical")
        Refuse(table.get("distribution")->source(), name + ": a list of values is categorical, not " + distribution);
      return ReadValues(name, *table.get("values"));
    }
    if (!table.contains("min") || !table.contains("max"))
      Refuse(table.source(), name + " needs value, values, or min and max");
    return ReadRange(name, table, distribution);
  }

  SweepAxis ReadValues(const std::string& name, const toml::node& node) const {
    const toml::array* list = node.as_array();
    if (list == nullptr) Refuse(node.source(), name + ".values must be a list");
    if (list->empty()) Refuse(node.source(), name + ".values is empty: the grid would hold no run");
    SweepAxis axis;
    for (const toml::node& item : *list) {
      const std::string text = Canonical(name, ScalarText(item), Where(item.source()));
      if (Contains(axis.values, text)) Refuse(item.source(), name + ".values holds " + text + " twice");
      axis.values.push_back(text);
    }
    return axis;
  }

  SweepAxis ReadRange(const std::string& name, const toml::table& table, const std::string& given) const {
    const toml::node &min = *table.get("min"), &max = *table.get("max");
    if (FindKey(name)->type != RunKey::Type::kNumber)
      Refuse(min.source(), name + " is no number: list its values");
    const bool whole = min.is_integer() && max.is_integer();
    const std::string distribution = !given.empty() ? given : whole ? "int_uniform" : "uniform";
    if (distribution == "categorical" || distribution == "constant")
      Refuse(table.get("distribution")->source(), name + ": " + distribution + " needs values, not min and max");
    SweepAxis axis;
    axis.min = Number(min, name + ".min");
    axis.max = Number(max, name + ".max");
    const bool log = distribution != "uniform" && distribution != "int_uniform";
    axis.kind = log ? SweepAxis::Kind::kLogUniform : SweepAxis::Kind::kUniform;
    if (axis.min > axis.max) {
      Refuse(min.source(), name + ": min " + NumberText(axis.min) + " is above max " + NumberText(axis.max));
    }
    if (log && axis.min <= 0.0)
      Refuse(min.source(), name + ": a log_uniform range needs min above 0, not " + NumberText(axis.min));
    Canonical(name, ScalarText(min), Where(min.source()));  // both ends must be values of the key
    Canonical(name, ScalarText(max), Where(max.source()));
    if (distribution == "int_uniform" && !whole && (axis.min != static_cast<double>(static_cast<int64_t>(axis.min)) ||
                                                    axis.max != static_cast<double>(static_cast<int64_t>(axis.max))))
      Refuse(min.source(), name + ": int_uniform needs whole numbers");
    // A key that takes 3 and 4 but not the value between them takes whole numbers only.
    axis.integer = distribution == "int_uniform" ||
                   (whole && axis.max > axis.min && !Accepts(name, NumberText(axis.min + 0.5)));
    if (const toml::node* count = table.get("count")) axis.count = Whole(*count, name + ".count", 1);
    return axis;
  }

  std::string ReadDistribution(const std::string& name, const toml::table& table) const {
    const toml::node* node = table.get("distribution");
    if (node == nullptr) return "";
    const std::string text = Text(*node, name + ".distribution");
    if (!Contains(Distributions(), text)) {
      Refuse(node->source(), name + ".distribution must be uniform, log_uniform, int_uniform or categorical, not \"" +
                                 text + "\"" + NearestHint(text, Distributions()));
    }
    return text;
  }

  const toml::table& Table(const toml::node& node, const std::string& name) const {
    if (!node.is_table()) Refuse(node.source(), name + " must be a table");
    return *node.as_table();
  }

  const toml::node& Need(const toml::table& table, const char* word, const std::string& in) const {
    if (!table.contains(word)) Refuse(table.source(), in + " needs \"" + word + "\"");
    return *table.get(word);
  }

  void CheckWords(const toml::table& table, const Words& words, const std::string& in) const {
    if (table.empty()) Refuse(table.source(), in + " is an empty table");
    for (const auto& [key, node] : InOrder(table))
      if (!Contains(words, key->str())) {
        const std::string name(key->str());
        Refuse(key->source(), "unknown word \"" + name + "\" in " + in + NearestHint(name, words));
      }
  }

  std::string Text(const toml::node& node, const std::string& name) const {
    if (!node.is_string()) Refuse(node.source(), name + " must be a text");
    return node.as_string()->get();
  }

  int64_t Whole(const toml::node& node, const std::string& name, int64_t low) const {
    if (!node.is_integer() || node.as_integer()->get() < low)
      Refuse(node.source(), name + " must be a whole number of at least " + std::to_string(low));
    return node.as_integer()->get();
  }

  double Number(const toml::node& node, const std::string& name) const {
    if (const auto* integer = node.as_integer()) return static_cast<double>(integer->get());
    if (const auto* number = node.as_floating_point())
      if (ParseNumber(NumberText(number->get()))) return number->get();
    Refuse(node.source(), name + " must be a finite number");
  }

  std::string ScalarText(const toml::node& node) const {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* integer = node.as_integer()) return std::to_string(integer->get());
    if (const auto* number = node.as_floating_point()) return NumberText(number->get());
    if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
    Refuse(node.source(), "wants one number, text or truth value");
  }

  std::string path_, fixed_where_;
};

}  // namespace

SweepSpec ReadSweepTable(const toml::table& root, const std::string& path) { return SweepReader(path, "").Read(root); }

std::vector<SweepAxis> ReadSweepParameter(const std::string& name, const toml::key& key, const toml::node& node,
                                          const std::string& where) {
  std::vector<SweepAxis> axes;
  SweepReader(where, where).ReadParameter(axes, name, key, node);
  return axes;
}

}  // namespace batchmark
