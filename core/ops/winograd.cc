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
    const size_t first = strips.begin(parts.begin(i)), end = strips.begin(parts.begin(i + 1));
    Part part{{first, end - first, row}, {}};
    TileStrip strip;
    strip.segments = 1, strip.depth = static_cast<uint32_t>(shape.depth), strip.finish = true;
    for (size_t x = 0; x < kWinogradProducts; ++x) {
      for (size_t p = parts.begin(i); p < parts.begin(i + 1); ++p) {
        const size_t at = strips.begin(p) - first;
        strip.rows = static_cast<uint32_t>(strips.begin(p + 1) - strips.begin(p));
        strip.a = static_cast<ptrdiff_t>(x * v_stride_ + at * shape.depth);
        strip.b = static_cast<ptrdiff_t>(x * shape.depth * panel_);
        strip.c = static_cast<ptrdiff_t>(x * m_stride_ + at * shape.columns);
        part.strips.push_back(strip);
      }
    }
    rows_.push_back(std::move(part));
  }
  const EvenParts bands{tiles, CeilDiv(tiles, kBandTiles)};
  band_v_stride_ = bands.widest() * shape.depth + kOffset;
  band_z_stride_ = bands.widest() * shape.columns + kOffset;
  const EvenParts channels{shape.depth, CeilDiv(shape.depth, tile.rows)};
  for (size_t i = 0; i < bands.parts; ++i) {  // channels as rows of C, tiles in depth
    Part part{{bands.begin(i), bands.begin(i + 1) - bands.begin(i), row}, {}};
    TileStrip strip;
    strip.segments = 1, strip.depth = static_cast<uint32_t>(part.tiles.count), strip.finish = true;
    strip.start = TileStart::kLoad;
    for (size_t x = 0; x < kWinogradProducts; ++x) {
      for (size_t p = 0; p < channels.parts; ++p) {
        const size_t first = channels.begin(p);
        strip.rows = static_cast<uint32_t>(channels.begin(p + 1) - first);
        strip.a = static_cast<ptrdiff_t>(x * band_v_stride_ + first);
        strip.b = static_cast<ptrdiff_t>(x * band_z_stride_);
        strip.c = static_cast<ptrdiff_t>((x * shape.depth + first) * shape.columns);
        part.strips.push_back(strip);
      }
    }
    bands_.push_back(std::move(part));
  }
  first_strips_ = bands_.front().strips;
  for (TileStrip& strip : first_strips_) strip.start = TileStart::kBias;
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
