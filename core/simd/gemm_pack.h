// Copies that the register tile reads: panels of B, groups of A.
#pragma once

#include <cstddef>

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

}  // namespace batchmark
