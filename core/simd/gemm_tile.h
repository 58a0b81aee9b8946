// The register tile under every product: GEMM, dense layers and direct convolution.
//   C[r, j] = start + sum_{s < segments} sum_{k < depth} A(r, s, k) * B(s, k, j)
//   A(r, s, k) = a[strip.a + r * a_row + s * a_segment + k * a_depth]       read where it lies
//   B(s, k, j) = b[strip.b + panel * b_panel + s * b_segment + k * b_depth + j]
// A strip is up to TileGeometry::rows rows of C over all its columns; columns go by panels of
// TileGeometry::panel. Segments are what makes a convolution direct: they are taps (rows of the
// kernel), each at its own place of the image, so no im2col matrix is formed.
//
// Each element of C is one chain of fused multiply-adds in the order of s and k: its bits depend on
// nothing but its operands (on targets without FMA: multiply, then add).
// a_row == 1 or a_depth == 1: broadcasts then need few address registers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/simd/activation.h"

namespace batchmark {

// Of the active backend. rows x panel is chosen so that accumulators, one row of B and one
// broadcast fill the register file: AVX-512 14 x 2 vectors = 28 + 2 + 1 of 32; AVX2, SSE4 6 x 2 =
// 12 + 2 + 1 of 16. Wide, 6 x 4 vectors = 24 + 4 + 1 of 32: each element of A is loaded once for
// twice as many columns, from few enough rows that A need not be packed.
struct TileGeometry {
  size_t rows = 0;   // most rows of a strip; 0: the backend has no such tile
  size_t lanes = 0;  // floats of a vector
  size_t panel = 0;  // columns of a panel: 2 * lanes, wide 4 * lanes
};
TileGeometry ActiveTileGeometry(bool wide = false);

// Whole tiles of up to so many products an element go without most of what others do; those of a
// product fetch nothing ahead.
inline constexpr size_t kShallowSum = 16;

enum class TileStart : uint8_t {
  kBias,  // C = bias[j] + sum, or 0 + sum without bias
  kLoad,  // C = C + sum
  kSums,  // C = sums + sum: what an unfinished strip left there
};

struct TileStrip {
  uint32_t rows = 0;
  uint32_t segments = 0;
  uint32_t depth = 0;  // of one segment
  TileStart start = TileStart::kBias;
  bool finish = false;            // the sum is complete: apply the activation
  ptrdiff_t a = 0, b = 0, c = 0;  // where the strip's first element lies
  ptrdiff_t sums = 0;             // of the first panel
};

// A step of gradient descent, core/ops/pointwise.h:  w -= lr (gradient + weight_decay w).
struct SgdStep {
  float lr = 0, weight_decay = 0;
};

// Memory that will be wanted soon after the call: the next image's operands, say. Fetched evenly
// while the call computes, since their misses would stop the tile for longer than all else. Advice
// only.
struct TilePrefetch {
  const void* begin = nullptr;
  size_t bytes = 0;  // of a row
  size_t rows = 1;
  size_t pitch = 0;  // bytes from row to row
};

struct TileOperands {
  const float* a = nullptr;
  size_t a_row = 0, a_depth = 0, a_segment = 0;
  // Rows of A (a_row == 1) lie a_depth floats apart, too far for the hardware to follow: the tile asks
  // for them ahead. Advice only.
  bool a_spread = false;
  size_t a_group = 0;  // not 0, and a_depth == 1: row r lies at (r / 3) * a_group + (r % 3) * a_row
  const float* b =
      nullptr;  // whole vectors are read: columns a multiple of lanes, or padded panels
  size_t b_depth = 0, b_segment = 0, b_panel = 0;
  float* c = nullptr;
  size_t c_row = 0;
  // Where strips that do not finish leave their sums, a tile [rows, panel] each; null: in C.
  float* sums = nullptr;
  size_t sums_panel = 0;
  // Finished rows are stored past the caches: for a large C that nobody reads soon. c, c_row and
  // columns are multiples of lanes, and the strips' sums complete.
  bool past = false;
  size_t columns = 0;
  // Strips and panels of the wide geometry: a_depth == 1, panels of more than 3 * lanes columns.
  bool wide = false;
  const float* bias = nullptr;  // [columns]; may be null
  // The sums are the gradient of the weights that C holds, and C takes the step: strips that finish
  // or leave their sums, none with kLoad, a_row == 1, no bias, no activation, not wide.
  const SgdStep* sgd = nullptr;
  Activation act = Activation::kNone;
  static constexpr size_t kPrefetchRanges = 4;
  TilePrefetch prefetch[kPrefetchRanges];
};

// Panel by panel, within a panel strip by strip in the order of the list (so that strips may
// continue each other's C, and the panel of B stays in the first cache).
void RunTiles(const TileStrip* strips, size_t count, const TileOperands& operands);

}  // namespace batchmark
