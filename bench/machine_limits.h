// What this machine can do at best, measured in this process: multiply-add peak, core clock, and
// the rates of reading, writing and copying memory that sits in L1, L2, the shared cache or DRAM.
// Every share that a bench prints is a share of these figures.
#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace batchmark::bench {

enum class Level { kL1 = 0, kL2 = 1, kShared = 2, kMemory = 3 };
inline constexpr size_t kLevels = 4;
const char* LevelName(Level level);  // "l1", "l2", "cache", "dram"

// GB/s (1e9) summed over threads. A copy counts the bytes read and the bytes written.
struct StreamRates {
  double read = 0, write = 0, copy = 0;
};

// Of the FLOP a cycle and core that the vectors allow: what bare multiply-adds must reach for a
// reading to be trusted, and may not pass. Readings up to 1.4 % above are seen where neighbours use
// the same cores: the chain of adds is delayed more easily than the products.
inline constexpr double kLeastOfCeiling = 60.0 / 64, kMostOfCeiling = 1.02;

struct MachineLimits {
  std::string backend;
  int threads = 1;
  double fma_gflops = 0;  // all threads together
  double clock_ghz = 0;   // mean of the cores at that peak; 0 = no add chain on this architecture
  double fma_flop_per_cycle = 0;  // per core; 0 = clock unknown
  double fma_ceiling = 0;         // FLOP a cycle and core that the vectors allow; 0 = unknown
  std::array<StreamRates, kLevels> streams;

  const StreamRates& At(Level level) const { return streams[static_cast<size_t>(level)]; }
  // Empty when the shares can be trusted, else the reason why none is printed: the probe must reach
  // kLeastOfCeiling (and not pass kMostOfCeiling), or it was disturbed and shares of it would
  // flatter us.
  std::string WhyNoShares() const;
};

// Least work of an operation: each input read once, each output written once, unless the formula
// itself needs an array twice (batch norm's statistics before its normalization).
struct Work {
  double flops = 0;
  double bytes_read = 0;
  double bytes_written = 0;
  double footprint = 0;  // distinct bytes; 0: bytes_read + bytes_written
};

// Fastest level that could hold the work's data, given `threads` private caches: the choice that
// makes the bound shortest and the share smallest.
Level LevelOf(const Work& work, int threads);

//   bound = max(flops / fma_gflops, traffic)
//   traffic: min(read, written) of each direction at the copy rate, what is left at the read or
//   write rate
double ComputeSeconds(const Work& work, const MachineLimits& limits);
double TrafficSeconds(const Work& work, const MachineLimits& limits, Level level);

// quick leaves out the memory level (about a second), whose rates stay 0.
MachineLimits MeasureMachineLimits(const std::string& backend, int threads, bool quick);

}  // namespace batchmark::bench
