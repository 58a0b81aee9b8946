// One template, instantiated for each number of rows, one or two vectors, and the two strides of A;
// its steps are in gemm_steps-inl.h.
#include "core/simd/gemm_tile.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/gemm_tile.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After highway.h, which these include for each target.
#include "core/simd/gemm_prefetch-inl.h"
#include "core/simd/gemm_steps-inl.h"
#include "core/simd/math-inl.h"
#include "core/simd/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {

// What the tiles of one panel share.
struct PanelArgs {
  const float* b;
  float* c;
  float* sums;
  const float* bias;
  size_t columns;
  size_t tail;  // lanes in use of the last vector, 0 = all
};

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

// Whether rows of C that are only written are fetched before the sums of a tile. On AVX-512 they
// are as many lines as a core can have in flight: A and B wait behind them (Emerald Rapids: 36864 x
// 64 x 32 TN 0.96, x 128 0.97, 4096 x 256 x 256 0.99, convolutions 0.99 to 1.00), and so do the
// stores of the tile before, where sums are short (86528 x 32 x 9: 10 to 20 % slower).
constexpr bool kFetchNew = !kAvx512;
// Sums of so many steps cover the fetch (depth 16 loses 2 to 5 % by it).
constexpr size_t kFetchSteps = 32;
bool IsDeep(const TileStrip& strip) { return size_t{strip.segments} * strip.depth >= kFetchSteps; }

// Whether TileOperands::a_spread is heard: not measured on others.
constexpr bool kFetchColumns = kAvx512;

template <size_t kRows>
HWY_INLINE void FetchLines(const float* c, size_t c_row) {
  for (size_t r = 0; r < kRows; ++r, c += c_row) FetchToWrite(c);
}

// Rows a multiple of 4 KiB apart share a set of the first cache, and of more than 8 the first would
// be pushed out before the last is stored.
template <size_t kRows>
bool ShareSet(size_t c_row) {
  return kRows > 8 && c_row % 1024 == 0;
}

// Rows of C that are touched only after the sums of a tile: fetched before them. `last` as of
// LastToFetch.
template <size_t kRows>
HWY_INLINE void FetchRows(size_t last, const float* c, size_t c_row) {
  FetchLines<kRows>(c, c_row);
  if (last != 0) FetchLines<kRows>(c + last, c_row);
}

// The last column, or 0 where a row of the panel lies in a single line.
size_t LastToFetch(const float* c, size_t c_row, size_t columns) {
  constexpr size_t kLine = PrefetchStream::kLine, kFloats = kLine / sizeof(float);
  const size_t begin = reinterpret_cast<uintptr_t>(c) % kLine / sizeof(float);
  return c_row % kFloats == 0 && begin + columns <= kFloats ? 0 : columns - 1;
}

// Tiles from *strip on, as long as they have kRows rows; returns the first of the others.
template <size_t kRows, size_t kVectors, bool kAlongRows>
HWY_NOINLINE const TileStrip* Tiles(const TileStrip* strip, const TileStrip* end,
                                    const TileOperands& o, const PanelArgs& t,
                                    Prefetcher& prefetcher) {
  const size_t a_group = o.a_group != 0 ? o.a_group : 3 * o.a_row;
  const bool relu = o.act == Activation::kRelu, late = IsExponential(o.act);
  const bool fetch = !o.past;
  // Weights that take a step are read. As deep as the first strip, so all: this is advice only.
  const bool fetch_new =
      fetch && !ShareSet<kRows>(o.c_row) && (o.sgd != nullptr || (kFetchNew && IsDeep(*strip)));
  const size_t last = LastToFetch(t.c, o.c_row, t.columns);
  PrefetchStream stream = prefetcher.stream();
  for (; strip != end && strip->rows == kRows; ++strip) {
    float* const c = t.c + strip->c;
    const bool held = o.sums != nullptr && !strip->finish;  // C is not touched
    prefetcher.AtStrip(stream);
    V acc[kRows][kVectors];
    if (HWY_LIKELY(strip->start == TileStart::kBias)) {
      if (fetch_new && !held) FetchRows<kRows>(last, c, o.c_row);
      V start[1][kVectors];
      LoadStart(t.bias, t.tail, start);
      StartTile(start, acc);
    } else if (strip->start == TileStart::kSums) {
      if (fetch && !held) FetchRows<kRows>(last, c, o.c_row);
      LoadTile<false>(t.sums + strip->sums, kVectors * hn::Lanes(D()), 0, acc);
    } else {
      if (strip + 1 != end) FetchRows<kRows>(last, t.c + strip[1].c, o.c_row);
      if (t.tail == 0) {
        LoadTile<false>(c, o.c_row, 0, acc);
      } else {
        LoadTile<true>(c, o.c_row, t.tail, acc);
      }
    }
    const float* a = o.a + strip->a;
    const float* b = t.b + strip->b;
    for (size_t s = strip->segments; s != 0; --s) {
      if constexpr (kAlongRows) {
        if (kFetchColumns && o.a_spread) {
          SegmentAlongRows<true>(a, o.a_depth, b, o.b_depth, strip->depth, acc, stream);
        } else {
          SegmentAlongRows<false>(a, o.a_depth, b, o.b_depth, strip->depth, acc, stream);
        }
      } else {
        SegmentAlongDepth<kRows, kVectors>(a, o.a_row, a_group, b, o.b_depth, strip->depth, acc,
                                           stream);
      }
      a += o.a_segment;
      b += o.b_segment;
    }
    if (HWY_UNLIKELY(held)) {
      StoreTile<StoreKind::kWhole>(acc, 0, t.sums + strip->sums, kVectors * hn::Lanes(D()));
      continue;
    }
    if constexpr (kAlongRows) {
      if (o.sgd != nullptr) {
        DescendTile(acc, *o.sgd, t.tail, c, o.c_row);
        continue;
      }
    }
    if (relu && strip->finish) ReluTile(acc);
    if (o.past) {
      StoreTile<StoreKind::kPast>(acc, 0, c, o.c_row);
    } else if (t.tail == 0) {
      StoreTile<StoreKind::kWhole>(acc, 0, c, o.c_row);
    } else {
      StoreTile<StoreKind::kTail>(acc, t.tail, c, o.c_row);
    }
    if (late && strip->finish) ActivateRows(o.act, kRows, t.columns, c, o.c_row);
  }
  prefetcher.stream() = stream;
  return strip;
}

