// What a register tile does: start, add products of a column of A and a row of B, store. The
// accumulators are V acc[rows][vectors], for the templates of gemm_tile.cc.
// Included by them inside Highway's target loop.
#if defined(BATCHMARK_CORE_SIMD_GEMM_STEPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BATCHMARK_CORE_SIMD_GEMM_STEPS_INL_H_
#undef BATCHMARK_CORE_SIMD_GEMM_STEPS_INL_H_
#else
#define BATCHMARK_CORE_SIMD_GEMM_STEPS_INL_H_
#endif

#include <cstddef>
#include <utility>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
// After highway.h, which these include for each target.
#include "core/simd/gemm_prefetch-inl.h"
#include "core/simd/math-inl.h"
#include "core/simd/mul_add-inl.h"
#include "core/simd/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::VFromD<D>;

// TileGeometry
#if (HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86) || HWY_ARCH_ARM_A64
inline constexpr size_t kMaxRows = 14;
inline constexpr size_t kWideRows = 6;
#else
inline constexpr size_t kMaxRows = 6;
inline constexpr size_t kWideRows = 0;  // 16 registers: no wide tile
#endif
inline constexpr size_t kMaxVectors = 2;
inline constexpr size_t kWideVectors = 4;

// What the tiles of one panel share.
struct PanelArgs {
  const float* b;
  float* c;
  float* sums;
  const float* bias;
  size_t columns;
  size_t tail;  // lanes in use of the last vector, 0 = all
};

// Forms tiles from *strip on, as long as strips are of its kind; returns the first other one.
using TilesFunction = const TileStrip* (*)(const TileStrip* strip, const TileStrip* end,
                                           const TileOperands&, const PanelArgs&, Prefetcher&);

// Hides how a value was formed, so that the compiler neither folds it into other addresses nor
// moves work across. Without this gcc spreads one stride over many index registers, and spills.
template <class T>
HWY_INLINE void Opaque(T& value) {
#if HWY_COMPILER_GCC || HWY_COMPILER_CLANG
  asm volatile("" : "+r"(value) : : "memory");
#else
  (void)value;
#endif
}

// Rows of A by groups of three, so that one pointer a group and a scaled index reach all of them:
// [p], [p + row], [p + 2 row]. Five pointers for 14 rows leave registers for B and the counter.
template <size_t kRows>
struct RowPointers {
  static constexpr size_t kGroups = (kRows + 2) / 3;
  const float* group[kGroups];

  HWY_INLINE RowPointers(const float* a, size_t group_stride) {
    for (size_t g = 0; g < kGroups; ++g, a += group_stride) {
      Opaque(a);
      group[g] = a;
    }
  }
  HWY_INLINE float At(size_t r, size_t row_bytes, size_t k) const {
    const char* const p = reinterpret_cast<const char*>(group[r / 3] + k);
    return *reinterpret_cast<const float*>(p + (r % 3) * row_bytes);
  }
  HWY_INLINE void Advance(size_t k) {
    for (size_t g = 0; g < kGroups; ++g) group[g] += k;
  }
};

// acc += column of A * row of B; column(r) is A's element of row r.
template <size_t kRows, size_t kVectors, class Column>
HWY_INLINE void Step(const Column& column, const float* HWY_RESTRICT b, V (&acc)[kRows][kVectors]) {
  const D d;
  V row_of_b[kVectors];
#pragma GCC unroll 4
  for (size_t v = 0; v < kVectors; ++v) row_of_b[v] = hn::LoadU(d, b + v * hn::Lanes(d));
#pragma GCC unroll 16
  for (size_t r = 0; r < kRows; ++r) {
    const V broadcast = hn::Set(d, column(r));
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) MulAddTo(acc[r][v], broadcast, row_of_b[v]);
  }
}

