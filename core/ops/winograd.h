// A correlation of 3 x 3 taps by Winograd's minimal filtering (core/simd/winograd.h): 36 products
// of matrices with tiles of 4 x 4 outputs as rows, by the register tile, in place of 9 with outputs
// as rows: four times fewer multiply-adds where tiles fill the image. An image goes by parts and
// bands of tiles, whose transformed values stay in the second cache.
// Rounding: the maps' coefficients raise errors, shorter sums lower them: root mean squares stay
// within 4 times those of the definition's sums (6 times where these have fewer than a hundred
// terms, and hardly an error), worst cases within the same bound.
#pragma once

#include <cstddef>
#include <vector>

#include "core/base/aligned.h"
#include "core/base/parallel.h"
#include "core/ops/conv_plan.h"
#include "core/simd/gemm_tile.h"
#include "core/simd/winograd.h"

namespace batchmark {

class Winograd {
 public:
  // 3 x 3 taps, whole vectors of channels on both sides, and enough of them to repay the maps.
  static bool Serves(const Correlation& shape, const TileGeometry& tile);

  Winograd(const Correlation& shape, const TileGeometry& tile);

  // Of a worker, for Run and AddWeightGradient.
  size_t ScratchFloats() const;
  size_t SumFloats() const { return kWinogradProducts * shape_.depth * shape_.columns; }

  // taps as panels [panel, 9, depth, panel width], as the register tile takes them.
  void SetTaps(Parallel& parallel, const float* taps);

  // dst = act(bias + correlation) of one image; bias may be null. next: what the caller works on
  // after it, fetched meanwhile (TileOperands::kPrefetchRanges of them).
  void Run(const float* src, const float* bias, Activation act, const TilePrefetch* next,
           float* scratch, float* dst) const;

  // sums [SumFloats()] += the transformed weight gradient of one image, or = that of the first; and
  // what becomes of them in the end: d_taps [9, depth, columns].
  void AddWeightGradient(const float* src, const float* d_out, const TilePrefetch* next, bool first,
                         float* scratch, float* sums) const;
  void WeightGradient(const float* sums, float* d_taps) const;

 private:
  // Tiles that are transformed together, as rows of the products or as their depth.
  struct Part {
    WinogradTiles tiles;
    std::vector<TileStrip> strips;  // of all products
  };
  WinogradArray Input() const { return {shape_.in_h, shape_.in_w, shape_.depth}; }
  WinogradArray Output() const { return {shape_.out_h, shape_.out_w, shape_.columns}; }

  Correlation shape_;
  size_t panel_, panels_;
  std::vector<Part> rows_, bands_;
  std::vector<TileStrip> first_strips_;  // of the first band, where there are no sums yet
  // From product to product: inputs and products of rows, and inputs and gradients of a band.
  size_t v_stride_ = 0, m_stride_ = 0, band_v_stride_ = 0, band_z_stride_ = 0;
  AlignedBuffer<float> taps_, zeros_;  // taps_ [panel, 36, depth, panel width]
};

}  // namespace batchmark
