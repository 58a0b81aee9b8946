// Tiles of so few products an element that all else an ordinary tile does would take as long as its
// sums: one-channel images, whose pixels (the rows of A) are neighbours in memory, and products of
// little depth. Included by gemm_tile.cc inside Highway's target loop.
#if defined(BATCHMARK_CORE_SIMD_GEMM_SHALLOW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BATCHMARK_CORE_SIMD_GEMM_SHALLOW_INL_H_
#undef BATCHMARK_CORE_SIMD_GEMM_SHALLOW_INL_H_
#else
#define BATCHMARK_CORE_SIMD_GEMM_SHALLOW_INL_H_
#endif

#include <cstddef>
#include <cstring>
#include <utility>

#include "core/simd/gemm_tile.h"
#include "hwy/highway.h"
// After highway.h, which these include for each target.
#include "core/simd/gemm_prefetch-inl.h"
#include "core/simd/gemm_steps-inl.h"
#include "core/simd/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {

// Whole tiles, whose sums begin and end here.
template <bool kNeighbours>
bool IsShallow(const TileStrip& strip) {
  return strip.segments * strip.depth <= kShallowSum && strip.start == TileStart::kBias &&
         strip.finish && (kNeighbours || (strip.segments == 1 && strip.depth != 0));
}
inline bool AreShallow(const TileOperands& o, size_t columns) {
  return o.a_depth == 1 && o.a_group == 0 && o.act <= Activation::kRelu && !o.wide &&
         o.sgd == nullptr && columns == kMaxVectors * hn::Lanes(D());
}

// Strips of the same rows, depth, start and finish, compared as two words: field by field it takes
// as many instructions as half a step.
inline bool AreAlike(const TileStrip& a, const TileStrip& b) {
  return std::memcmp(&a, &b, offsetof(TileStrip, finish) + 1) == 0;
}

// acc += A B of a strip of little depth. An exit after each step takes fewer instructions than
// whole turns and what is left of them.
template <size_t kRows>
HWY_INLINE void ShallowSums(const float* HWY_RESTRICT a, size_t a_row, const float* HWY_RESTRICT b,
                            size_t b_depth, size_t depth, V (&acc)[kRows][kMaxVectors]) {
  RowPointers<kRows> rows(a, 3 * a_row);
  const size_t row_bytes = a_row * sizeof(float);
  for (;;) {
    StepAlongDepth(rows, row_bytes, 0, b, acc);
    if (--depth == 0) return;
    StepAlongDepth(rows, row_bytes, 1, b + b_depth, acc);
    if (--depth == 0) return;
    StepAlongDepth(rows, row_bytes, 2, b + 2 * b_depth, acc);
    if (--depth == 0) return;
    rows.Advance(3);
    b += 3 * b_depth;
  }
}

// The nine products an element of a 3 x 3 kernel on one channel, or of a product of that depth: 32
// registers hold all of B, so that C goes a few rows at a time and its stores come evenly between
// the sums, where those of 28 accumulators come at once (Granite Rapids, against ordinary shallow
// tiles: 21632 x 32 x 9 1.13 times as fast on one thread and two, that convolution 1.03 and 1.07).
inline constexpr bool kHoldsB = kWideRows != 0;  // 32 registers
template <bool kNeighbours>
struct HeldTaps {
  static constexpr size_t kSegments = kNeighbours ? 3 : 1, kDepth = kNeighbours ? 3 : 9;
  static constexpr size_t kCount = kSegments * kDepth;
  static bool Fit(const TileStrip& strip) {
    return strip.segments == kSegments && strip.depth == kDepth;
  }
};

// acc += A B of a strip whose rows of A are neighbours.
template <size_t kRows>
HWY_INLINE void NeighbourSums(const TileStrip& strip, const float* HWY_RESTRICT a, size_t a_segment,
                              const float* HWY_RESTRICT b, size_t b_segment, size_t b_depth,
                              V (&acc)[kRows][kMaxVectors]) {
  // The usual kernel without a loop: its taps take no more instructions than their loops would.
  using Taps = HeldTaps<true>;
  if constexpr (!kHoldsB) {
    if (HWY_LIKELY(Taps::Fit(strip))) {
#pragma GCC unroll 3
      for (size_t s = 0; s < Taps::kSegments; ++s, a += a_segment, b += b_segment) {
        const float* column = a;
        const float* row = b;
        StepsAlongRows<Taps::kDepth>(column, 1, row, b_depth, acc);
      }
      return;
    }
  }
  for (size_t s = strip.segments; s != 0; --s, a += a_segment, b += b_segment) {
    const float* column = a;
    const float* row = b;
    for (size_t k = strip.depth; k != 0; --k) StepsAlongRows<1>(column, 1, row, b_depth, acc);
  }
}

template <size_t kRows>
HWY_INLINE void FinishShallow(V (&acc)[kRows][kMaxVectors], bool relu, bool past,
                              float* HWY_RESTRICT c, size_t c_row) {
  if (relu) ReluTile(acc);
  if (past) {
    StoreTile<StoreKind::kPast>(acc, 0, c, c_row);
  } else {
    StoreTile<StoreKind::kWhole>(acc, 0, c, c_row);
  }
}

