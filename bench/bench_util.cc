#include "bench/bench_util.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <limits>
#include <list>
#include <map>
#include <thread>

#include "bench/bench_options.h"
#include "bench/peers/peers.h"
#include "core/base/build_info.h"
#include "core/base/check.h"
#include "core/base/cpu.h"
#include "core/simd/backend.h"
#include "core/simd/peak_probe.h"

namespace batchmark::bench {
namespace {

// The state of one bench process; made by BenchMain.
struct Process {
  Options options;
  std::map<std::pair<std::string, int>, MachineLimits> limits;  // by backend and threads
  std::map<int, std::unique_ptr<Parallel>> schedulers;
  // Subjects built lately, newest first: Google Benchmark calls a benchmark several times (to find
  // its iterations, and again for each repetition), and interleaved siblings by turns.
  std::list<std::pair<std::string, Subject>> subjects;
  std::string last_library;
  bool failed = false;
};
Process* process = nullptr;

constexpr size_t kSubjectsKept = 16;  // ours and two peers x 2 thread counts x hot and cold, and room

// Pool threads of OpenBLAS and OpenMP spin for up to about 25 ms after a call (OpenBLAS: 2^26
// cycles); ours must not be timed beside them, nor they beside one another.
constexpr std::chrono::milliseconds kLetPoolsSleep{40};
constexpr double kWarmUpSeconds = 0.02;

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

void WarmUp(Subject& subject) {
  const double begin = NowSeconds();
  int calls = 0;
  do {
    subject.run();
  } while (++calls < 3 || (NowSeconds() - begin < kWarmUpSeconds && calls < 10000));
}

const char* LabelOf(Level level) {
  constexpr const char* kLabels[kLevels] = {"of l1 traffic", "of l2 traffic", "of cache traffic",
                                            "of dram traffic"};
  return kLabels[static_cast<size_t>(level)];
}

// Plain values rather than Google Benchmark's rates, which would print a share as "0.9/s".
// clock_ghz: highest seen just before and just after the timing, 0 = unknown.
void SetCounters(benchmark::State& state, const Case& one, bool cold, double seconds, double clock_ghz) {
  if (one.work.flops > 0) state.counters["GFLOPS"] = one.work.flops / seconds / 1e9;
  const double bytes = one.work.bytes_read + one.work.bytes_written;
  if (bytes > 0) state.counters["GBs"] = bytes / seconds / 1e9;

  MachineLimits limits = process->limits.at({one.backend, one.threads});
  if (!limits.WhyNoShares().empty()) return;
  if (clock_ghz > 0 && limits.clock_ghz > 0) {
    state.counters["ghz"] = clock_ghz;
    limits.fma_gflops *= clock_ghz / limits.clock_ghz;
  }
  const Level level = cold ? Level::kMemory : LevelOf(one.work, one.threads);
  if (limits.At(level).read == 0) return;  // --limits=quick
  const double compute = ComputeSeconds(one.work, limits);
  const double traffic = TrafficSeconds(one.work, limits, level);
  const double bound = one.bound ? one.bound(limits) : std::max(compute, traffic);
  state.counters["share"] = bound / seconds;
  state.SetLabel(one.bound ? "of the step's bound" : compute >= traffic ? "of fma" : LabelOf(level));
}

void RunCase(benchmark::State& state, const Case& one, const std::string& key, bool cold) {
  Prepare(one);
  Subject* subject = FindOrBuild(key, one, state);
  if (subject == nullptr) return;
  WarmUp(*subject);
  const double clock_before = MeasureClockGhz(one.threads);
  double seconds = 0;
  if (cold) {
    for (auto _ : state) {
      for (const auto& [data, size] : subject->operands) EvictFromCaches(data, size);
      const double begin = NowSeconds();
      subject->run();
      const double elapsed = NowSeconds() - begin;
      state.SetIterationTime(elapsed);
      seconds += elapsed;
    }
  } else {
    const double begin = NowSeconds();
    for (auto _ : state) {
      subject->run();
      benchmark::ClobberMemory();
    }
    seconds = NowSeconds() - begin;
  }
  SetCounters(state, one, cold, seconds / static_cast<double>(state.iterations()),
              std::max(clock_before, MeasureClockGhz(one.threads)));
}

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

// Limits of every backend and thread count asked for. DRAM does not depend on the SIMD target: it is
// measured with the first one.
void MeasureLimits() {
  const Options& options = process->options;
  for (const int threads : options.threads) {
    for (const std::string& backend : options.backends) {
      ForceBackend(backend);
      const bool first = backend == options.backends.front();
      MachineLimits limits = MeasureMachineLimits(backend, threads, options.quick_limits || !first);
      if (!first) {
        limits.streams[static_cast<size_t>(Level::kMemory)] =
            process->limits.at({options.backends.front(), threads}).At(Level::kMemory);
      }
      const std::string why = limits.WhyNoShares();
      if (!why.empty()) std::fprintf(stderr, "no shares: %s\n", why.c_str());
      process->limits[{backend, threads}] = limits;
    }
  }
}

// Keys without a suffix are of all threads asked for (the largest count) on the first backend;
// "_t1" and so on name the other counts, "_avx2" and so on the other backends.
void AddLimitsContext(const MachineLimits& limits, const std::string& suffix) {
  const auto add = [&](const std::string& key, const std::string& value) {
    benchmark::AddCustomContext(key + suffix, value);
  };
  add("fma_peak_gflops", Number(limits.fma_gflops));
  add("fma_flop_per_cycle", Number(limits.fma_flop_per_cycle));
  add("core_clock_ghz", Number(limits.clock_ghz));
  for (size_t i = 0; i < kLevels; ++i) {
    const std::string stem = std::string("bw_") + LevelName(static_cast<Level>(i));
    const StreamRates& rates = limits.streams[i];
    if (rates.read == 0) continue;
    add(stem + "_gbs", Number(rates.read));
    add(stem + "_write_gbs", Number(rates.write));
    add(stem + "_copy_gbs", Number(rates.copy));
  }
  const std::string why = limits.WhyNoShares();
  add("shares", why.empty() ? "of limits measured in this process" : "none: " + why);
}

void AddContext() {
  const Options& options = process->options;
  const int most = *std::max_element(options.threads.begin(), options.threads.end());
  std::string backends, threads;
  for (const std::string& name : options.backends) backends += (backends.empty() ? "" : ",") + name;
  for (const int n : options.threads) threads += (threads.empty() ? "" : ",") + std::to_string(n);
  benchmark::AddCustomContext("batchmark_revision", GetBuildInfo().revision);
  benchmark::AddCustomContext("batchmark_build_type", GetBuildInfo().build_type);
  benchmark::AddCustomContext("batchmark_compiler", GetBuildInfo().compiler);
  benchmark::AddCustomContext("backend", backends);
  benchmark::AddCustomContext("threads", threads);
  benchmark::AddCustomContext("scheduler", ParallelBackend());
  benchmark::AddCustomContext("host_id", HostId());
  benchmark::AddCustomContext("cpu_model", ReadCpuInfo().model);
  benchmark::AddCustomContext("peers", PeersSentence());
  for (const auto& [key, limits] : process->limits) {
    const auto& [backend, count] = key;
    AddLimitsContext(limits, (count == most ? "" : "_t" + std::to_string(count)) +
                                 (backend == options.backends.front() ? "" : "_" + backend));
  }
}

}  // namespace

void Register(Case one) {
  const std::string key = one.name + "/" + (one.peer.empty() ? one.backend : one.peer) + "/t" +
                          std::to_string(one.threads);
  benchmark::RegisterBenchmark(key.c_str(), [one, key](benchmark::State& state) {
    RunCase(state, one, key, false);
  })->UseRealTime()->Unit(benchmark::kMicrosecond);
  if (!process->options.cold || !one.cold_variant) return;
  benchmark::RegisterBenchmark((key + "/cold").c_str(), [one, key](benchmark::State& state) {
    RunCase(state, one, key, true);
  })->UseManualTime()->Unit(benchmark::kMicrosecond);
}

void ForEachVariant(const std::function<void(const std::string&, int)>& body) {
  for (const std::string& backend : process->options.backends) {
    for (const int threads : process->options.threads) body(backend, threads);
  }
}

void ForEachPeerVariant(const std::function<void(const std::string&, int)>& body) {
  if (!process->options.peers) return;
  for (const int threads : process->options.threads) body(process->options.backends.front(), threads);
}

Parallel& SharedParallel(int threads) {
  std::unique_ptr<Parallel>& slot = process->schedulers[threads];
  if (!slot) slot = std::make_unique<Parallel>(threads);
  return *slot;
}

AlignedBuffer<float> RandomFloats(size_t size, uint64_t seed) {
  AlignedBuffer<float> values(size);
  for (size_t i = 0; i < size; ++i) {
    // SplitMix64's mixing of a counter (Steele, Lea, Flood 2014): fast enough for 10^8 values.
    uint64_t x = (seed << 40) + i * 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    values[i] = static_cast<float>((x ^ (x >> 31)) >> 40) * 0x1p-23f - 1.0f;
  }
  return values;
}

double SumTolerance(size_t terms, double sum_of_magnitudes) {
  return (8.0 + 0.5 * std::sqrt(static_cast<double>(terms))) *
         std::numeric_limits<float>::epsilon() * sum_of_magnitudes;
}

std::string Mismatch(const std::string& what, double got, double expected, double tolerance) {
  if (std::abs(got - expected) <= tolerance) return "";  // NaN fails
  char text[160];
  std::snprintf(text, sizeof(text), " is %.9g, float64 says %.9g (tolerance %.2g)", got, expected,
                tolerance);
  return what + text;
}

int BenchMain(int argc, char** argv, void (*register_all)()) {
  std::vector<char*> arguments(argv, argv + argc + 1);
  try {
    SetFlushDenormals();
    Process whole;
    process = &whole;
    whole.options = TakeOptions(&argc, argv);
    if (whole.options.peers && !whole.options.list_only) RestartWithPeerEnvironment(arguments.data());
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return static_cast<int>(ExitCode::kUsage);
    if (!whole.options.list_only) {
      MeasureLimits();
      AddContext();
    }
    register_all();
    const size_t matched = benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    if (matched == 0) std::fprintf(stderr, "no benchmark has a name that matches the filter\n");
    return matched == 0 || whole.failed ? static_cast<int>(ExitCode::kCheckFailed) : 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
}

}  // namespace batchmark::bench
