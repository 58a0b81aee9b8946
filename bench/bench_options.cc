#include "bench/bench_options.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "core/base/check.h"
#include "core/base/cpu.h"
#include "core/simd/backend.h"

namespace batchmark::bench {
namespace {

std::vector<std::string> SplitCommas(std::string_view text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::vector<int> ParseThreads(std::string_view text) {
  std::vector<int> threads;
  for (const std::string& part : SplitCommas(text)) {
    const int n = std::atoi(part.c_str());
    if (n < 1 || n > 4096 || part != std::to_string(n)) {
      throw UsageError("--threads takes numbers from 1 up, not \"" + part + "\"");
    }
    threads.push_back(n);
  }
  if (threads.empty()) throw UsageError("--threads takes at least one number");
  return threads;
}

std::vector<std::string> ParseBackends(std::string_view text) {
  const std::vector<std::string> known = BackendNames();
  if (text == "all") return known;
  std::vector<std::string> names;
  for (const std::string& name : SplitCommas(text)) {
    ForceBackend(name);  // throws for an unknown name, listing the known ones
    names.push_back(ActiveBackend());
  }
  if (names.empty()) throw UsageError("--backend takes at least one name");
  return names;
}

bool ParseSwitch(std::string_view flag, std::string_view value) {
  if (value == "1" || value == "true") return true;
  if (value == "0" || value == "false") return false;
  throw UsageError(std::string(flag) + " takes 0 or 1, not \"" + std::string(value) + "\"");
}

Options::Limits ParseLimits(std::string_view value) {
  if (value == "full") return Options::Limits::kFull;
  if (value == "quick") return Options::Limits::kQuick;
  if (value == "none") return Options::Limits::kNone;
  throw UsageError("--limits takes full, quick or none, not \"" + std::string(value) + "\"");
}

}  // namespace

Options TakeOptions(int* argc, char** argv) {
  Options options;
  options.threads = {1};
  if (AvailableThreads() > 1) options.threads.push_back(AvailableThreads());
  if (const char* filter = std::getenv("BENCHMARK_FILTER")) options.filter = filter;
  ForceBackendFromEnvironment();
  options.backends = {ActiveBackend()};

  int kept = 1;
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = argv[i];
    const size_t equals = argument.find('=');
    const std::string_view flag = argument.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : argument.substr(equals + 1);
    if (flag == "--threads") {
      options.threads = ParseThreads(value);
    } else if (flag == "--backend") {
      options.backends = ParseBackends(value);
    } else if (flag == "--cold") {
      options.cold = ParseSwitch(flag, value);
    } else if (flag == "--peers") {
      options.peers = ParseSwitch(flag, value);
    } else if (flag == "--limits") {
      options.limits = ParseLimits(value);
    } else {
      if (flag == "--benchmark_filter") options.filter = value;
      if (flag == "--benchmark_list_tests") options.list_only = value != "false" && value != "0";
      argv[kept++] = argv[i];
    }
  }
  *argc = kept;
  argv[kept] = nullptr;
  ForceBackend(options.backends.front());
  return options;
}

void PrintHelp() {
  std::puts(
      "Checks each result against float64, then times it. Names and counters: bench/README.md.\n"
      "\n"
      "  --threads=1,2        thread counts (default: 1 and all in the affinity mask)\n"
      "  --backend=avx2,avx3  SIMD targets, or all (default: $BATCHMARK_BACKEND, else the\n"
      "                       best of this machine)\n"
      "  --cold=0             without the variants whose operands are evicted before each call\n"
      "  --limits=quick|none  do not measure DRAM | any limit: no shares\n"
      "  --peers=0            without other libraries\n"
      "\n"
      "Exit codes: 1 a result was wrong, or no name matched the filter; 2 a bad flag.\n"
      "All other flags are Google Benchmark's:\n");
  benchmark::PrintDefaultHelp();
}

}  // namespace batchmark::bench
