#include "core/ops/winograd.h"

#include <algorithm>

#include "core/base/parts.h"
#include "core/ops/caches.h"

namespace batchmark {
namespace {

// Tiles of a band: of 64 channels and fewer, inputs and outputs are then half a MiB at most.
constexpr size_t kBandTiles = 52;
// The products of the maps' values lie off multiples of 4 KiB, where they would share a set.
constexpr size_t kOffset = 16;
constexpr size_t kLeastChannels = 32;

}  // namespace

bool Winograd::Serves(const Correlation& s, const TileGeometry& tile) {
  return s.kernel_h == 3 && s.kernel_w == 3 && s.depth % tile.lanes == 0 &&
         s.columns % tile.lanes == 0 && std::min(s.depth, s.columns) >= kLeastChannels &&
         std::min(s.out_h, s.out_w) >= 4;
}

Winograd::Winograd(const Correlation& shape, const TileGeometry& tile)
    : shape_(shape),
      panel_(tile.panel),
      panels_(CeilDiv(shape.columns, tile.panel)),
      taps_(kWinogradProducts * shape.depth * RoundUp(shape.columns, tile.panel)),
      zeros_(std::max(shape.depth, shape.columns)) {
  const size_t rows = CeilDiv(shape.out_h, 2), columns = CeilDiv(shape.out_w, 2);
  const EvenParts parts{rows, CeilDiv(rows, std::max<size_t>(1, kBandTiles / columns))};
  v_stride_ = parts.widest() * columns * shape.depth + kOffset;
  m_stride_ = parts.widest() * columns * shape.columns + kOffset;
  for (size_t p = 0; p < parts.parts; ++p) {
    Band band{{parts.begin(p), parts.begin(p + 1) - parts.begin(p), columns}, {}, {}};
    PlanBand(tile, band);
    bands_.push_back(std::move(band));
  }
}

void Winograd::PlanBand(const TileGeometry& tile, Band& band) const {
  const size_t count = band.tiles.count();
  for (size_t x = 0; x < kWinogradProducts; ++x) {
    // Tiles as rows, channels in depth; and channels as rows, tiles in depth.
    const EvenParts tiles{count, CeilDiv(count, tile.rows)};
    for (size_t p = 0; p < tiles.parts; ++p) {
      TileStrip strip;
      strip.rows = static_cast<uint32_t>(tiles.begin(p + 1) - tiles.begin(p));
      strip.segments = 1, strip.depth = static_cast<uint32_t>(shape_.depth), strip.finish = true;
      strip.a = static_cast<ptrdiff_t>(x * v_stride_ + tiles.begin(p) * shape_.depth);
      strip.b = static_cast<ptrdiff_t>(x * shape_.depth * panel_);
      strip.c = static_cast<ptrdiff_t>(x * m_stride_ + tiles.begin(p) * shape_.columns);
      band.forward.push_back(strip);
    }
    const EvenParts channels{shape_.depth, CeilDiv(shape_.depth, tile.rows)};
    for (size_t p = 0; p < channels.parts; ++p) {
      TileStrip strip;
      strip.rows = static_cast<uint32_t>(channels.begin(p + 1) - channels.begin(p));
      strip.segments = 1, strip.depth = static_cast<uint32_t>(count), strip.finish = true;
      strip.start = TileStart::kLoad;
      strip.a = static_cast<ptrdiff_t>(x * v_stride_ + channels.begin(p));
      strip.b = static_cast<ptrdiff_t>(x * m_stride_);
      strip.c = static_cast<ptrdiff_t>((x * shape_.depth + channels.begin(p)) * shape_.columns);
      band.gradient.push_back(strip);
    }
  }
}

size_t Winograd::ScratchFloats() const { return kWinogradProducts * (v_stride_ + m_stride_); }

void Winograd::SetTaps(const float* taps) {
  const size_t count = shape_.depth * panel_;
  for (size_t p = 0; p < panels_; ++p) {
    WinogradWeights(count, taps + p * kWinogradTaps * count,
                    taps_.data() + p * kWinogradProducts * count);
  }
}

void Winograd::Run(const float* src, const float* bias, Activation act, const TilePrefetch* next,
                   float* scratch, float* dst) const {
  float* const v = scratch;
  float* const m = scratch + kWinogradProducts * v_stride_;
  TileOperands o;
  o.a = v, o.a_row = shape_.depth, o.a_depth = 1;
  o.b = taps_.data(), o.b_depth = panel_, o.b_panel = kWinogradProducts * shape_.depth * panel_;
  o.c = m, o.c_row = shape_.columns, o.columns = shape_.columns;
  for (size_t i = 0; i < bands_.size(); ++i) {
    const Band& band = bands_[i];
    WinogradInput(Input(), band.tiles, shape_.pad_y, shape_.pad_x, src, zeros_.data(), v,
                  v_stride_);
    SharePrefetch(next, i, bands_.size(), o);
    RunTiles(band.forward.data(), band.forward.size(), o);
    WinogradOutput(Output(), band.tiles, m, m_stride_, bias, act, dst);
  }
}

void Winograd::AddWeightGradient(const float* src, const float* d_out, const TilePrefetch* next,
                                 float* scratch, float* slot) const {
  float* const v = scratch;
  float* const z = scratch + kWinogradProducts * v_stride_;
  TileOperands o;
  o.a = v, o.a_row = 1, o.a_depth = shape_.depth;
  o.b = z, o.b_depth = shape_.columns, o.b_panel = panel_;
  o.c = slot, o.c_row = shape_.columns, o.columns = shape_.columns;
  for (size_t i = 0; i < bands_.size(); ++i) {
    const Band& band = bands_[i];
    WinogradInput(Input(), band.tiles, shape_.pad_y, shape_.pad_x, src, zeros_.data(), v,
                  v_stride_);
    WinogradOutputGradient(Output(), band.tiles, d_out, zeros_.data(), z, m_stride_);
    SharePrefetch(next, i, bands_.size(), o);
    RunTiles(band.gradient.data(), band.gradient.size(), o);
  }
}

}  // namespace batchmark
