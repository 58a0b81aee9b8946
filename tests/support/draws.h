// Random cases for tests, the same in each run: draws from [a, b] by a counter.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/rng.h"

namespace batchmark::testing {

class Draws {
 public:
  explicit Draws(uint64_t seed) : rng_(seed, RngStream::kSubset) {}

  size_t Of(size_t a, size_t b) {
    return a + rng_.Below(drawn_++, static_cast<uint32_t>(b - a + 1));
  }
  bool Coin() { return Of(0, 1) != 0; }
  // A size that a kernel meets: any, whole vectors, or a few beyond them.
  size_t Size(size_t most) {
    constexpr size_t kVector = 16;
    if (most < kVector || Coin()) return Of(1, most);
    return Of(1, most / kVector) * kVector + (Coin() ? 0 : Of(0, 8));
  }
  template <class T, size_t kCount>
  T From(const T (&values)[kCount]) {
    return values[Of(0, kCount - 1)];
  }

 private:
  Rng rng_;
  uint64_t drawn_ = 0;
};

}  // namespace batchmark::testing