// Whole tiles of so few products an element that all else an ordinary tile does would take as long
// as its sums: one-channel images, whose pixels (the rows of A) are neighbours in memory, and
// products of little depth.
template <bool kNeighbours>
bool IsShallow(const TileStrip& strip) {
  constexpr size_t kFew = 16;
  return strip.segments * strip.depth <= kFew && strip.start == TileStart::kBias && strip.finish &&
         (kNeighbours || (strip.segments == 1 && strip.depth != 0));
}
bool AreShallow(const TileOperands& o, size_t columns) {
  return o.a_depth == 1 && o.a_group == 0 && o.act <= Activation::kRelu && !o.wide &&
         o.sgd == nullptr && columns == kMaxVectors * hn::Lanes(D());
}

// Strips of the same rows, depth, start and finish, compared as two words: field by field it takes
// as many instructions as half a step.
bool AreAlike(const TileStrip& a, const TileStrip& b) {
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

// acc += A B of a strip whose rows of A are neighbours.
template <size_t kRows>
HWY_INLINE void NeighbourSums(const TileStrip& strip, const float* HWY_RESTRICT a, size_t a_segment,
                              const float* HWY_RESTRICT b, size_t b_segment, size_t b_depth,
                              V (&acc)[kRows][kMaxVectors]) {
  // The usual kernel without a loop: its taps take no more instructions than their loops would.
  if (HWY_LIKELY(strip.segments == 3 && strip.depth == 3)) {
#pragma GCC unroll 3
    for (size_t s = 0; s < 3; ++s, a += a_segment, b += b_segment) {
      const float* column = a;
      const float* row = b;
      StepsAlongRows<3>(column, 1, row, b_depth, acc);
    }
    return;
  }
  for (size_t s = strip.segments; s != 0; --s, a += a_segment, b += b_segment) {
    const float* column = a;
    const float* row = b;
    for (size_t k = strip.depth; k != 0; --k) StepsAlongRows<1>(column, 1, row, b_depth, acc);
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
    if (relu) ReluTile(acc);
    if (past) {
      StoreTile<StoreKind::kPast>(acc, 0, t.c + strip->c, c_row);
    } else {
      StoreTile<StoreKind::kWhole>(acc, 0, t.c + strip->c, c_row);
    }
  }
  return strip;
}

using TilesFunction = const TileStrip* (*)(const TileStrip*, const TileStrip*, const TileOperands&,
                                           const PanelArgs&, Prefetcher&);

template <bool kNeighbours, size_t... kRows>
TilesFunction ShallowFunctionOf(size_t rows, std::index_sequence<kRows...>) {
  static constexpr TilesFunction kTable[] = {&ShallowTiles<kNeighbours, kRows + 1>...};
  return kTable[rows - 1];
}
// Null: the strip takes ordinary tiles.
template <bool kNeighbours>
TilesFunction ShallowFunctionOf(const TileStrip& strip) {
  if (!IsShallow<kNeighbours>(strip)) return nullptr;
  return ShallowFunctionOf<kNeighbours>(strip.rows, std::make_index_sequence<kMaxRows>());
}

template <size_t kVectors, bool kAlongRows, size_t... kRows>
TilesFunction FunctionOf(size_t rows, std::index_sequence<kRows...>) {
  static constexpr TilesFunction kTable[] = {&Tiles<kRows + 1, kVectors, kAlongRows>...};
  return kTable[rows - 1];
}

template <bool kAlongRows>
TilesFunction FunctionOf(size_t rows, size_t vectors) {
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
  const bool along_rows = o.a_depth != 1 || o.sgd != nullptr;
  Prefetcher prefetcher(strips, count, CeilDiv(o.columns, panel_width), o);
  const TileStrip* const end = strips + count;
  for (size_t j = 0, panel = 0; j < o.columns; j += panel_width, ++panel) {
    const size_t columns = std::min(panel_width, o.columns - j);
    const size_t vectors = o.wide ? kWideVectors : columns > lanes ? 2 : 1;
    const PanelArgs args{.b = o.b + panel * o.b_panel,
                         .c = o.c + j,
                         .sums = o.sums + panel * o.sums_panel,
                         .bias = o.bias == nullptr ? nullptr : o.bias + j,
                         .columns = columns,
                         .tail = columns % lanes};
    const bool shallow = AreShallow(o, columns), neighbours = o.a_row == 1;
    for (const TileStrip* strip = strips; strip != end;) {
      TilesFunction run = nullptr;
      if (shallow)
        run = neighbours ? ShallowFunctionOf<true>(*strip) : ShallowFunctionOf<false>(*strip);
      if (run == nullptr) {
        run = along_rows ? FunctionOf<true>(strip->rows, vectors)
                         : FunctionOf<false>(strip->rows, vectors);
      }
      strip = run(strip, end, o, args, prefetcher);
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
