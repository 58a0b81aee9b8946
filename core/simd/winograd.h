// Winograd's minimal filtering F(4 x 4, 3 x 3) (Lavin & Gray 2016, arXiv 1509.09308): 4 x 4 outputs
// y of a 3 x 3 correlation of taps g with 6 x 6 inputs d take 36 products a channel where their
// definition takes 144:
//   y = A^T [(G g G^T) . (B^T d B)] A          dg = G^T [(B^T d B) . (A dy A^T)] G
// summed over channels (for dg: over tiles) between the brackets and the outer maps: 36 matrix
// products, numbered x = 6 i + j. With the points p = 0, a, -a, b, -b (Toom-Cook):
//   A^T  row k:   p^k, and 1 of the last (k = 3): the point at infinity
//   G    row p:   (1  p  p^2) / prod_{q != p} (p - q), the last (0 0 1)
//   B^T  row p:   coefficients of prod_{q != p} (t - q), the last of prod_q (t - q)
// a = 3/4 and b = 3/2 are exact in fp32 in all but G, and errors are half of those with 1 and 2.
// These are the maps; loops only. Transformed values [36, ...] lie `stride` floats apart, channels
// (a multiple of the lanes) contiguous.
#pragma once

#include <cstddef>

#include "core/simd/activation.h"

namespace batchmark {

// Of a tile, along each side.
inline constexpr size_t kWinogradOutputs = 4, kWinogradInputs = 6;
inline constexpr size_t kWinogradProducts = kWinogradInputs * kWinogradInputs, kWinogradTaps = 9;

// Tiles [first, first + count) of an output [height, width, channels], numbered by rows of
// `columns` tiles of 4 x 4, of which the last row and column may reach beyond it.
struct WinogradTiles {
  size_t first, count, columns;
};
struct WinogradArray {
  size_t height, width, channels;
};

// v[x, tile, c] = B^T d B, d the tile's inputs: the output's position less the padding, zero
// outside of src. zeros: `channels` of them.
void WinogradInput(const WinogradArray& array, const WinogradTiles& tiles, size_t pad_y,
                   size_t pad_x, const float* src, const float* zeros, float* v, size_t stride);

// u[x, i] = G g[., i] G^T, i < count; taps [9, count] and u [36, count], their rows `row` apart.
void WinogradWeights(size_t count, size_t row, const float* taps, float* u);

// dst = act(bias + A^T m[., tile, c] A); bias may be null.
void WinogradOutput(const WinogradArray& array, const WinogradTiles& tiles, const float* m,
                    size_t stride, const float* bias, Activation act, float* dst);

// z[x, tile, c] = A dy A^T, dy zero beyond the array.
void WinogradOutputGradient(const WinogradArray& array, const WinogradTiles& tiles, const float* dy,
                            const float* zeros, float* z, size_t stride);

// d_taps[., i] = G^T du[., i] G, i < count; du [36, count] and d_taps [9, count], their rows `row`
// apart.
void WinogradWeightGradient(size_t count, size_t row, const float* du, float* d_taps);

}  // namespace batchmark
