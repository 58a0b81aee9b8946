// One template, instantiated for each number of rows, one or two vectors, and the two strides of A.
#include "core/simd/gemm_tile.h"

#include <algorithm>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/gemm_tile.cc"
#include "hwy/foreach_target.h"
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

#if (HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86) || HWY_ARCH_ARM_A64
inline constexpr size_t kMaxRows = 14;
inline constexpr size_t kWideRows = 6;
#else
inline constexpr size_t kMaxRows = 6;
inline constexpr size_t kWideRows = 0;  // 16 registers: no wide tile
#endif
inline constexpr size_t kMaxVectors = 2;
inline constexpr size_t kWideVectors = 4;

// What one tile needs, resolved for its panel.
struct TileArgs {
  const float* a;
  const float* b;
  float* c;
  const float* bias;
  size_t tail;  // lanes in use of the last vector, 0 = all
};

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
  HWY_INLINE const float& At(size_t r, size_t row, size_t k) const {
    return (group[r / 3] + k)[(r % 3) * row];
  }
  HWY_INLINE void Advance(size_t k) {
    for (size_t g = 0; g < kGroups; ++g) group[g] += k;
  }
};

// acc += column of A * row of B; column(r) refers to A's element of row r. Of every kOf rows of A,
// the one numbered kOperand is broadcast by its multiply-adds.
template <size_t kOperand, size_t kOf, size_t kRows, size_t kVectors, class Column>
HWY_INLINE void Step(const Column& column, const float* HWY_RESTRICT b, V (&acc)[kRows][kVectors]) {
  const D d;
  V row_of_b[kVectors];
#pragma GCC unroll 4
  for (size_t v = 0; v < kVectors; ++v) row_of_b[v] = hn::LoadU(d, b + v * hn::Lanes(d));
#pragma GCC unroll 16
  for (size_t r = 0; r < kRows; ++r) {
    if constexpr (kBroadcastOperands && kVectors <= kMaxVectors) {
      if (r % kOf == kOperand) {
#pragma GCC unroll 2
        for (size_t v = 0; v < kVectors; ++v) MulAddTo(acc[r][v], column(r), row_of_b[v]);
        continue;
      }
    }
    const V broadcast = hn::Set(d, column(r));
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) MulAddTo(acc[r][v], broadcast, row_of_b[v]);
  }
}

// kCount steps of depth, A with a_depth == 1.
template <size_t kCount, size_t kRows, size_t kVectors>
HWY_INLINE void StepsAlongDepth(RowPointers<kRows>& rows, size_t a_row,
                                const float* HWY_RESTRICT& b, size_t b_depth,
                                V (&acc)[kRows][kVectors]) {
#pragma GCC unroll 8
  for (size_t k = 0; k < kCount; ++k) {
    Opaque(a_row);
    // The first row of each group of three needs no index.
    Step<0, 3>([&](size_t r) HWY_ATTR -> const float& { return rows.At(r, a_row, k); }, b, acc);
    b += b_depth;
  }
  rows.Advance(kCount);
}

// acc += A B over one segment, A with a_depth == 1.
template <size_t kRows, size_t kVectors>
HWY_INLINE void SegmentAlongDepth(const float* HWY_RESTRICT a, size_t a_row, size_t a_group,
                                  const float* HWY_RESTRICT b, size_t b_depth, size_t depth,
                                  V (&acc)[kRows][kVectors], PrefetchStream& stream) {
  RowPointers<kRows> rows(a, a_group);
  for (; depth >= kTurn; depth -= kTurn) {
    stream.Next();
    StepsAlongDepth<kTurn>(rows, a_row, b, b_depth, acc);
  }
  // Fewer than a turn, without a loop: with few channels there is nothing else.
  if constexpr (kTurn > 4) {
    if (depth & 4) StepsAlongDepth<4>(rows, a_row, b, b_depth, acc);
  }
  if (depth & 2) StepsAlongDepth<2>(rows, a_row, b, b_depth, acc);
  if (depth & 1) StepsAlongDepth<1>(rows, a_row, b, b_depth, acc);
}

