#include "bench/bench_util.h"

#include <cmath>
#include <cstdio>
#include <limits>

#include "bench/bench_process.h"

namespace batchmark::bench {

Process* process = nullptr;

void Register(Case one) {
  const std::string name = one.name + "/" + (one.peer.empty() ? one.backend : one.peer) + "/t" +
                           std::to_string(one.threads);
  process->registered.push_back({name + (one.threads > 1 ? "/real_time" : ""), one, false});
  if (!process->options.cold || !one.cold_variant) return;
  process->registered.push_back({name + "/cold/manual_time", one, true});
}

void ForEachVariant(const std::function<void(const std::string&, int)>& body) {
  for (const std::string& backend : process->options.backends) {
    for (const int threads : process->options.threads) body(backend, threads);
  }
}

void ForEachPeerVariant(const std::function<void(const std::string&, int)>& body) {
  if (!process->options.peers) return;
  for (const int threads : process->options.threads)
    body(process->options.backends.front(), threads);
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

}  // namespace batchmark::bench
