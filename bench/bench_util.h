// What every bench binary shares: measured limits, registration, warm-up, counters. Its flags:
// bench_options.cc.
//
// A benchmark's name says everything and can be copied into --benchmark_filter:
//   gemm/NN/square_1024/avx3/t2        operation / shape / SIMD target or peer library / threads
// with .../cold for the variant whose operands come from DRAM, and Google Benchmark's /real_time or
// /manual_time. Several threads are timed by the wall clock; one thread by its CPU time, which
// other work on the machine disturbs less.
//
// Counters: GFLOPS, GBs (of the work's least traffic), share (of the limit that its label names, at
// the core clock `ghz` seen around the timing), share_alone (the median of the same over the
// `moments` in which no neighbour used our cores, each against the multiply-adds of that moment,
// and of a long call part by part; core_probe.h), share_beside (the same over all moments, where
// the limit is products), scaling (over one thread, where that was timed before).
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/machine_limits.h"
#include "core/base/aligned.h"
#include "core/base/parallel.h"

namespace batchmark::bench {

// A built operation, ready to be called over and over.
struct Subject {
  std::function<void()> run;
  // Compares the result of the last run with float64; empty, or one sentence on what is wrong.
  std::function<std::string()> check;
  // What a cold call must fetch: [pointer, floats].
  std::vector<std::pair<const float*, size_t>> operands;
  // For a call of many milliseconds, or null: the same, which calls `between` wherever one part of
  // it ends and the next begins, as often each time.
  std::function<void(const std::function<void()>& between)> run_in_parts = nullptr;
};

struct Case {
  std::string name;     // "gemm/NN/square_1024"
  std::string backend;  // SIMD target; for a peer, the one whose limits its share is of
  std::string peer;     // empty, or the library's name, which then stands in the benchmark's name
  int threads = 1;
  Work work;
  std::function<Subject()> make;
  // What counts as the limit, where it is not max(compute, traffic); seconds.
  std::function<double(const MachineLimits&)> bound = nullptr;
  size_t samples = 0;  // > 0: samples a call, shown as samples_per_s
  benchmark::TimeUnit unit = benchmark::kMicrosecond;
  bool cold_variant = true;
};

// The case under its full name, hot and cold.
void Register(Case one);

// Calls body(backend, threads) for every pair that the flags ask for; peers once for each thread
// count.
void ForEachVariant(const std::function<void(const std::string& backend, int threads)>& body);
void ForEachPeerVariant(const std::function<void(const std::string& backend, int threads)>& body);

// One scheduler for each thread count, alive until the end.
Parallel& SharedParallel(int threads);

// Operands made once for a shape and shared by ours and the peers' variants of it.
// Kept while any subject holds them.
template <class T, class Make>
std::shared_ptr<T> Shared(std::weak_ptr<T>& slot, const Make& make) {
  std::shared_ptr<T> value = slot.lock();
  if (!value) slot = value = std::make_shared<T>(make());
  return value;
}

// Uniform in [-1, 1), a function of (seed, index).
AlignedBuffer<float> RandomFloats(size_t size, uint64_t seed);

// Largest tolerated distance of a float32 sum of `terms` products from float64's, given sum |a b|:
// eps (8 + sqrt(terms) / 2) of it. Rounding errors of a running sum grow like 0.3 sqrt(terms) or
// slower, while a wrong index or a lost term is off by 1/terms of it or more.
double SumTolerance(size_t terms, double sum_of_magnitudes);
// Empty, or "C[3,7] is 1.5, float64 says 2".
std::string Mismatch(const std::string& what, double got, double expected, double tolerance);

// main: flags, limits, context, run. register_all calls Register for the whole table.
int BenchMain(int argc, char** argv, void (*register_all)());

}  // namespace batchmark::bench

#define BATCHMARK_BENCH_MAIN(register_all) \
  int main(int argc, char** argv) { return batchmark::bench::BenchMain(argc, argv, register_all); }
