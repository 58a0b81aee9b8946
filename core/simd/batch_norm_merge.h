// What the tiles of a group gave (batch_norm_rows.h), merged in index order, so that no thread
// count shows in the bits.
#pragma once

#include <cstddef>

namespace batchmark {

// Moments of consecutive tiles merged in index order (Chan, Golub, LeVeque 1983):
//   n = na + nb,  delta = mean_b - mean_a
//   mean = mean_a + delta nb / n,  m2 = m2_a + m2_b + delta^2 na nb / n
// tile_mean, tile_m2 [tiles, channels]; tile t has row_end[t * step] - row_begin[t * step] rows.
// Writes mean and m2 / sum of rows (the biased variance), [channels].
void MergeTileMoments(const double* tile_mean, const double* tile_m2, const size_t* row_begin,
                      const size_t* row_end, size_t step, size_t tiles, size_t channels,
                      double* mean, double* var);

// sum[c] = factor[c] * sum_t tile_sum[t, c] in index order; factor may be null (1).
void MergeTileSums(const double* tile_sum, size_t tiles, size_t channels, const double* factor,
                   double* sum);

}  // namespace batchmark
