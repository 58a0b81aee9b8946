// Counter-based random numbers: value = f(seed, stream, index). No state, so sample i of step t is
// addressable, and neither resume nor the number of threads can change a draw.
// Source: Philox4x32-10, Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC11.
#pragma once

#include <array>
#include <cstdint>

namespace batchmark {

using PhiloxCounter = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

inline constexpr int kPhiloxRounds = 10;
inline constexpr uint32_t kPhiloxMultiplier[2] = {0xD2511F53u, 0xCD9E8D57u};
inline constexpr uint32_t kPhiloxWeyl[2] = {0x9E3779B9u, 0xBB67AE85u};  // golden ratio, sqrt(3) - 1

// Ten rounds; verified against Random123's known-answer vectors.
PhiloxCounter Philox4x32(PhiloxCounter counter, PhiloxKey key);

// What a stream of draws is for. Numbers are part of the stored results' meaning: never renumber.
enum class RngStream : uint32_t {
  kWeights = 1,       // index = running number of the parameter element
  kEpochOrder = 2,    // sub = epoch
  kDropout = 3,       // sub = step * 64 + layer
  kNoise = 4,         // sub = step * 64 + layer: synthetic batch-moment noise
  kSynthDigits = 5,   // sub = sample
  kWideSamples = 6,   // sub = step: the extra rows of bn.stats = wide:M
  kExperiment = 7,    // order of runs
  kStatistics = 8,    // bootstrap and permutation resamples
  kSubset = 9,        // train_size subsets, precise-statistics samples
  kSweep = 10,        // random search
};

class Rng {
 public:
  Rng(uint64_t seed, RngStream stream, uint64_t sub = 0) : seed_(seed), stream_(stream), sub_(sub) {}

  uint32_t Bits(uint64_t index) const;               // uniform 32-bit word
  double Uniform(uint64_t index) const;              // [0, 1), 53 bits
  float UniformFloat(uint64_t index) const;          // [0, 1), 24 bits
  double Normal(uint64_t index) const;               // N(0, 1) by inversion, without libm: same bits everywhere
  uint32_t Below(uint64_t index, uint32_t n) const;  // uniform in [0, n), by multiply-shift; n > 0

  // What the words of a block are made of, for kernels that make many at a time:
  // Bits(4 * block + i) is word i of Philox4x32(Counter(block), Key()), and Counter(block)[0] = block.
  PhiloxCounter Counter(uint64_t block) const;
  PhiloxKey Key() const;

 private:
  uint64_t seed_;
  RngStream stream_;
  uint64_t sub_;
};

}  // namespace batchmark