// From *strip on, which has kRows rows, as long as strips are like it; returns the first other one.
template <bool kNeighbours, size_t kRows>
HWY_NOINLINE const TileStrip* ShallowTiles(const TileStrip* strip, const TileStrip* end,
                                           const TileOperands& o, const PanelArgs& t,
                                           Prefetcher& prefetcher) {
  // Products of little depth: their sums are too short to cover a fetch of their own rows of C.
  constexpr ptrdiff_t kAhead = 2;
  constexpr bool kFetch = kFetchNew && !kNeighbours;
  V start[1][kMaxVectors];
  LoadStart(t.bias, 0, start);
  // Read once: Opaque would have them read again at each step.
  const size_t a_segment = o.a_segment, b_segment = o.b_segment, b_depth = o.b_depth;
  const size_t a_row = o.a_row, c_row = o.c_row;
  const bool relu = o.act == Activation::kRelu, past = o.past;
  const TileStrip first = *strip;
  for (; strip != end && AreAlike(*strip, first); ++strip) {
    if (kNeighbours) {
      prefetcher.AtStrip(prefetcher.stream());
    } else if (kFetch && !past && end - strip > kAhead) {
      FetchLines<kRows>(t.c + strip[kAhead].c, c_row);
    }
    V acc[kRows][kMaxVectors];
    StartTile(start, acc);
    const float* a = o.a + strip->a;
    const float* b = t.b + strip->b;
    if constexpr (kNeighbours) {
      NeighbourSums(*strip, a, a_segment, b, b_segment, b_depth, acc);
    } else {
      ShallowSums(a, a_row, b, b_depth, first.depth, acc);
    }
    FinishShallow(acc, relu, past, t.c + strip->c, c_row);
  }
  return strip;
}

// kRows rows of C. (A function, not a lambda: captured, B would be read from memory. And gcc may
// choose the registers of these multiply-adds, since all fit.)
template <class Taps, size_t kRows>
HWY_INLINE void HeldRows(const float* HWY_RESTRICT a, size_t a_row, size_t a_segment,
                         const V (&b)[Taps::kCount][kMaxVectors], const V (&start)[1][kMaxVectors],
                         bool relu, bool past, float* HWY_RESTRICT c, size_t c_row) {
  V acc[kRows][kMaxVectors];
  StartTile(start, acc);
#pragma GCC unroll 9
  for (size_t i = 0; i < Taps::kCount; ++i) {
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
      const size_t at = i / Taps::kDepth * a_segment + i % Taps::kDepth + r * a_row;
      const V tap = hn::Set(D(), a[at]);
#pragma GCC unroll 2
      for (size_t v = 0; v < kMaxVectors; ++v) acc[r][v] = hn::MulAdd(tap, b[i][v], acc[r][v]);
    }
  }
  FinishShallow(acc, relu, past, c, c_row);
}

// From *strip on, as long as strips are like it and meet the same B; returns the first other one.
template <bool kNeighbours>
HWY_NOINLINE const TileStrip* HeldTiles(const TileStrip* strip, const TileStrip* end,
                                        const TileOperands& o, const PanelArgs& t,
                                        Prefetcher& prefetcher) {
  using Taps = HeldTaps<kNeighbours>;
  const D d;
  const TileStrip first = *strip;
  const size_t a_row = kNeighbours ? 1 : o.a_row, a_segment = o.a_segment, c_row = o.c_row;
  const bool relu = o.act == Activation::kRelu, past = o.past;
  V start[1][kMaxVectors], b[Taps::kCount][kMaxVectors];
  LoadStart(t.bias, 0, start);
#pragma GCC unroll 9
  for (size_t i = 0; i < Taps::kCount; ++i) {
    const float* const row =
        t.b + first.b + i / Taps::kDepth * o.b_segment + i % Taps::kDepth * o.b_depth;
#pragma GCC unroll 2
    for (size_t v = 0; v < kMaxVectors; ++v) b[i][v] = hn::LoadU(d, row + v * hn::Lanes(d));
  }
  for (; strip != end && AreAlike(*strip, first) && strip->b == first.b; ++strip) {
    if (kNeighbours) prefetcher.AtStrip(prefetcher.stream());
    const float* a = o.a + strip->a;
    float* c = t.c + strip->c;
    for (size_t fours = first.rows / 4; fours != 0; --fours, a += 4 * a_row, c += 4 * c_row) {
      HeldRows<Taps, 4>(a, a_row, a_segment, b, start, relu, past, c, c_row);
    }
    if (first.rows & 2) {
      HeldRows<Taps, 2>(a, a_row, a_segment, b, start, relu, past, c, c_row);
      a += 2 * a_row, c += 2 * c_row;
    }
    if (first.rows & 1) HeldRows<Taps, 1>(a, a_row, a_segment, b, start, relu, past, c, c_row);
  }
  return strip;
}

template <bool kNeighbours, size_t... kRows>
TilesFunction ShallowFunctionOf(size_t rows, std::index_sequence<kRows...>) {
  static constexpr TilesFunction kTable[] = {&ShallowTiles<kNeighbours, kRows + 1>...};
  return kTable[rows - 1];
}
// Null: the strip takes ordinary tiles.
template <bool kNeighbours>
TilesFunction ShallowFunctionOf(const TileStrip& strip) {
  if (!IsShallow<kNeighbours>(strip)) return nullptr;
  if constexpr (kHoldsB) {
    if (HeldTaps<kNeighbours>::Fit(strip)) return &HeldTiles<kNeighbours>;
  }
  return ShallowFunctionOf<kNeighbours>(strip.rows, std::make_index_sequence<kMaxRows>());
}

}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#endif  // BATCHMARK_CORE_SIMD_GEMM_SHALLOW_INL_H_
