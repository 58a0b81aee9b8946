// Where the numbers come from: data, environment, commands; and how to read figures. Also env.json.
#include <nlohmann/json.hpp>
#include <set>

#include "reports/export.h"
#include "reports/format.h"
#include "reports/section.h"

namespace batchmark::report {
namespace {

using Json = nlohmann::ordered_json;

Json Environment(const ReportData& data) {
  const auto found = data.documents.find("environment");
  Json environment =
      found == data.documents.end() ? Json::object() : Json::parse(found->second, nullptr, false);
  return environment.is_object() ? environment : Json::object();
}

std::string ValueText(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

void AddSet(Json& out, const char* name, const std::set<std::string>& values) {
  if (!values.empty()) out[name] = Joined({values.begin(), values.end()}, ", ");
}

// What the runs themselves say, which holds for any store.
Json FromRuns(const ReportData& data) {
  std::set<std::string> sets, backends, computes, threads, binaries, hosts, keys;
  for (const RunRecord& run : data.records) {
    sets.insert(run.data_name + " (sha256 " + run.data_hash + ")");
    backends.insert(run.backend), computes.insert(run.compute),
        threads.insert(std::to_string(run.threads));
    binaries.insert(run.binary_id), hosts.insert(run.host_id), keys.insert(run.key);
  }
  Json out = Json::object();
  if (keys.empty()) return out;
  out["runs"] = keys.size();
  AddSet(out, "data sets of the runs", sets);
  AddSet(out, "SIMD backends of the runs", backends);
  AddSet(out, "compute of the runs", computes);
  AddSet(out, "threads of the runs", threads);
  AddSet(out, "binaries of the runs", binaries);
  AddSet(out, "machines of the runs", hosts);
  return out;
}

}  // namespace

void WriteProvenance(const ReportData& data, ReportPage& page) {
  Json all = Environment(data);
  const Json from_runs = FromRuns(data);
  for (const auto& [key, value] : from_runs.items()) all[key] = value;
  all["inputs"] = Joined(data.inputs, ", ");
  page.Heading(2, "Environment");
  MarkdownTable table({"what", "value"}, {Align::kLeft, Align::kLeft});
  for (const auto& [key, value] : all.items()) {
    if (!value.is_structured()) table.Row({MarkdownEscape(key), MarkdownEscape(ValueText(value))});
  }
  page.Table(table);
  page.File("env.json", all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");

  page.Heading(2, "Commands");
  std::string commands;
  for (const auto& [name, command] : data.documents) {
    if (name == "command" || name.rfind("command/", 0) == 0) commands += command + "\n";
  }
  page.Code(commands + "batchmark report " + Joined(data.inputs, " ") + " --out report");

  if (!data.records.empty()) {
    const RunTables tables = ExportRunTables(data.records);
    page.File("data/runs.csv", tables.runs);
    page.File("data/arms.csv", tables.arms);
    page.File("data/constants.csv", tables.constants);
    page.Heading(2, "How to read this");
    std::string text =
        "- **Steps to target**: the first evaluation at which the metric meets the target and "
        "stays there for the confirming ones. A run that "
        "never gets there is *censored*: it counts with its last step as a lower bound (\"&gt;\", "
        "▷) and is never dropped.\n"
        "- **Diverged**: a loss, activation or gradient was not finite, or the loss passed its "
        "limit. A result, not an error.\n"
        "- **Seconds** are seconds inside training steps; evaluation, data loading and set-up are "
        "left out.\n"
        "- **Arms are paired on seed**: the same seed has the same initial weights and the same "
        "order of batches in every arm.\n";
    for (const Study& study : data.studies) {
      if (!study.source.empty())
        text += "- **" + MarkdownEscape(study.experiment) + "**: " + MarkdownEscape(study.source) +
                "\n";
    }
    page.Paragraph(
        text +
        "- Every figure's numbers are in [data/](data/). [Every run](data/runs.csv) joins "
        "[its arm's settings](data/arms.csv) on experiment and arm; what all runs share "
        "is in [constants](data/constants.csv) and the [environment](env.json).");
  }
}

}  // namespace batchmark::report
