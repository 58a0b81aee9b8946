// What blockings assume of a core's caches. It follows from the lanes of its vectors, so that the cut
// of a problem depends on the backend and the problem alone: vectors of 64 bytes come with 48 KiB and
// 1 or 2 MiB (most of them), shorter ones with 32 KiB and 512 KiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>

#include "core/base/aligned.h"

namespace batchmark {

constexpr bool HasLargeCaches(size_t lanes) { return lanes == kLineFloats; }

// Whether rows of so many floats from p on are whole lines, as what is stored past the caches has to be.
inline bool AreWholeLines(size_t row, const float* p) {
  return row % kLineFloats == 0 && reinterpret_cast<uintptr_t>(p) % (kLineFloats * sizeof(float)) == 0;
}

// Lines of rows `row` floats apart, a line or less of each, that the first cache holds: 64 sets of 8
// or 12 lines, of which rows that are whole lines apart use but some.
constexpr size_t HeldLines(size_t row, size_t lanes) {
  constexpr size_t kSets = 64;
  const size_t ways = HasLargeCaches(lanes) ? 12 : 8;
  return ways * (row % kLineFloats == 0 ? kSets / std::gcd(kSets, row / kLineFloats) : kSets);
}

// So many floats still lie in the second cache when a step of training comes back to them: of small
// vectors' caches none is counted on. To fetch them costs an MLP's small products 2 to 10 %.
constexpr size_t NearFloats(size_t lanes) { return HasLargeCaches(lanes) ? size_t{192} << 10 : 0; }

}  // namespace batchmark
