// The state of one bench process: what bench_main.cc sets up, bench_util.cc and run_case.cc use.
// Benches themselves see bench_util.h only.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/bench_options.h"
#include "bench/bench_util.h"
#include "bench/core_probe.h"

namespace batchmark::bench {

// The benchmark as Google Benchmark will name it, suffix included.
struct Registered {
  std::string name;
  Case one;
  bool cold;
};

// Made by BenchMain, alive while it runs.
struct Process {
  Options options;
  std::vector<Registered> registered;
  std::map<std::pair<std::string, int>, MachineLimits> limits;  // by backend and threads
  std::map<std::string, double> tile_parts;                     // by backend: core_probe.h
  std::map<int, std::unique_ptr<Parallel>> schedulers;
  // Subjects built lately, newest first: Google Benchmark calls a benchmark several times (to find
  // its iterations, and again for each repetition), and interleaved siblings by turns.
  std::list<std::pair<std::string, Subject>> subjects;
  std::string last_library;
  std::map<std::string, PartMoments> moments;  // of all timings so far, by the subject's key
  std::map<std::string, double> single_thread_seconds;  // last timing, by name, backend and peer
  bool failed = false;
};
extern Process* process;

// Builds, checks, warms up and times one case; sets its counters: run_case.cc.
void RunCase(benchmark::State& state, const Case& one, bool cold);

}  // namespace batchmark::bench
