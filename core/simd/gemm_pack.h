// What surrounds the register tile: panels of B, groups of A, merging of partial sums, sums of
// columns.
#pragma once

#include <cstddef>

#include "core/simd/activation.h"
#include "core/simd/gemm_tile.h"

namespace batchmark {

// A panel matrix holds [depth, columns] as ceil(columns / panel) panels of [depth, panel], the last
// one filled up with zeros; panel p starts at dst + p * panel_stride (>= depth * panel).
//   PackPanels            B(k, j) = b[k * b_row + j]
//   PackPanelsTransposed  B(k, j) = b[j * b_row + k]
void PackPanels(size_t depth, size_t columns, const float* b, size_t b_row, size_t panel,
                size_t panel_stride, float* dst);
void PackPanelsTransposed(size_t depth, size_t columns, const float* b, size_t b_row, size_t panel,
                          size_t panel_stride, float* dst);

// A [depth, rows], A(k, r) = a[k * a_row + r], as `groups` groups of neighbouring rows
// (EvenParts): group g is [depth, width] at dst + g * group_stride, width that of the widest, or a
// line where that is little more: vectors of a line are then stored to one line each. Narrower groups
// leave their last columns undefined, as are the floats that group_stride >= PackedGroupFloats leaves
// behind each group.
size_t PackedGroupWidth(size_t rows, size_t groups);
size_t PackedGroupFloats(size_t depth, size_t rows, size_t groups);
void PackGroups(size_t depth, size_t rows, const float* a, size_t a_row, size_t groups,
                size_t group_stride, float* dst);

// dst[i] = act([dst[i] +] bias[i % columns] + sum over parts p, ascending, of parts[p * part_stride
// + i]), i < rows * columns, dst in rows of dst_row. bias may be null.
void MergeParts(size_t rows, size_t columns, const float* parts, size_t part_count,
                size_t part_stride, const float* bias, Activation act, bool accumulate, float* dst,
                size_t dst_row);

// c[r * c_row + j] = sums[j * sums_row + r], r < rows, j < columns <= 4; with sgd not null the sums are
// the gradient of the weights that c holds, and c takes the step. Whole vectors of sums are read.
void StoreColumns(size_t rows, size_t columns, const float* sums, size_t sums_row,
                  const SgdStep* sgd, float* c, size_t c_row);

// sums[j] (+)= sum over rows of x[r * x_row + j]. Rows are added in blocks: chains stay short, so that
// the error grows with the number of blocks, not of rows; and calls which begin at multiples of a
// block and follow each other give the bits of one call.
inline constexpr size_t kColumnSumsBlock = 64;
void ColumnSums(size_t rows, size_t columns, const float* x, size_t x_row, bool accumulate,
                float* sums);

}  // namespace batchmark