// Step with explicit addresses, for two vectors. (Functions, not lambdas: with accumulators
// captured gcc keeps them in memory.)
template <size_t kK, size_t kRows, size_t... kR>
HWY_INLINE void StepAlongDepthAt(const RowPointers<kRows>& rows, size_t row_bytes,
                                 const float* HWY_RESTRICT b, V (&acc)[kRows][2],
                                 std::index_sequence<kR...>) {
  const D d;
  const V row_of_b[2] = {hn::LoadU(d, b), hn::LoadU(d, b + hn::Lanes(d))};
  (MulAddBroadcast<kR % 3, kK * sizeof(float)>(acc[kR], rows.group[kR / 3], row_bytes, row_of_b),
   ...);
}
template <size_t kRows, size_t... kK>
HWY_INLINE void StepsAlongDepthAt(const RowPointers<kRows>& rows, size_t row_bytes,
                                  const float* HWY_RESTRICT& b, size_t b_depth, V (&acc)[kRows][2],
                                  std::index_sequence<kK...>) {
  ((StepAlongDepthAt<kK>(rows, row_bytes, b, acc, std::make_index_sequence<kRows>()), b += b_depth),
   ...);
}
template <int kScale, size_t kRows, size_t... kR>
HWY_INLINE void StepAlongRowsAt(const float* a, size_t index, const float* HWY_RESTRICT b,
                                V (&acc)[kRows][2], std::index_sequence<kR...>) {
  const D d;
  const V row_of_b[2] = {hn::LoadU(d, b), hn::LoadU(d, b + hn::Lanes(d))};
  (MulAddBroadcast<kScale, kR * sizeof(float)>(acc[kR], a, index, row_of_b), ...);
}

// The step of depth that comes k steps after `rows`, A with a_depth == 1.
template <size_t kRows, size_t kVectors>
HWY_INLINE void StepAlongDepth(const RowPointers<kRows>& rows, size_t row_bytes, size_t k,
                               const float* HWY_RESTRICT b, V (&acc)[kRows][kVectors]) {
  Step([&](size_t r) HWY_ATTR { return rows.At(r, row_bytes, k); }, b, acc);
}

// kCount steps of depth, A with a_depth == 1.
template <size_t kCount, size_t kRows, size_t kVectors>
HWY_INLINE void StepsAlongDepth(RowPointers<kRows>& rows, size_t row_bytes,
                                const float* HWY_RESTRICT& b, size_t b_depth,
                                V (&acc)[kRows][kVectors]) {
  if constexpr (kExplicitAddresses && kVectors == 2) {
    StepsAlongDepthAt(rows, row_bytes, b, b_depth, acc, std::make_index_sequence<kCount>());
  } else {
#pragma GCC unroll 8
    for (size_t k = 0; k < kCount; ++k) {
      Opaque(row_bytes);
      StepAlongDepth(rows, row_bytes, k, b, acc);
      b += b_depth;
    }
  }
  rows.Advance(kCount);
}

// acc += A B over one segment, A with a_depth == 1.
template <size_t kRows, size_t kVectors>
HWY_INLINE void SegmentAlongDepth(const float* HWY_RESTRICT a, size_t a_row, size_t a_group,
                                  const float* HWY_RESTRICT b, size_t b_depth, size_t depth,
                                  V (&acc)[kRows][kVectors], PrefetchStream& stream) {
  RowPointers<kRows> rows(a, a_group);
  const size_t row_bytes = a_row * sizeof(float);
  for (; depth >= kTurn; depth -= kTurn) {
    stream.Next();
    StepsAlongDepth<kTurn>(rows, row_bytes, b, b_depth, acc);
  }
  // Fewer than a turn, without a loop: with few channels there is nothing else.
  if constexpr (kTurn > 4) {
    if (depth & 4) StepsAlongDepth<4>(rows, row_bytes, b, b_depth, acc);
  }
  if (depth & 2) StepsAlongDepth<2>(rows, row_bytes, b, b_depth, acc);
  if (depth & 1) StepsAlongDepth<1>(rows, row_bytes, b, b_depth, acc);
}

