// Building, checking, warming up and timing of one case, and its counters.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <optional>
#include <thread>

#include "bench/bench_process.h"
#include "bench/core_probe.h"
#include "bench/peers/peers.h"
#include "core/base/cpu.h"
#include "core/simd/backend.h"
#include "core/simd/peak_probe.h"

namespace batchmark::bench {
namespace {

// Ours and two peers x 2 thread counts x hot and cold, and room.
constexpr size_t kSubjectsKept = 16;

// Pool threads of OpenBLAS and OpenMP spin for up to about 25 ms after a call (OpenBLAS: 2^26
// cycles); ours must not be timed beside them, nor they beside one another.
constexpr std::chrono::milliseconds kLetPoolsSleep{40};
constexpr double kWarmUpSeconds = 0.02;
// Calls between two readings of the cores: long enough that the readings cost little, short enough
// that a neighbour's coming is seen.
constexpr double kMomentSeconds = 1e-3;

void Prepare(const Case& one) {
  const std::string library = one.peer.empty() ? "batchmark" : one.peer;
  if (!process->last_library.empty() && library != process->last_library) {
    std::this_thread::sleep_for(kLetPoolsSleep);
  }
  process->last_library = library;
  ForceBackend(one.backend);
  if (!one.peer.empty()) FindPeer(one.peer)->set_threads(one.threads);
}

// nullptr when the operation is wrong; state then carries why.
Subject* FindOrBuild(const std::string& key, const Case& one, benchmark::State& state) {
  auto& subjects = process->subjects;
  for (auto it = subjects.begin(); it != subjects.end(); ++it) {
    if (it->first != key) continue;
    subjects.splice(subjects.begin(), subjects, it);
    return &subjects.front().second;
  }
  std::string wrong;
  try {
    Subject subject = one.make();
    subject.run();
    wrong = subject.check();
    if (wrong.empty()) {
      subjects.emplace_front(key, std::move(subject));
      if (subjects.size() > kSubjectsKept) subjects.pop_back();
      return &subjects.front().second;
    }
  } catch (const std::exception& error) {
    wrong = error.what();
  }
  process->failed = true;
  state.SkipWithError(wrong.c_str());
  return nullptr;
}

// Returns the seconds that a call takes, roughly.
double WarmUp(Subject& subject) {
  double begin = NowSeconds(), now = begin, last = begin;
  int calls = 0;
  do {
    last = now;
    subject.run();
    now = NowSeconds();
  } while (++calls < 3 || (now - begin < kWarmUpSeconds && calls < 10000));
  return now - last;
}

const char* LabelOf(Level level) {
  constexpr const char* kLabels[kLevels] = {"of l1 traffic", "of l2 traffic", "of cache traffic",
                                            "of dram traffic"};
  return kLabels[static_cast<size_t>(level)];
}

// How many times faster than on one thread, where that was timed before in this process.
void SetScaling(benchmark::State& state, const Case& one, double seconds) {
  double& single = process->single_thread_seconds[one.name + "/" + one.backend + "/" + one.peer];
  if (one.threads == 1) single = seconds;
  if (one.threads > 1 && single > 0) state.counters["scaling"] = single / seconds;
}

double BoundSeconds(const Case& one, const MachineLimits& limits, Level level) {
  return one.bound
             ? one.bound(limits)
             : std::max(ComputeSeconds(one.work, limits), TrafficSeconds(one.work, limits, level));
}

// Of a limit that is products: what is bound by memory alone has no rate that is read beside it.
bool IsOfProducts(const Case& one, const MachineLimits& limits, Level level) {
  return one.bound || ComputeSeconds(one.work, limits) >= TrafficSeconds(one.work, limits, level);
}

// Products against the rate that multiply-adds had just before and after each moment.
void SetMomentCounters(benchmark::State& state, const Case& one, MachineLimits limits, Level level,
                       const PartMoments& parts) {
  const bool products = IsOfProducts(one, limits, level);
  const auto limit_s = [&](double fma_gflops) {
    limits.fma_gflops = fma_gflops;
    return BoundSeconds(one, limits, level);
  };
  const MomentsShare beside = ShareOf(parts, Which::kAll, limit_s);
  if (products && beside.share > 0) state.counters["share_beside"] = beside.share;
  const MomentsShare alone = ShareOf(parts, Which::kUndisturbed, limit_s);
  if (alone.share == 0) return;
  state.counters["moments"] = static_cast<double>(alone.moments);
  state.counters["share_alone"] = alone.share;
}

// Plain values rather than Google Benchmark's rates, which would print a share as "0.9/s".
// clock_ghz: around the timing, 0 without limits.
void SetCounters(benchmark::State& state, const Case& one, bool cold, double seconds,
                 double clock_ghz, const PartMoments& parts) {
  if (one.work.flops > 0) state.counters["GFLOPS"] = one.work.flops / seconds / 1e9;
  const double bytes = one.work.bytes_read + one.work.bytes_written;
  if (bytes > 0) state.counters["GBs"] = bytes / seconds / 1e9;

  if (one.samples > 0) state.counters["samples_per_s"] = static_cast<double>(one.samples) / seconds;
  if (!cold) SetScaling(state, one, seconds);

  const auto found = process->limits.find({one.backend, one.threads});
  if (found == process->limits.end()) return;  // --limits=none
  MachineLimits limits = found->second;
  if (!limits.WhyNoShares().empty()) return;
  const Level level = cold ? Level::kMemory : LevelOf(one.work, one.threads);
  if (limits.At(level).read == 0) return;  // --limits=quick
  if (!cold) SetMomentCounters(state, one, limits, level, parts);
  if (clock_ghz > 0 && limits.clock_ghz > 0) {
    state.counters["ghz"] = clock_ghz;
    limits.fma_gflops *= clock_ghz / limits.clock_ghz;
  }
  state.counters["share"] = BoundSeconds(one, limits, level) / seconds;
  state.SetLabel(one.bound                          ? "of the step's bound"
                 : IsOfProducts(one, limits, level) ? "of fma"
                                                    : LabelOf(level));
}

struct Timing {
  double seconds = 0;
  size_t calls = 0;
};

Timing TimeCold(benchmark::State& state, Subject& subject) {
  Timing timing;
  for (auto _ : state) {
    for (const auto& [data, size] : subject.operands) EvictFromCaches(data, size);
    const double begin = NowSeconds();
    subject.run();
    const double elapsed = NowSeconds() - begin;
    state.SetIterationTime(elapsed);
    timing.seconds += elapsed, ++timing.calls;
  }
  return timing;
}

// A call of its own, beside those that are timed as a whole: the readings cost it some caches.
void CloseParts(Subject& subject, double (*now)(), Moments& moments) {
  moments.Open();
  size_t part = 0;
  double begin = now();
  const auto close = [&] {
    moments.Close(now() - begin, part++);
    begin = now();
  };
  subject.run_in_parts(close);
  close();
}

// By moments of kMomentSeconds, or a call if that takes longer, each closed where moments are
// given.
Timing TimeHot(benchmark::State& state, Subject& subject, int threads, double call_s,
               Moments* moments) {
  const auto now = threads == 1 ? ThreadCpuSeconds : NowSeconds;
  const size_t together =
      static_cast<size_t>(std::clamp(std::ceil(kMomentSeconds / std::max(call_s, 1e-9)), 1.0, 1e6));
  Timing timing;
  size_t since = 0;  // calls
  double begin = now();
  const auto close = [&] {
    const double elapsed = now() - begin;
    timing.seconds += elapsed, timing.calls += since;
    if (moments != nullptr && since == together) {
      state.PauseTiming();
      if (subject.run_in_parts != nullptr) {
        CloseParts(subject, now, *moments);
      } else {
        moments->Close(elapsed / static_cast<double>(since));
      }
      state.ResumeTiming();
    }
    since = 0, begin = now();
  };
  for (auto _ : state) {
    subject.run();
    benchmark::ClobberMemory();
    if (++since == together) close();
  }
  if (since != 0) close();
  return timing;
}

}  // namespace

void RunCase(benchmark::State& state, const Case& one, bool cold) {
  Prepare(one);
  const std::string key =
      one.name + "/" + one.backend + "/" + one.peer + "/" + std::to_string(one.threads);
  Subject* subject = FindOrBuild(key, one, state);  // hot and cold share it
  if (subject == nullptr) return;
  const double call_s = WarmUp(*subject);
  std::optional<CoreProbe> probe;
  if (!process->limits.empty()) probe.emplace(SharedParallel(one.threads));
  double clock_ghz = probe ? probe->ClockGhz() : 0;
  Timing timing;
  PartMoments& parts = process->moments[key];
  if (cold) {
    timing = TimeCold(state, *subject);
  } else if (!one.peer.empty()) {
    // Peers' pools spin between calls by themselves, and would be read with the cores.
    timing = TimeHot(state, *subject, one.threads, call_s, nullptr);
  } else {
    // Ours with awake workers, as in the trainer's steps.
    SharedParallel(one.threads).Region([&] {
      std::optional<Moments> moments;
      if (probe) moments.emplace(*probe, process->tile_parts[one.backend], parts);
      timing = TimeHot(state, *subject, one.threads, call_s, moments ? &*moments : nullptr);
    });
  }
  if (probe) clock_ghz = std::max(clock_ghz, probe->ClockGhz());
  SetCounters(state, one, cold, timing.seconds / static_cast<double>(timing.calls), clock_ghz,
              parts);
}

}  // namespace batchmark::bench
