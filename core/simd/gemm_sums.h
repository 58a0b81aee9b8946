// What becomes of sums beside the register tile: parts are merged, few columns turned into rows of C,
// columns summed.
#pragma once

#include <cstddef>

#include "core/simd/activation.h"
#include "core/simd/gemm_tile.h"

namespace batchmark {

// dst[i] = act([dst[i] +] bias[i % columns] + sum over parts p, ascending, of parts[p * part_stride
// + i]), i < rows * columns, dst in rows of dst_row. bias may be null.
void MergeParts(size_t rows, size_t columns, const float* parts, size_t part_count,
                size_t part_stride, const float* bias, Activation act, bool accumulate, float* dst,
                size_t dst_row);

// c[r * c_row + j] = sums[j * sums_row + r], r < rows, j < columns <= kMostStoredColumns; with sgd not
// null the sums are the gradient of the weights that c holds, and c takes the step. Whole vectors of
// sums are read.
inline constexpr size_t kMostStoredColumns = 4;
void StoreColumns(size_t rows, size_t columns, const float* sums, size_t sums_row,
                  const SgdStep* sgd, float* c, size_t c_row);

// sums[j] (+)= sum over rows of x[r * x_row + j]. Rows are added in blocks: chains stay short, so that
// the error grows with the number of blocks, not of rows; and calls which begin at multiples of a
// block and follow each other give the bits of one call.
inline constexpr size_t kColumnSumsBlock = 64;
void ColumnSums(size_t rows, size_t columns, const float* x, size_t x_row, bool accumulate,
                float* sums);

}  // namespace batchmark
