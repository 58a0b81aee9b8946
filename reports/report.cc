// From stores and benchmark files to a report: reads the inputs, runs the sections, writes the
// files.
#include "reports/report.h"

#include <filesystem>
#include <set>

#include "core/base/check.h"
#include "reports/format.h"
#include "reports/section.h"

namespace batchmark {
namespace report {
namespace {

bool HasEnding(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

// A run that two stores share counts once; the first store's documents win.
void AddStore(const std::string& path, ReportData& data) {
  const ResultStore store(path, ResultStore::Mode::kReadOnly);
  std::set<std::string> seen;
  const auto identity = [](const RunRecord& run) {
    return run.key + "\n" + run.experiment + "\n" + run.arm;
  };
  for (const RunRecord& run : data.records) seen.insert(identity(run));
  std::vector<RunRecord> runs = store.All();
  if (runs.empty()) throw InputError("store " + path + " holds no runs");
  for (RunRecord& run : runs) {
    if (seen.insert(identity(run)).second) data.records.push_back(std::move(run));
  }
  for (auto& document : store.Documents()) data.documents.insert(document);
}

ReportData ReadInputs(const std::vector<std::string>& inputs) {
  if (inputs.empty())
    throw UsageError("a report needs at least one store (.db) or benchmark file (.json)");
  ReportData data;
  for (const std::string& path : inputs) {
    data.inputs.push_back(std::filesystem::path(path).filename().string());
    if (HasEnding(path, ".json")) {
      data.benches.push_back(ReadBenchFile(path));
    } else {
      AddStore(path, data);
    }
  }
  data.studies = FindStudies(data.records, data.documents);
  return data;
}

std::string FirstLine(const ReportData& data) {
  std::set<std::string> sets;
  for (const RunRecord& run : data.records) {
    const std::string name = run.data_name == "mnist"           ? "MNIST"
                             : run.data_name == "fashion-mnist" ? "Fashion-MNIST"
                                                                : run.data_name;
    sets.insert(MarkdownEscape(name) + " (data `" + ShortHash(run.data_hash) + "`)");
  }
  if (sets.empty()) return "Batchmark: kernels";
  return "Batch normalization on " + Joined({sets.begin(), sets.end()}, " and ");
}

}  // namespace
}  // namespace report

std::string WriteReport(const std::vector<std::string>& inputs, const std::string& out_dir) {
  const report::ReportData data = report::ReadInputs(inputs);
  report::ReportPage page;
  page.Heading(1, report::FirstLine(data));
  for (const report::WholeSection section : report::FirstSections()) section(data, page);
  for (const report::Study& study : data.studies) {
    for (const report::StudySection section : report::StudySections()) section(data, study, page);
  }
  for (const report::WholeSection section : report::LastSections()) section(data, page);
  return page.Write(out_dir);
}

}  // namespace batchmark
