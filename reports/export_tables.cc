// All runs as three small tables: what is the same everywhere, in an arm, and in none.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <type_traits>
#include <utility>

#include "reports/export.h"
#include "reports/format.h"
#include "reports/run_columns.h"

namespace batchmark {
namespace {

constexpr size_t kHashDigits = 16;

std::string Text(const std::string& value) { return report::CsvField(value); }
std::string Text(double value) {
  if (!std::isfinite(value)) return report::Exact(value);
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}
template <typename T>
std::string Text(const T& value) {
  if constexpr (std::is_integral_v<T>)
    return std::to_string(value);
  else
    return value ? Text(*value) : "";
}

struct Column {
  std::string name;
  std::vector<std::string> cells;  // of every run
};

std::vector<Column> ColumnsOf(const std::vector<RunRecord>& runs) {
  std::set<std::string> spec_keys;
  for (const RunRecord& run : runs) {
    for (const auto& [key, value] : run.spec) spec_keys.insert(key);
  }
  std::vector<Column> columns = {{"key", {}}};
  for (const RunRecord& run : runs) columns[0].cells.push_back(run.key.substr(0, kHashDigits));
  for (const RunColumn& field : RunColumns()) {
    Column column{field.name, {}};
    for (const RunRecord& run : runs) {
      column.cells.push_back(
          std::visit([&](auto member) { return Text(run.*member); }, field.field));
      if (column.name == "state_hash")
        column.cells.back().resize(std::min(kHashDigits, run.state_hash.size()));
    }
    columns.push_back(std::move(column));
  }
  for (const std::string& key : spec_keys) {
    Column column{SpecColumnName(key), {}};
    for (const RunRecord& run : runs) {
      const auto found = run.spec.find(key);
      column.cells.push_back(found == run.spec.end() ? "" : report::CsvField(found->second));
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace

RunTables ExportRunTables(const std::vector<RunRecord>& runs) {
  std::map<std::string, size_t> arms;  // "experiment,arm": its first run
  std::vector<std::string> arm_of;
  for (size_t i = 0; i < runs.size(); ++i) {
    arm_of.push_back(report::CsvField(runs[i].experiment) + "," + report::CsvField(runs[i].arm));
    arms.emplace(arm_of.back(), i);
  }
  RunTables tables{"experiment,arm", "experiment,arm", "name,value\n"};
  std::vector<Column> of_runs, of_arms;
  for (Column& column : ColumnsOf(runs)) {
    const auto& cells = column.cells;
    const bool identity = column.name == "key" || column.name == "seed";
    const auto same = [&](auto first_of) {
      for (size_t i = 0; i < cells.size(); ++i)
        if (cells[i] != cells[first_of(i)]) return false;
      return !identity;
    };
    if (same([](size_t) { return size_t{0}; })) {
      if (!cells.empty()) tables.constants += column.name + "," + cells[0] + "\n";
    } else if (same([&](size_t i) { return arms.at(arm_of[i]); })) {
      of_arms.push_back(std::move(column));
    } else {
      of_runs.push_back(std::move(column));
    }
  }
  const auto line = [](std::string& table, const std::vector<Column>& columns, size_t row) {
    for (const Column& column : columns) table += "," + column.cells[row];
    table += "\n";
  };
  for (auto [table, columns] : {std::pair(&tables.runs, &of_runs), {&tables.arms, &of_arms}}) {
    for (const Column& column : *columns) *table += "," + column.name;
    *table += "\n";
  }
  for (size_t i = 0; i < runs.size(); ++i) {
    tables.runs += arm_of[i];
    line(tables.runs, of_runs, i);
    if (arms.at(arm_of[i]) != i) continue;  // an arm's line by its first run
    tables.arms += arm_of[i];
    line(tables.arms, of_arms, i);
  }
  return tables;
}

}  // namespace batchmark