// kCount steps of depth, A with a_row == 1: the rows of one k are neighbours.
template <size_t kCount, size_t kRows, size_t kVectors>
HWY_INLINE void StepsAlongRows(const float* HWY_RESTRICT& a, size_t a_depth,
                               const float* HWY_RESTRICT& b, size_t b_depth,
                               V (&acc)[kRows][kVectors]) {
  if constexpr (kExplicitAddresses && kVectors == 2) {
    constexpr auto kAll = std::make_index_sequence<kRows>();
    const size_t step = a_depth * sizeof(float), steps3 = 3 * step;
#pragma GCC unroll 2
    for (size_t k = 0; k + 4 <= kCount; k += 4) {
      StepAlongRowsAt<0>(a, step, b, acc, kAll);
      StepAlongRowsAt<1>(a, step, b += b_depth, acc, kAll);
      StepAlongRowsAt<2>(a, step, b += b_depth, acc, kAll);
      StepAlongRowsAt<1>(a, steps3, b += b_depth, acc, kAll);
      a += 4 * a_depth, b += b_depth;
      Opaque(a);
    }
    if constexpr (kCount % 4 > 0) StepAlongRowsAt<0>(a, step, b, acc, kAll);
    if constexpr (kCount % 4 > 1) StepAlongRowsAt<1>(a, step, b += b_depth, acc, kAll);
    if constexpr (kCount % 4 > 2) StepAlongRowsAt<2>(a, step, b += b_depth, acc, kAll);
    if constexpr (kCount % 4 > 0) a += kCount % 4 * a_depth, b += b_depth;
  } else {
#pragma GCC unroll 8
    for (size_t k = 0; k < kCount; ++k) {
      Opaque(a);
      Step([&](size_t r) HWY_ATTR { return a[r]; }, b, acc);
      a += a_depth;
      b += b_depth;
    }
  }
}

// Columns of A [a_depth apart], each of them in one line or two.
template <size_t kRows>
HWY_INLINE void FetchTurn(const float* a, size_t a_depth) {
#pragma GCC unroll 8
  for (size_t k = 0; k < kTurn; ++k, a += a_depth) {
    Opaque(a);
    hwy::Prefetch(a);
    if (kRows > 1) hwy::Prefetch(a + (kRows - 1));
  }
}

// acc += A B over one segment, A with a_row == 1.
template <bool kSpread, size_t kRows, size_t kVectors>
HWY_INLINE void SegmentAlongRows(const float* HWY_RESTRICT a, size_t a_depth,
                                 const float* HWY_RESTRICT b, size_t b_depth, size_t depth,
                                 V (&acc)[kRows][kVectors], PrefetchStream& stream) {
  // Of so many steps the second cache's answer is here in time, and their lines find room in the
  // few sets that rows a power of two apart share.
  constexpr size_t kAhead = 3;
  for (; depth >= kTurn; depth -= kTurn) {
    stream.Next();
    if constexpr (kSpread) FetchTurn<kRows>(a + kAhead * a_depth, a_depth);
    StepsAlongRows<kTurn>(a, a_depth, b, b_depth, acc);
  }
  for (; depth != 0; --depth) StepsAlongRows<1>(a, a_depth, b, b_depth, acc);
}

template <bool kTail, size_t kRows, size_t kVectors>
HWY_INLINE void LoadTile(const float* HWY_RESTRICT c, size_t c_row, size_t tail,
                         V (&acc)[kRows][kVectors]) {
  const D d;
#pragma GCC unroll 16
  for (size_t r = 0; r < kRows; ++r, c += c_row) {
    Opaque(c);
#pragma GCC unroll 4
    for (size_t v = 0; v + 1 < kVectors; ++v) acc[r][v] = hn::LoadU(d, c + v * hn::Lanes(d));
    acc[r][kVectors - 1] = LoadMaybeTail<kTail>(d, c + (kVectors - 1) * hn::Lanes(d), tail);
  }
}

