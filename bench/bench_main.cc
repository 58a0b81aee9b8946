// main of every bench binary: flags, filter, limits, context, run.
#include <cstdio>
#include <map>
#include <regex>
#include <set>

#include "bench/bench_process.h"
#include "bench/core_probe.h"
#include "bench/peers/peers.h"
#include "core/base/build_info.h"
#include "core/base/check.h"
#include "core/base/cpu.h"
#include "core/simd/backend.h"

namespace batchmark::bench {
namespace {

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

// Google Benchmark's own rule: an extended regular expression found anywhere in the name; a leading
// '-' takes what does not match. Bad expressions match nothing here and are reported by it.
bool Matches(const std::string& filter, const std::string& name) {
  if (filter.empty() || filter == "all") return true;
  const bool negative = filter.front() == '-';
  try {
    const std::regex expression(filter.substr(negative ? 1 : 0), std::regex_constants::extended);
    return std::regex_search(name, expression) != negative;
  } catch (const std::regex_error&) {
    return false;
  }
}

// Limits of the backends and thread counts that will run. DRAM does not depend on the SIMD target:
// it is measured with one.
void MeasureLimits(const std::vector<Registered>& matched) {
  std::map<int, StreamRates> memory;
  for (const Registered& it : matched) {
    const auto key = std::make_pair(it.one.backend, it.one.threads);
    if (process->limits.count(key) != 0) continue;
    ForceBackend(it.one.backend);
    const bool known = memory.count(it.one.threads) != 0;
    const bool quick = known || process->options.limits == Options::Limits::kQuick;
    MachineLimits limits = MeasureMachineLimits(it.one.backend, it.one.threads, quick);
    StreamRates& dram = limits.streams[static_cast<size_t>(Level::kMemory)];
    if (known) dram = memory[it.one.threads];
    memory[it.one.threads] = dram;
    const std::string why = limits.WhyNoShares();
    if (!why.empty()) std::fprintf(stderr, "no shares: %s\n", why.c_str());
    process->limits[key] = limits;
    if (process->tile_parts.count(it.one.backend) != 0) continue;
    const double part = process->tile_parts[it.one.backend] = TilePart();
    if (part == 0) std::fprintf(stderr, "no share_alone: neighbours use the cores all the time\n");
  }
}

// Keys without a suffix are of the largest thread count that runs, on the first backend;
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
  std::set<int> counts;  // that will run
  for (const Registered& it : process->registered) counts.insert(it.one.threads);
  std::string backends, threads;
  for (const std::string& name : options.backends) backends += (backends.empty() ? "" : ",") + name;
  for (const int n : counts) threads += (threads.empty() ? "" : ",") + std::to_string(n);
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
    AddLimitsContext(limits, (count == *counts.rbegin() ? "" : "_t" + std::to_string(count)) +
                                 (backend == options.backends.front() ? "" : "_" + backend));
  }
  for (const auto& [backend, part] : process->tile_parts) {
    benchmark::AddCustomContext(
        "tile_part_of_peak" + (backend == options.backends.front() ? "" : "_" + backend),
        Number(part));
  }
}

// Hands the matching benchmarks to Google Benchmark, which adds the time's suffix to the name.
void HandOver(const Registered& it) {
  const std::string stem =
      it.name.substr(0, it.name.rfind(it.cold ? "/manual_time" : "/real_time"));
  auto* handed = benchmark::RegisterBenchmark(
      stem.c_str(), [it](benchmark::State& state) { RunCase(state, it.one, it.cold); });
  handed->Unit(it.one.unit);
  if (it.cold) {
    handed->UseManualTime();
  } else if (it.one.threads > 1) {
    handed->UseRealTime();
  }
}

}  // namespace

int BenchMain(int argc, char** argv, void (*register_all)()) {
  std::vector<char*> arguments(argv, argv + argc + 1);
  try {
    SetFlushDenormals();
    Process whole;
    process = &whole;
    whole.options = TakeOptions(&argc, argv);
    if (whole.options.peers && !whole.options.list_only)
      RestartWithPeerEnvironment(arguments.data());
    benchmark::Initialize(&argc, argv, PrintHelp);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
      return static_cast<int>(ExitCode::kUsage);
    register_all();
    std::erase_if(whole.registered,
                  [&](const Registered& it) { return !Matches(whole.options.filter, it.name); });
    for (const Registered& it : whole.registered) HandOver(it);
    if (!whole.options.list_only && !whole.registered.empty()) {
      if (whole.options.limits != Options::Limits::kNone) MeasureLimits(whole.registered);
      AddContext();
    }
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