// The same with a_row == 1: the rows of one k are neighbours.
template <size_t kRows, size_t kVectors>
HWY_INLINE void SegmentAlongRows(const float* HWY_RESTRICT a, size_t a_depth,
                                 const float* HWY_RESTRICT b, size_t b_depth, size_t depth,
                                 V (&acc)[kRows][kVectors], PrefetchStream& stream) {
  for (; depth >= kTurn; depth -= kTurn) {
    stream.Next();
#pragma GCC unroll 8
    for (size_t k = 0; k < kTurn; ++k) {
      Opaque(a);
      Step<1, 2>([&](size_t r) HWY_ATTR -> const float& { return a[r]; }, b, acc);
      a += a_depth;
      b += b_depth;
    }
  }
  for (; depth != 0; --depth) {
    Step<1, 2>([&](size_t r) HWY_ATTR -> const float& { return a[r]; }, b, acc);
    a += a_depth;
    b += b_depth;
  }
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

// Activations with an exponential work on the rows just stored: inlined into every tile they would
// be larger than the tile.
HWY_NOINLINE void ActivateRows(Activation act, size_t rows, size_t columns, float* HWY_RESTRICT c,
                               size_t c_row) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  WithActivation(act, [&](auto tag) HWY_ATTR {
    constexpr Activation kAct = decltype(tag)::value;
    for (size_t r = 0; r < rows; ++r) {
      float* HWY_RESTRICT row = c + r * c_row;
      size_t j = 0;
      for (; j + lanes <= columns; j += lanes) {
        hn::StoreU(Activate<kAct>(d, hn::LoadU(d, row + j)), d, row + j);
      }
      if (j < columns) {
        const size_t n = columns - j;
        StoreTail(Activate<kAct>(d, LoadTail(d, row + j, n)), d, row + j, n);
      }
    }
  });
}

// w -= lr (sums + weight_decay w), in the order of SgdRow (pointwise_rows.cc): the same bits. On
// the sums as a tile has stored them, in the first cache: inlined, it would double the tiles' code.
HWY_NOINLINE void DescendRows(const SgdStep& sgd, size_t rows, size_t columns,
                              const float* HWY_RESTRICT sums, size_t sums_row,
                              float* HWY_RESTRICT w, size_t w_row) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const V lr = hn::Set(d, sgd.lr), decay = hn::Set(d, sgd.weight_decay);
  for (size_t r = 0; r < rows; ++r, sums += sums_row, w += w_row) {
    size_t j = 0;
    for (; j + lanes <= columns; j += lanes) {
      const V old = hn::LoadU(d, w + j);
      const V g = hn::MulAdd(decay, old, hn::LoadU(d, sums + j));
      hn::StoreU(hn::NegMulAdd(lr, g, old), d, w + j);
    }
    if (j < columns) {
      const size_t n = columns - j;
      const V old = LoadTail(d, w + j, n);
      const V g = hn::MulAdd(decay, old, LoadTail(d, sums + j, n));
      StoreTail(hn::NegMulAdd(lr, g, old), d, w + j, n);
    }
  }
}

template <size_t kRows, size_t kVectors, bool kAlongRows>
HWY_NOINLINE void Tile(const TileStrip& strip, const TileOperands& o, const TileArgs& t,
                       PrefetchStream& prefetch) {
  const D d;
  V acc[kRows][kVectors];
  if (strip.start == TileStart::kLoad) {
    if (t.tail == 0) {
      LoadTile<false>(t.c, o.c_row, 0, acc);
    } else {
      LoadTile<true>(t.c, o.c_row, t.tail, acc);
    }
  } else {
    V first[1][kVectors];
    for (size_t v = 0; v < kVectors; ++v) first[0][v] = hn::Zero(d);
    if (t.bias != nullptr) {
      LoadTile<true>(t.bias, 0, t.tail == 0 ? hn::Lanes(d) : t.tail, first);
    }
#pragma GCC unroll 16
    for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; ++v) acc[r][v] = first[0][v];
    }
  }
  const float* a = t.a;
  const float* b = t.b;
  PrefetchStream stream = prefetch;
  const size_t a_group = o.a_group != 0 ? o.a_group : 3 * o.a_row;
  for (size_t s = strip.segments; s != 0; --s) {
    if constexpr (kAlongRows) {
      SegmentAlongRows<kRows, kVectors>(a, o.a_depth, b, o.b_depth, strip.depth, acc, stream);
    } else {
      SegmentAlongDepth<kRows, kVectors>(a, o.a_row, a_group, b, o.b_depth, strip.depth, acc,
                                         stream);
    }
    a += o.a_segment;
    b += o.b_segment;
  }
  prefetch = stream;
  if (strip.finish && o.act == Activation::kRelu) {
#pragma GCC unroll 16
    for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; ++v) acc[r][v] = Activate<Activation::kRelu>(d, acc[r][v]);
    }
  }
  if (o.past) {
    StoreTile<StoreKind::kPast>(acc, 0, t.c, o.c_row);
  } else if (t.tail == 0) {
    StoreTile<StoreKind::kWhole>(acc, 0, t.c, o.c_row);
  } else {
    StoreTile<StoreKind::kTail>(acc, t.tail, t.c, o.c_row);
  }
}

