// Reductions of batch norm over the rows of a tile, and their merging: loops only; tiles, groups
// and threads are chosen in core/ops. x, dy, v [rows, channels] contiguous, any channels >= 1.
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
void TileMomentsRows(const float* x, size_t rows, size_t channels, double* mean, double* m2);

// Moments of consecutive tiles merged in index order (Chan, Golub, LeVeque 1983):
//   n = na + nb,  delta = mean_b - mean_a
//   mean = mean_a + delta nb / n,  m2 = m2_a + m2_b + delta^2 na nb / n
// tile_mean, tile_m2 [tiles, channels]; tile t has row_end[t * step] - row_begin[t * step] rows.
// Writes mean and m2 / sum of rows (the biased variance), [channels].
void MergeTileMoments(const double* tile_mean, const double* tile_m2, const size_t* row_begin,
                      const size_t* row_end, size_t step, size_t tiles, size_t channels,
                      double* mean, double* var);

// What the backward pass sums over a tile, with dyn = dy act'(act(scale v + shift)) where scale is
// not null, else dyn = dy:
//   sum_dy[c] = sum_r dyn,   sum_dyv[c] = sum_r dyn (v - mean[c])
void TileBackwardSumsRows(const float* dy, const float* v, size_t rows, size_t channels,
                          const float* scale, const float* shift, Activation act,
                          const double* mean, double* sum_dy, double* sum_dyv);

// sum[c] = factor[c] * sum_t tile_sum[t, c] in index order; factor may be null (1).
void MergeTileSums(const double* tile_sum, size_t tiles, size_t channels, const double* factor,
                   double* sum);

}  // namespace batchmark
