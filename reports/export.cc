// Runs and readings as CSV or JSON lines.
#include "reports/export.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/check.h"
#include "reports/format.h"
#include "reports/run_columns.h"

namespace batchmark {
namespace {

using Json = nlohmann::ordered_json;

Json Value(const std::string& text) { return text; }
Json Value(int number) { return number; }
Json Value(int64_t number) { return number; }
Json Value(double number) {
  if (std::isnan(number)) return nullptr;
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  return number;
}
template <typename T>
Json Value(const std::optional<T>& value) {
  return value ? Value(*value) : Json(nullptr);
}

// Spec values that are numbers become numbers; their texts stay as they are in CSV.
Json SpecValue(const std::string& text) {
  const Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_number() ? parsed : Json(text);
}

std::string CsvText(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return report::CsvField(value.get<std::string>());
  if (value.is_number_float()) return report::Exact(value.get<double>());
  return value.dump();
}

// Lines of equal columns, in either format.
class Lines {
 public:
  Lines(std::vector<std::string> names, ExportFormat format)
      : names_(std::move(names)), format_(format) {
    if (format_ == ExportFormat::kJsonl) return;
    for (size_t i = 0; i < names_.size(); ++i)
      text_ += (i ? "," : "") + report::CsvField(names_[i]);
    text_ += "\n";
  }

  void Add(const std::vector<Json>& values) {
    BATCHMARK_CHECK(values.size() == names_.size());
    if (format_ == ExportFormat::kJsonl) {
      Json object = Json::object();
      for (size_t i = 0; i < values.size(); ++i) object[names_[i]] = values[i];
      text_ += object.dump(-1, ' ', false, Json::error_handler_t::replace);
    } else {
      for (size_t i = 0; i < values.size(); ++i) text_ += (i ? "," : "") + CsvText(values[i]);
    }
    text_ += "\n";
  }

  std::string Take() { return std::move(text_); }

 private:
  std::vector<std::string> names_;
  ExportFormat format_;
  std::string text_;
};

}  // namespace

ExportFormat ParseExportFormat(const std::string& text) {
  if (text == "csv") return ExportFormat::kCsv;
  if (text == "jsonl") return ExportFormat::kJsonl;
  throw UsageError("export format '" + text + "' is not csv or jsonl");
}

std::string ExportRuns(const std::vector<RunRecord>& runs, ExportFormat format) {
  std::set<std::string> spec_keys;
  for (const RunRecord& run : runs) {
    for (const auto& [key, value] : run.spec) spec_keys.insert(key);
  }
  std::vector<std::string> names = {"key", "experiment", "arm"};
  for (const RunColumn& column : RunColumns()) names.push_back(column.name);
  for (const std::string& key : spec_keys) names.push_back(SpecColumnName(key));
  Lines lines(names, format);
  for (const RunRecord& run : runs) {
    std::vector<Json> values = {run.key, run.experiment, run.arm};
    for (const RunColumn& column : RunColumns()) {
      values.push_back(std::visit([&](auto member) { return Value(run.*member); }, column.field));
    }
    for (const std::string& key : spec_keys) {
      const auto found = run.spec.find(key);
      if (found == run.spec.end()) {
        values.push_back(nullptr);
      } else {
        values.push_back(format == ExportFormat::kCsv ? Json(found->second)
                                                      : SpecValue(found->second));
      }
    }
    lines.Add(values);
  }
  return lines.Take();
}

std::string ExportReadings(const std::vector<RunRecord>& runs, ExportFormat format) {
  Lines lines({"run_key", "experiment", "arm", "seed", "step", "name", "value"}, format);
  for (const RunRecord& run : runs) {
    const auto seed = run.spec.find("seed");
    const Json seed_value = seed == run.spec.end() ? Json(nullptr) : SpecValue(seed->second);
    for (const RunReading& reading : run.readings) {
      lines.Add({run.key, run.experiment, run.arm, seed_value, reading.step, reading.name,
                 Value(reading.value)});
    }
  }
  return lines.Take();
}

}  // namespace batchmark