using TileFunction = void (*)(const TileStrip&, const TileOperands&, const TileArgs&,
                              PrefetchStream&);

template <size_t kVectors, bool kAlongRows, size_t... kRows>
TileFunction FunctionOf(size_t rows, std::index_sequence<kRows...>) {
  static constexpr TileFunction kTable[] = {&Tile<kRows + 1, kVectors, kAlongRows>...};
  return kTable[rows - 1];
}

template <bool kAlongRows>
TileFunction FunctionOf(size_t rows, size_t vectors) {
  if constexpr (kWideRows != 0 && !kAlongRows) {
    if (vectors > kMaxVectors) {
      return FunctionOf<kWideVectors, kAlongRows>(rows, std::make_index_sequence<kWideRows>());
    }
  }
  constexpr auto kRows = std::make_index_sequence<kMaxRows>();
  return vectors == 1 ? FunctionOf<1, kAlongRows>(rows, kRows)
                      : FunctionOf<2, kAlongRows>(rows, kRows);
}

void RunTilesOnTarget(const TileStrip* strips, size_t count, const TileOperands& o) {
  const size_t lanes = hn::Lanes(D());
  const size_t panel_width = (o.wide ? kWideVectors : kMaxVectors) * lanes;
  const bool late = o.act == Activation::kSigmoid || o.act == Activation::kTanh;
  const bool along_rows = o.a_depth != 1;
  Prefetcher prefetcher(strips, count, (o.columns + panel_width - 1) / panel_width, o);
  HWY_ALIGN float sums[kMaxRows * kMaxVectors * hn::MaxLanes(D())];
  TileOperands to_sums = o;
  to_sums.c_row = panel_width;
  TileArgs args;
  for (size_t j = 0, panel = 0; j < o.columns; j += panel_width, ++panel) {
    const size_t columns = std::min(panel_width, o.columns - j);
    const size_t vectors = o.wide ? kWideVectors : columns > lanes ? 2 : 1;
    args.bias = o.bias == nullptr ? nullptr : o.bias + j;
    args.tail = columns % lanes;
    for (size_t i = 0; i < count; ++i) {
      const TileStrip& strip = strips[i];
      args.a = o.a + strip.a;
      args.b = o.b + strip.b + panel * o.b_panel;
      float* const c = o.c + strip.c + j;
      args.c = o.sgd == nullptr ? c : sums;
      const TileFunction tile = along_rows ? FunctionOf<true>(strip.rows, vectors)
                                           : FunctionOf<false>(strip.rows, vectors);
      tile(strip, o.sgd == nullptr ? o : to_sums, args, prefetcher.Before(strip));
      if (o.sgd != nullptr) {
        DescendRows(*o.sgd, strip.rows, columns, sums, panel_width, c, o.c_row);
      }
      if (late && strip.finish) ActivateRows(o.act, strip.rows, columns, c, o.c_row);
    }
  }
  if (o.past) hwy::FlushStream();
}

TileGeometry GeometryOnTarget(bool wide) {
  const size_t lanes = hn::Lanes(D());
  if (wide) return {kWideRows, lanes, kWideVectors * lanes};
  return {kMaxRows, lanes, kMaxVectors * lanes};
}

}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace batchmark {

HWY_EXPORT(RunTilesOnTarget);
HWY_EXPORT(GeometryOnTarget);

TileGeometry ActiveTileGeometry(bool wide) { return HWY_DYNAMIC_DISPATCH(GeometryOnTarget)(wide); }

void RunTiles(const TileStrip* strips, size_t count, const TileOperands& operands) {
  HWY_DYNAMIC_DISPATCH(RunTilesOnTarget)(strips, count, operands);
}

}  // namespace batchmark
#endif  // HWY_ONCE
