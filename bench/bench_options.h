// The flags of a bench binary that are ours; Google Benchmark keeps the rest.
#pragma once

#include <string>
#include <vector>

namespace batchmark::bench {

struct Options {
  std::vector<int> threads;
  std::vector<std::string> backends;
  bool cold = true;
  bool quick_limits = false;
  bool peers = true;
  bool list_only = false;  // --benchmark_list_tests: measure nothing
};

// Takes our flags out of argv. Throws Error(kUsage) for a value that makes no sense.
Options TakeOptions(int* argc, char** argv);

}  // namespace batchmark::bench
