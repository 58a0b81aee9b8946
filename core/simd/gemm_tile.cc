// One template, instantiated for each number of rows, one or two vectors, and the two strides of A;
// its steps are in gemm_steps-inl.h, tiles of few products in gemm_shallow-inl.h.
#include "core/simd/gemm_tile.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/gemm_tile.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After highway.h, which these include for each target.
#include "core/simd/gemm_prefetch-inl.h"
#include "core/simd/gemm_shallow-inl.h"
#include "core/simd/gemm_steps-inl.h"
#include "core/simd/math-inl.h"
#include "core/simd/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {

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

// Sums of so many steps cover the fetch (depth 16 loses 2 to 5 % by it).
constexpr size_t kFetchSteps = 32;
bool IsDeep(const TileStrip& strip) { return size_t{strip.segments} * strip.depth >= kFetchSteps; }

// Whether TileOperands::a_spread is heard: not measured on others.
constexpr bool kFetchColumns = kAvx512;

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
