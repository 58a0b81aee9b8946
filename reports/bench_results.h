// Google Benchmark's JSON, from our bench binaries or anybody's: names taken apart, repetitions
// gathered.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace batchmark::report {

// All repetitions of one benchmark. Our names are operation / shape / variant / tN [/cold]; of
// other names the whole is the problem. NaN: not given.
struct BenchResult {
  std::string name;     // without Google Benchmark's /real_time, /repeats:n and the like
  std::string problem;  // "gemm/NN/square_1024"
  std::string variant;  // SIMD target or peer library, "" if the name has none
  int threads = 1;
  bool cold = false;
  std::vector<double> seconds;  // real time an iteration, one a repetition
  double gflops, gbs, share;    // medians over repetitions
  double share_alone;           // the share when no neighbour used the cores, bench/core_probe.h
  double share_beside;          // the share of the multiply-adds read around each moment, the same
  double moments = 0;           // that were so, in all repetitions; fewest of any part of a call
  std::string label;            // of what the share is
  std::string error;            // set: it did not run, or gave a wrong result

  double MedianSeconds() const;
  double LeastSeconds() const;
  double MostSeconds() const;
};

struct BenchFile {
  std::string name;
  std::map<std::string, std::string> context;  // flat values only, as text
  std::vector<BenchResult> results;  // as their program lists them, whatever order it ran them in

  // A number of the context; NaN if there is none.
  double ContextNumber(const std::string& key) const;
  // The SIMD target that counts as "ours": the first of context "backend".
  std::string OwnVariant() const;
};

// Throws Error(kBadInput): unreadable, no JSON, no benchmarks in it.
BenchFile ReadBenchFile(const std::string& path);

}  // namespace batchmark::report
