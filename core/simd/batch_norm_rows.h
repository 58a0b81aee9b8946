// Reductions of batch norm over the rows of a tile (merged by batch_norm_merge.h): loops only;
// tiles, groups and threads are chosen in core/ops. x, dy, v [rows, channels] contiguous, any
// channels >= 1.
//
// Inside a tile, floats are summed over at most 64 rows and handed on to doubles; everything that
// leaves is double. A channel's sum depends on rows, channels and the backend only.
#pragma once

#include <cstddef>

#include "core/simd/activation.h"

namespace batchmark {

// mean[c] = sum_r x / rows,  m2[c] = sum_r (x - mean[c])^2;  rows >= 1.
// Deviations are taken from a pivot, the mean of the first rows, so that mean >> sd costs nothing:
//   d = x - pivot,  mean = pivot + sum d / n,  m2 = sum d^2 - (sum d)^2 / n
// The pivot's rows, a sixteenth of the tile, count themselves: a pivot D away from the mean means
// m2 >= (rows / 16) D^2 about, so sum d^2 is at most 16 times m2, and its 64 roundings a block make
// a relative error of m2 below 16 * 64 u at the very worst. A constant channel has m2 = 0 exactly.
// A NaN or an infinity in a channel makes its mean and m2 NaN.
// past: null, or receives x, stored past the caches; both whole lines, and so a row.
void TileMomentsRows(const float* x, size_t rows, size_t channels, double* mean, double* m2,
                     float* past = nullptr);

// What the backward pass sums over a tile, with dyn = dy act'(act(scale v + shift)) where scale is
// not null, else dyn = dy:
//   sum_dy[c] = sum_r dyn,   sum_dyv[c] = sum_r dyn (v - mean[c])
// run_stride: 0, or the tile is a block of a map, `runs` runs of `rows` rows that lie so far apart.
void TileBackwardSumsRows(const float* dy, const float* v, size_t rows, size_t channels,
                          const float* scale, const float* shift, Activation act,
                          const double* mean, double* sum_dy, double* sum_dyv, size_t runs = 1,
                          size_t run_stride = 0);

}  // namespace batchmark
