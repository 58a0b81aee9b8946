// Direct convolution as lists of strips for the register tile (core/simd/gemm_tile.h). Built once
// for a shape; offsets are relative to one image, so that a list serves every sample.
#pragma once

#include <cstddef>
#include <vector>

#include "core/simd/gemm_tile.h"

namespace batchmark {

// out[y, x, :] = sum_{i, j} in[y + i - pad_y, x + j - pad_x, :] * taps[i, j, :, :], zero outside of
// in.
//   in [in_h, in_w, depth]   taps [kernel_h, kernel_w, depth, columns] as panels   out [out_h,
//   out_w, columns]
// Serves forward (taps = weights) and backward-data (in = dz, taps = weights turned by 180 degrees
// and transposed, padding kernel - 1 - padding).
struct Correlation {
  size_t in_h = 0, in_w = 0, depth = 0;
  size_t kernel_h = 0, kernel_w = 0;
  size_t pad_y = 0, pad_x = 0;
  size_t out_h = 0, out_w = 0, columns = 0;

  // Whether a tap of some output lies beside in. An even kernel may have its padding on the far side
  // only.
  bool IsPadded() const {
    return pad_y != 0 || pad_x != 0 || out_h + kernel_h - 1 > in_h || out_w + kernel_w - 1 > in_w;
  }
};

// Rows of C are pixels of one row of out. The zero border costs nothing: taps above and below it
// are left out of a strip's segments, and a tap that reaches beyond the left or right edge becomes
// a strip of the pixels it can serve. Neighbouring taps that serve the same pixels are one run of
// depth, since their operands lie side by side. Not activated: for Activation::kNone only.
std::vector<TileStrip> CorrelationStrips(const Correlation& shape, const TileGeometry& tile,
                                         bool activated);
TileOperands CorrelationOperands(const Correlation& shape, const TileGeometry& tile);

// Part i of n of what is to be fetched (TileOperands::kPrefetchRanges of one row each, in whole
// lines but for their ends) goes with part i of a call's work.
void SharePrefetch(const TilePrefetch* ranges, size_t i, size_t n, TileOperands& operands);

// taps[i, j, c, o] += sum_{y, x} in[y + i - pad_y, x + j - pad_x, c] * d_out[y, x, o].
// Rows of C are (j, c) of one kernel row, segments are rows of the image.
// By bands of rows of d_out, each added to taps before the next: the order of an element's sum is
// that of the rows still. Of more than a few strips, a band's operands are first copied: d_out as
// panels, so that a panel stays in the first cache while all strips pass over it; in place, its
// rows would share a few sets of that cache. And in as groups of channels (PackGroups), so that all
// taps of a group read the same few lines; in place, a strip uses a part of each line it fetches.
struct GradientBand {
  size_t y = 0, rows = 0;         // of d_out
  size_t in_y = 0, in_rows = 0;   // of in: what the band's taps read
  std::vector<TileStrip> strips;  // if packed, offsets of A and B are relative to the band's copies
};
struct GradientPlan {
  std::vector<GradientBand> bands;
  TileOperands operands;
  bool packed = false;
  bool streams = false;  // d_out is read where it lies, once and in order
  size_t groups = 0, group_floats = 0;  // of a packed band: group g begins at g * group_floats
  size_t panel_floats = 0;              // of a packed band, all panels, behind the groups
  size_t PanelsBegin() const { return groups * group_floats; }
};
GradientPlan PlanWeightGradient(const Correlation& shape, const TileGeometry& tile);

}  // namespace batchmark