// What every row of a tile starts from: bias[0 .. vectors), or zeros where bias is null.
template <size_t kVectors>
HWY_INLINE void LoadStart(const float* HWY_RESTRICT bias, size_t tail, V (&start)[1][kVectors]) {
  const D d;
  for (size_t v = 0; v < kVectors; ++v) start[0][v] = hn::Zero(d);
  if (bias != nullptr) LoadTile<true>(bias, 0, tail == 0 ? hn::Lanes(d) : tail, start);
}

template <size_t kRows, size_t kVectors>
HWY_INLINE void StartTile(const V (&start)[1][kVectors], V (&acc)[kRows][kVectors]) {
#pragma GCC unroll 16
  for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) acc[r][v] = start[0][v];
  }
}

enum class StoreKind { kWhole, kTail, kPast };  // kTail: part of the last vector

template <StoreKind kKind, size_t kRows, size_t kVectors>
HWY_INLINE void StoreTile(const V (&acc)[kRows][kVectors], size_t tail, float* HWY_RESTRICT c,
                          size_t c_row) {
  const D d;
#pragma GCC unroll 16
  for (size_t r = 0; r < kRows; ++r, c += c_row) {
    Opaque(c);
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) {
      float* const to = c + v * hn::Lanes(d);
      if constexpr (kKind == StoreKind::kPast) {
        hn::Stream(acc[r][v], d, to);
      } else if (kKind == StoreKind::kTail && v + 1 == kVectors) {
        StoreTail(acc[r][v], d, to, tail);
      } else {
        hn::StoreU(acc[r][v], d, to);
      }
    }
  }
}

// c holds weights w, acc the sums of their gradient:  w -= lr (acc + weight_decay w), in the order
// of SgdRow (pointwise_rows.cc), so that both give the same bits.
template <size_t kRows, size_t kVectors>
HWY_INLINE void DescendTile(const V (&acc)[kRows][kVectors], const SgdStep& sgd, size_t tail,
                            float* HWY_RESTRICT c, size_t c_row) {
  const D d;
  const V lr = hn::Set(d, sgd.lr), decay = hn::Set(d, sgd.weight_decay);
#pragma GCC unroll 16
  for (size_t r = 0; r < kRows; ++r, c += c_row) {
    Opaque(c);
    float* const last = c + (kVectors - 1) * hn::Lanes(d);
    if constexpr (kVectors == 2) hn::StoreU(Descend(lr, decay, hn::LoadU(d, c), acc[r][0]), d, c);
    if (HWY_LIKELY(tail == 0)) {
      hn::StoreU(Descend(lr, decay, hn::LoadU(d, last), acc[r][kVectors - 1]), d, last);
    } else {
      const V w = LoadTail(d, last, tail);
      StoreTail(Descend(lr, decay, w, acc[r][kVectors - 1]), d, last, tail);
    }
  }
}

// Whether rows of C that are only written are fetched before the sums of a tile. On AVX-512 they
// are as many lines as a core can have in flight: A and B wait behind them (Emerald Rapids: 36864 x
// 64 x 32 TN 0.96, x 128 0.97, 4096 x 256 x 256 0.99, convolutions 0.99 to 1.00), and so do the
// stores of the tile before, where sums are short (86528 x 32 x 9: 10 to 20 % slower).
inline constexpr bool kFetchNew = !kAvx512;

template <size_t kRows>
HWY_INLINE void FetchLines(const float* c, size_t c_row) {
  for (size_t r = 0; r < kRows; ++r, c += c_row) FetchToWrite(c);
}

template <size_t kRows, size_t kVectors>
HWY_INLINE void ReluTile(V (&acc)[kRows][kVectors]) {
  const D d;
#pragma GCC unroll 16
  for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) acc[r][v] = Activate<Activation::kRelu>(d, acc[r][v]);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#endif  // BATCHMARK_CORE_SIMD_GEMM_STEPS_INL_H_
