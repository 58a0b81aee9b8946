// The flags of a bench binary that are ours; Google Benchmark keeps the rest.
#pragma once

#include <string>
#include <vector>

namespace batchmark::bench {

struct Options {
  std::vector<int> threads;
  std::vector<std::string> backends;
  bool cold = true;
  enum class Limits { kFull, kQuick, kNone } limits = Limits::kFull;
  bool peers = true;
  bool list_only = false;  // --benchmark_list_tests: measure nothing
  std::string filter;      // a copy of --benchmark_filter (or $BENCHMARK_FILTER)
};

// Takes our flags out of argv. Throws Error(kUsage) for a value that makes no sense.
Options TakeOptions(int* argc, char** argv);

// For --help: our flags, then Google Benchmark's.
void PrintHelp();

}  // namespace batchmark::bench
