// Google Benchmark's JSON: names taken apart, repetitions gathered.
#include "reports/bench_results.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "core/base/check.h"
#include "reports/effects.h"

namespace batchmark::report {
namespace {

using Json = nlohmann::json;

std::string ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path))
    throw InputError("cannot read benchmark file " + path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Google Benchmark writes NaN and Infinity as bare words, which JSON has not.
std::string WithoutBareWords(std::string text) {
  for (const char* word :
       {": NaN", ": -NaN", ": nan", ": -nan", ": Infinity", ": -Infinity", ": inf", ": -inf"}) {
    for (size_t at = 0; (at = text.find(word, at)) != std::string::npos;)
      text.replace(at, std::string(word).size(), ": null");
  }
  return text;
}

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, '/');) parts.push_back(part);
  return parts;
}

bool IsThreads(const std::string& part) {
  return part.size() > 1 && part[0] == 't' &&
         part.find_first_not_of("0123456789", 1) == std::string::npos;
}

bool IsDecoration(const std::string& part) {
  return part == "real_time" || part == "process_time" || part == "manual_time" ||
         part.rfind("repeats:", 0) == 0 || part.rfind("iterations:", 0) == 0 ||
         part.rfind("min_time:", 0) == 0 || part.rfind("min_warmup_time:", 0) == 0;
}

std::string Join(const std::vector<std::string>& parts, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += (i ? "/" : "") + parts[i];
  return out;
}

BenchResult ParseName(const std::string& run_name) {
  std::vector<std::string> parts = Split(run_name);
  while (parts.size() > 1 && IsDecoration(parts.back())) parts.pop_back();
  BenchResult result;
  result.gflops = result.gbs = result.share = result.share_alone = result.share_beside =
      std::nan("");
  result.name = Join(parts, parts.size());
  if (parts.size() > 1 && parts.back() == "cold") {
    result.cold = true;
    parts.pop_back();
  }
  result.problem = Join(parts, parts.size());
  if (parts.size() >= 3 && IsThreads(parts.back())) {
    result.threads = std::atoi(parts.back().c_str() + 1);
    result.variant = parts[parts.size() - 2];
    result.problem = Join(parts, parts.size() - 2);
  }
  return result;
}

double Number(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  return found != entry.end() && found->is_number() ? found->get<double>() : std::nan("");
}

double SecondsPerUnit(const Json& entry) {
  const std::string unit = entry.value("time_unit", std::string("ns"));
  return unit == "s" ? 1 : unit == "ms" ? 1e-3 : unit == "us" ? 1e-6 : 1e-9;
}

struct Samples {
  std::vector<double> seconds, gflops, gbs, share;
  double share_alone = std::nan(""), share_beside = std::nan(""), moments = 0;
};

void AddSample(const Json& entry, Samples& samples) {
  samples.seconds.push_back(Number(entry, "real_time") * SecondsPerUnit(entry));
  samples.gflops.push_back(Number(entry, "GFLOPS"));
  samples.gbs.push_back(Number(entry, "GBs"));
  samples.share.push_back(Number(entry, "share"));
  // Of all repetitions so far: the last one's counts, and that has the most.
  const double beside = Number(entry, "share_beside");
  if (std::isfinite(beside)) samples.share_beside = beside;
  const double moments = Number(entry, "moments");
  if (moments > samples.moments) {
    samples.moments = moments;
    samples.share_alone = Number(entry, "share_alone");
  }
}

// Where a benchmark stands among those of its program, which may have run them in any order.
std::pair<size_t, size_t> RegisteredAt(const Json& entry) {
  return {entry.value("family_index", size_t{0}),
          entry.value("per_family_instance_index", size_t{0})};
}

// A file may hold repetitions, or only aggregates (--benchmark_report_aggregates_only): then the
// median stands for them.
std::vector<BenchResult> ReadResults(const Json& file_entries) {
  std::vector<Json> entries(file_entries.begin(), file_entries.end());
  std::erase_if(entries, [](const Json& entry) { return !entry.is_object(); });
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Json& a, const Json& b) { return RegisteredAt(a) < RegisteredAt(b); });
  std::vector<BenchResult> results;
  std::vector<Samples> repetitions, medians;
  std::map<std::string, size_t> index;
  for (const Json& entry : entries) {
    const std::string name = entry.value("run_name", entry.value("name", std::string()));
    const bool aggregate = entry.value("run_type", std::string()) == "aggregate";
    if (name.empty() || (aggregate && entry.value("aggregate_name", std::string()) != "median"))
      continue;
    BenchResult parsed = ParseName(name);
    const auto [at, is_new] = index.emplace(parsed.name, results.size());
    if (is_new) {
      results.push_back(std::move(parsed));
      repetitions.emplace_back();
      medians.emplace_back();
    }
    BenchResult& result = results[at->second];
    if (entry.value("error_occurred", false))
      result.error = entry.value("error_message", std::string("failed"));
    if (result.label.empty()) result.label = entry.value("label", std::string());
    if (result.error.empty()) AddSample(entry, (aggregate ? medians : repetitions)[at->second]);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const Samples& samples = repetitions[i].seconds.empty() ? medians[i] : repetitions[i];
    results[i].seconds = samples.seconds;
    results[i].gflops = Median(samples.gflops);
    results[i].gbs = Median(samples.gbs);
    results[i].share = Median(samples.share);
    results[i].share_alone = samples.share_alone;
    results[i].share_beside = samples.share_beside;
    results[i].moments = samples.moments;
  }
  return results;
}

}  // namespace

double BenchResult::MedianSeconds() const { return Median(seconds); }
double BenchResult::LeastSeconds() const {
  return seconds.empty() ? std::nan("") : *std::min_element(seconds.begin(), seconds.end());
}
double BenchResult::MostSeconds() const {
  return seconds.empty() ? std::nan("") : *std::max_element(seconds.begin(), seconds.end());
}

double BenchFile::ContextNumber(const std::string& key) const {
  const auto found = context.find(key);
  if (found == context.end()) return std::nan("");
  char* end = nullptr;
  const double value = std::strtod(found->second.c_str(), &end);
  return end == found->second.c_str() ? std::nan("") : value;
}

std::string BenchFile::OwnVariant() const {
  const auto found = context.find("backend");
  return found == context.end() ? "" : found->second.substr(0, found->second.find(','));
}

BenchFile ReadBenchFile(const std::string& path) {
  const Json root = Json::parse(WithoutBareWords(ReadText(path)), nullptr, false);
  if (!root.is_object() || !root.contains("benchmarks") || !root["benchmarks"].is_array()) {
    throw InputError(path + " is no benchmark file (Google Benchmark's JSON)");
  }
  BenchFile file;
  file.name = std::filesystem::path(path).filename().string();
  try {
    if (root.contains("context") && root["context"].is_object()) {
      for (const auto& [key, value] : root["context"].items()) {
        if (!value.is_structured())
          file.context[key] = value.is_string() ? value.get<std::string>() : value.dump();
      }
    }
    file.results = ReadResults(root["benchmarks"]);
  } catch (const Json::exception& error) {
    throw InputError("benchmark file " + path + " has an unexpected shape: " + error.what());
  }
  if (file.results.empty()) throw InputError("benchmark file " + path + " holds no benchmarks");
  return file;
}

}  // namespace batchmark::report
