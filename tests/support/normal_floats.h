// Normal values by seed, the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/rng.h"

namespace batchmark {

inline std::vector<float> NormalFloats(size_t size, uint64_t seed, double mean = 0.0,
                                       double sd = 1.0) {
  std::vector<float> x(size);
  const Rng rng(seed, RngStream::kStatistics);
  for (size_t i = 0; i < size; ++i) x[i] = static_cast<float>(mean + sd * rng.Normal(i));
  return x;
}

}  // namespace batchmark
