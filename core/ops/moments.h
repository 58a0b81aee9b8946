// Moments gathered tile by tile and merged in index order: never a bare sum of squares, so that
// mean >> sd (raw 0..255 input) stays exact.
//   tile:   n rows, mean[c] = sum x / n, m2[c] = sum (x - mean)^2
//   merge:  Chan, Golub, LeVeque 1983, in double, in tile order.
#pragma once

#include <cstddef>
#include <vector>

#include "core/base/aligned.h"
#include "core/ops/pending.h"

namespace batchmark {

// Cut of [samples, positions] rows into tiles that never cross a sample group: one tile a sample when
// positions > 1, else up to kDenseTileRows consecutive samples of one group. A function of the problem only.
struct MomentTiles {
  static constexpr size_t kDenseTileRows = 64;
  struct Tile {
    size_t row_begin, row_end;  // rows = samples * positions
    size_t group;
  };
  std::vector<Tile> tiles;  // ascending rows
  MomentTiles() = default;
  MomentTiles(const SampleGroups& groups, size_t positions);
};

// Storage of the tiles' moments: mean, m2 [tiles, channels].
struct TileMoments {
  size_t channels = 0;
  AlignedBuffer<double> mean;
  AlignedBuffer<double> m2;
  TileMoments() = default;
  TileMoments(size_t max_tiles, size_t channel_count)
      : channels(channel_count), mean(max_tiles * channel_count), m2(max_tiles * channel_count) {}
};

}  // namespace batchmark
