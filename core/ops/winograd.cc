#include "core/ops/winograd.h"

#include <algorithm>

#include "core/base/parts.h"
#include "core/ops/chunks.h"

namespace batchmark {
namespace {

constexpr size_t kLeastChannels = 32;
// Strips of tiles that are transformed together: their products pass over each panel of taps, which
// comes from the second cache, while it is in the first.
constexpr size_t kPartStrips = 3;
// Tiles of a band, the depth of the weight gradient's products: the more, the fewer times C is read
// and written.
constexpr size_t kBandTiles = 56;
// What lies a product apart is off multiples of 4 KiB, which would share a set of the first cache.
constexpr size_t kOffset = 16;

// Floats from product to product, and within one from row to row.
struct Strides {
  size_t product, row;
};

// The strips [begin, end) of `rows`, the first of which A and C begin with, in all products.
std::vector<TileStrip> ProductStrips(const EvenParts& rows, size_t begin, size_t end, size_t depth,
                                     TileStart start, const Strides& a, size_t b_product,
                                     const Strides& c) {
  std::vector<TileStrip> strips;
  TileStrip strip;
  strip.segments = 1, strip.depth = static_cast<uint32_t>(depth);
  strip.start = start, strip.finish = true;
  for (size_t x = 0; x < kWinogradProducts; ++x) {
    for (size_t p = begin; p < end; ++p) {
      const size_t row = rows.begin(p) - rows.begin(begin);
      strip.rows = static_cast<uint32_t>(rows.begin(p + 1) - rows.begin(p));
      strip.a = static_cast<ptrdiff_t>(x * a.product + row * a.row);
      strip.b = static_cast<ptrdiff_t>(x * b_product);
      strip.c = static_cast<ptrdiff_t>(x * c.product + row * c.row);
      strips.push_back(strip);
    }
  }
  return strips;
}

}  // namespace

bool Winograd::Serves(const Correlation& s, const TileGeometry& tile) {
  return s.kernel_h == 3 && s.kernel_w == 3 && s.depth % tile.lanes == 0 &&
         s.columns % tile.lanes == 0 && std::min(s.depth, s.columns) >= kLeastChannels &&
         std::min(s.out_h, s.out_w) >= kWinogradOutputs;
}

Winograd::Winograd(const Correlation& shape, const TileGeometry& tile)
    : shape_(shape),
      panel_(tile.panel),
      panels_(CeilDiv(shape.columns, tile.panel)),
      taps_(kWinogradProducts * shape.depth * panels_ * panel_),
      zeros_(std::max(shape.depth, shape.columns)) {
  const size_t row = CeilDiv(shape.out_w, kWinogradOutputs);
  const size_t tiles = CeilDiv(shape.out_h, kWinogradOutputs) * row;
  const EvenParts strips{tiles, CeilDiv(tiles, tile.rows)};
  const EvenParts parts{strips.parts, CeilDiv(strips.parts, kPartStrips)};
  const size_t most = parts.widest() * strips.widest();
  v_stride_ = most * shape.depth + kOffset, m_stride_ = most * shape.columns + kOffset;
  for (size_t i = 0; i < parts.parts; ++i) {  // tiles as rows of C, channels in depth
    const size_t begin = parts.begin(i), end = parts.begin(i + 1), first = strips.begin(begin);
    rows_.push_back(
        {{first, strips.begin(end) - first, row},
         ProductStrips(strips, begin, end, shape.depth, TileStart::kBias, {v_stride_, shape.depth},
                       shape.depth * panel_, {m_stride_, shape.columns})});
  }
  const EvenParts bands{tiles, CeilDiv(tiles, kBandTiles)};
  band_v_stride_ = bands.widest() * shape.depth + kOffset;
  band_z_stride_ = bands.widest() * shape.columns + kOffset;
  const EvenParts channels{shape.depth, CeilDiv(shape.depth, tile.rows)};
  const auto band_strips = [&](size_t depth, TileStart start) {  // channels as rows, tiles in depth
    return ProductStrips(channels, 0, channels.parts, depth, start, {band_v_stride_, 1},
                         band_z_stride_, {shape.depth * shape.columns, shape.columns});
  };
  for (size_t i = 0; i < bands.parts; ++i) {
    const size_t first = bands.begin(i), count = bands.begin(i + 1) - first;
    bands_.push_back({{first, count, row}, band_strips(count, TileStart::kLoad)});
  }
  first_strips_ = band_strips(bands_.front().tiles.count, TileStart::kBias);
}

size_t Winograd::ScratchFloats() const {
  return kWinogradProducts * std::max(v_stride_ + m_stride_, band_v_stride_ + band_z_stride_);
}

void Winograd::SetTaps(Parallel& parallel, const float* taps) {
  const size_t row = shape_.depth * panel_;
  // So many arrays are read or written.
  const ChunkPlan plan =
      PlanChunks(panels_ * row, panels_ * row, kWinogradProducts + kWinogradTaps);
  parallel.For(plan, [&](size_t chunk, int) {
    for (size_t at = plan.begin(chunk), end = plan.end(chunk); at < end;) {  // within a panel each
      const size_t panel = at / row, i = at % row, count = std::min(end - at, row - i);
      WinogradWeights(count, row, taps + panel * kWinogradTaps * row + i,
                      taps_.data() + panel * kWinogradProducts * row + i);
      at += count;
    }
  });
}

void Winograd::WeightGradient(const float* sums, float* d_taps) const {
  const size_t count = shape_.depth * shape_.columns;
  WinogradWeightGradient(count, count, sums, d_taps);
}

void Winograd::Run(const float* src, const float* bias, Activation act, const TilePrefetch* next,
                   float* scratch, float* dst) const {
  float* const v = scratch;
  float* const m = scratch + kWinogradProducts * v_stride_;
  TileOperands o;
  o.a = v, o.a_row = shape_.depth, o.a_depth = 1;
  o.b = taps_.data(), o.b_depth = panel_, o.b_panel = kWinogradProducts * shape_.depth * panel_;
  o.c = m, o.c_row = shape_.columns, o.columns = shape_.columns;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Part& part = rows_[i];
    WinogradInput(Input(), part.tiles, shape_.pad_y, shape_.pad_x, src, zeros_.data(), v,
                  v_stride_);
    SharePrefetch(next, i, rows_.size(), o);
    RunTiles(part.strips.data(), part.strips.size(), o);
    WinogradOutput(Output(), part.tiles, m, m_stride_, bias, act, dst);
  }
}

void Winograd::AddWeightGradient(const float* src, const float* d_out, const TilePrefetch* next,
                                 bool first, float* scratch, float* sums) const {
  float* const v = scratch;
  float* const z = scratch + kWinogradProducts * band_v_stride_;
  TileOperands o;
  o.a = v, o.a_row = 1, o.a_depth = shape_.depth;
  o.b = z, o.b_depth = shape_.columns, o.b_panel = panel_;
  o.c = sums, o.c_row = shape_.columns, o.columns = shape_.columns;
  for (size_t i = 0; i < bands_.size(); ++i) {
    const Part& band = bands_[i];
    WinogradInput(Input(), band.tiles, shape_.pad_y, shape_.pad_x, src, zeros_.data(), v,
                  band_v_stride_);
    WinogradOutputGradient(Output(), band.tiles, d_out, zeros_.data(), z, band_z_stride_);
    SharePrefetch(next, i, bands_.size(), o);
    RunTiles((first && i == 0 ? first_strips_ : band.strips).data(), band.strips.size(), o);
  }
}

}  // namespace batchmark
