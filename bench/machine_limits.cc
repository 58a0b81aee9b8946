#include "bench/machine_limits.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include "bench/team.h"
#include "core/base/aligned.h"
#include "core/base/cpu.h"
#include "core/base/median.h"
#include "core/simd/peak_probe.h"

namespace batchmark::bench {
namespace {

// A slice takes 0.03 to 0.1 ms: short enough to fall between two interruptions, and the two kinds
// take turns that often because the clock moves within milliseconds: the chain must see the clock
// that the products saw.
constexpr size_t kFmaRounds = 12000;   // x 48 multiply-adds, two a cycle
constexpr size_t kChainRounds = 1500;  // x 64 cycles

double FmaBody(int, size_t) { return PeakFmaLoop(kFmaRounds); }
double ChainBody(int, size_t) { return PeakAddChain(kChainRounds); }

struct FmaSlice {
  double fma, chain;  // FLOP/s, and the cycles/s around it
};

// The slices whose neighbours agree on the clock (on shared machines it moves in steps of 2 to 10 %
// within milliseconds), fastest tenth of them by both readings together: chosen by one of them,
// they would be those in which it erred upwards. The median of their FLOP a cycle.
double FlopPerCycle(std::vector<FmaSlice>& slices) {
  if (slices.empty()) return 0;
  std::sort(slices.begin(), slices.end(),
            [](const FmaSlice& a, const FmaSlice& b) { return a.fma * a.chain > b.fma * b.chain; });
  slices.resize(std::max<size_t>(std::min<size_t>(slices.size(), 25), slices.size() / 10));
  std::vector<double> ratios;
  for (const FmaSlice& slice : slices) ratios.push_back(slice.fma / slice.chain);
  return MiddleValue(std::move(ratios));
}

void MeasureFma(Team& team, MachineLimits& limits) {
  constexpr size_t kPatience = 500;
  double chain_before = 0, best = 0;
  size_t last_better = 0;
  std::vector<FmaSlice> slices;
  team.Run({FmaBody, ChainBody}, [&](size_t slice, const std::vector<double>& rates) {
    const double fma = rates[0], chain = rates[1];
    if (fma > best * 1.005) last_better = slice;
    best = std::max(best, fma);
    if (chain > 0 && std::abs(chain_before - chain) < 0.003 * chain) {
      slices.push_back({fma, (chain_before + chain) / 2});
    }
    chain_before = chain;
    return slice - last_better < kPatience && slice < 6 * kPatience;
  });
  limits.fma_gflops = best / 1e9;
  limits.fma_ceiling = PeakFmaCeiling();
  limits.fma_flop_per_cycle = FlopPerCycle(slices);
  if (limits.fma_flop_per_cycle > 0) {
    limits.clock_ghz = limits.fma_gflops / limits.fma_flop_per_cycle / limits.threads;
  }
}

// floats per thread, window = floats of one slice (the whole array, or a part that moves on, so
// that what is read was used last a whole array ago).
StreamRates MeasureStreams(Team& team, int threads, size_t floats, size_t window, size_t patience,
                           size_t repeats) {
  struct Arrays {
    AlignedBuffer<float> src, dst;
  };
  std::vector<Arrays> arrays(static_cast<size_t>(threads));
  const size_t half =
      floats / 2 / kPeakBlock * kPeakBlock;  // a copy's two arrays fill the level together
  team.RunOnAll([&](int worker) {
    Arrays& mine = arrays[static_cast<size_t>(worker)];
    mine.src = AlignedBuffer<float>(half);
    mine.dst = AlignedBuffer<float>(half);
  });
  window = std::min(window, half) / kPeakBlock * kPeakBlock;
  const size_t windows = half / window;
  const auto body = [&](auto loop) -> Team::Body {
    return [&, loop](int worker, size_t slice) {
      Arrays& mine = arrays[static_cast<size_t>(worker)];
      for (size_t i = 0; i < repeats; ++i) {
        const size_t offset = (slice * repeats + i) % windows * window;
        loop(mine.src.data() + offset, mine.dst.data() + offset);
      }
      return 2.0 * sizeof(float) * static_cast<double>(window) * static_cast<double>(repeats) / 1e9;
    };
  };
  // Reading and writing go over both arrays by turns, so that they too see the whole level.
  const auto read = [&](size_t streams) {
    return body([=](const float* src, const float* dst) {
      volatile float sink = PeakRead(src, window, streams) + PeakRead(dst, window, streams);
      (void)sink;
    });
  };
  const auto write = [&](StreamStore store) {
    return body([=](float* src, float* dst) {
      PeakWrite(src, window, 1.0f, store);
      PeakWrite(dst, window, 1.0f, store);
    });
  };
  const auto copy = [&](StreamStore store) {
    return body([=](const float* src, float* dst) { PeakCopy(src, dst, window, store); });
  };
  const auto best = [&](const Team::Body& one, const Team::Body& other) {
    const double first = team.BestRate(patience, one);
    return std::max(first, team.BestRate(patience, other));
  };
  return {best(read(1), read(4)), best(write(StreamStore::kCached), write(StreamStore::kPast)),
          best(copy(StreamStore::kCached), copy(StreamStore::kPast))};
}

struct LevelSizes {
  size_t l1, l2, shared, memory;  // bytes that one thread streams over
};

LevelSizes Sizes(int threads) {
  const CpuInfo cpu = ReadCpuInfo();
  const size_t l1 = cpu.l1d_bytes ? cpu.l1d_bytes : size_t{32} << 10;
  const size_t l2 = cpu.l2_bytes ? cpu.l2_bytes : size_t{1} << 20;
  const size_t l3 = cpu.l3_bytes ? cpu.l3_bytes : 8 * l2;
  const size_t n = static_cast<size_t>(threads);
  const size_t shared = std::max(2 * l2, std::min(std::max(6 * l2, size_t{12} << 20), l3 / 2 / n));
  const size_t memory = std::clamp(2 * l3, size_t{256} << 20, size_t{2} << 30) / n;
  return {l1 * 2 / 3, l2 / 2, shared, std::max(memory, 4 * shared)};
}

}  // namespace

const char* LevelName(Level level) {
  constexpr const char* kNames[kLevels] = {"l1", "l2", "cache", "dram"};
  return kNames[static_cast<size_t>(level)];
}

std::string MachineLimits::WhyNoShares() const {
  char text[160];
  if (fma_gflops == 0) return "other work kept the cores busy while the limits were measured";
  if (fma_ceiling == 0 || fma_flop_per_cycle == 0)
    return "";  // nothing known to hold the probe against
  if (fma_flop_per_cycle < fma_ceiling * kLeastOfCeiling) {
    std::snprintf(text, sizeof(text),
                  "the multiply-add probe reached only %.1f of %.0f FLOP a cycle and core on %s "
                  "with %d threads",
                  fma_flop_per_cycle, fma_ceiling, backend.c_str(), threads);
    return text;
  }
  if (fma_flop_per_cycle > fma_ceiling * kMostOfCeiling) {
    std::snprintf(
        text, sizeof(text),
        "the clock probe was disturbed: %.1f of %.0f FLOP a cycle and core on %s with %d threads",
        fma_flop_per_cycle, fma_ceiling, backend.c_str(), threads);
    return text;
  }
  return "";
}

Level LevelOf(const Work& work, int threads) {
  const CpuInfo cpu = ReadCpuInfo();
  const double bytes = work.footprint > 0 ? work.footprint : work.bytes_read + work.bytes_written;
  if (bytes <= static_cast<double>(cpu.l1d_bytes) * threads) return Level::kL1;
  if (bytes <= static_cast<double>(cpu.l2_bytes) * threads) return Level::kL2;
  return bytes <= static_cast<double>(cpu.l3_bytes) ? Level::kShared : Level::kMemory;
}

double ComputeSeconds(const Work& work, const MachineLimits& limits) {
  return work.flops / (limits.fma_gflops * 1e9);
}

double TrafficSeconds(const Work& work, const MachineLimits& limits, Level level) {
  const StreamRates& rates = limits.At(level);
  if (rates.read == 0) return 0;  // not measured
  const double both = std::min(work.bytes_read, work.bytes_written);
  return (2 * both / rates.copy + (work.bytes_read - both) / rates.read +
          (work.bytes_written - both) / rates.write) /
         1e9;
}

MachineLimits MeasureMachineLimits(const std::string& backend, int threads, bool quick) {
  MachineLimits limits;
  limits.backend = backend;
  limits.threads = threads;
  Team team(threads);
  // Neighbours come and go: a probe that they disturbed is tried again, for some 5 s at most. (More
  // threads than cores never run side by side.)
  const int tries = threads > AvailableThreads() ? 1 : 10;
  for (int i = 0; i < tries; ++i) {
    MeasureFma(team, limits);
    if (limits.WhyNoShares().empty()) break;
  }
  const LevelSizes sizes = Sizes(threads);
  const size_t all = static_cast<size_t>(-1);
  // Repeats and windows make a slice 0.1 to 2 ms long.
  limits.streams[0] = MeasureStreams(team, threads, sizes.l1 / 4, all, 60, 200);
  limits.streams[1] = MeasureStreams(team, threads, sizes.l2 / 4, all, 40, 5);
  limits.streams[2] = MeasureStreams(team, threads, sizes.shared / 4, all, 20, 1);
  if (!quick) {
    const size_t window = std::min(sizes.memory / 16, size_t{8} << 20) / 4;
    limits.streams[3] = MeasureStreams(team, threads, sizes.memory / 4, window, 32, 1);
  }
  return limits;
}

}  // namespace batchmark::bench
