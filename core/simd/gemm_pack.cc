#include "core/simd/gemm_pack.h"

#include <algorithm>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/gemm_pack.cc"
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After highway.h, which these include for each target.
#include "core/base/aligned.h"
#include "core/base/parts.h"
#include "core/simd/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::VFromD<D>;

// kPanels panels of two vectors side by side, so that a row of b is read in one go, and rows ahead
// of their use: with a stride of pages the hardware sees no stream to fetch. All counts known: a
// loop over vectors that asks for the last one takes three times as long.
template <size_t kPanels>
HWY_INLINE void PackWhole(size_t depth, const float* HWY_RESTRICT b, size_t b_row,
                          size_t panel_stride, float* HWY_RESTRICT dst) {
  constexpr size_t kAhead = 8;
  const D d;
  const size_t lanes = hn::Lanes(d);
  for (size_t k = 0; k < depth; ++k, b += b_row, dst += 2 * lanes) {
    const float* const ahead = k + kAhead < depth ? b + kAhead * b_row : b;
#pragma GCC unroll 8
    for (size_t i = 0; i < kPanels * 2 * lanes; i += kLineFloats) hwy::Prefetch(ahead + i);
#pragma GCC unroll 4
    for (size_t p = 0; p < kPanels; ++p) {
      const V first = hn::LoadU(d, b + p * 2 * lanes);
      const V second = hn::LoadU(d, b + p * 2 * lanes + lanes);
      hn::StoreU(first, d, dst + p * panel_stride);
      hn::StoreU(second, d, dst + p * panel_stride + lanes);
    }
  }
}

// One panel of any width with n <= panel columns.
HWY_INLINE void PackPadded(size_t depth, size_t n, const float* HWY_RESTRICT b, size_t b_row,
                           size_t panel, float* HWY_RESTRICT dst) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  for (size_t k = 0; k < depth; ++k, b += b_row, dst += panel) {
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) hn::StoreU(hn::LoadU(d, b + i), d, dst + i);
    if (i < n) hn::StoreU(LoadTail(d, b + i, n - i), d, dst + i), i += lanes;
    for (; i < panel; i += lanes) hn::StoreU(hn::Zero(d), d, dst + i);
  }
}

void PackPanelsOnTarget(size_t depth, size_t columns, const float* b, size_t b_row, size_t panel,
                        size_t panel_stride, float* dst) {
  constexpr size_t kAbreast = 4;
  size_t j = 0;
  if (panel == 2 * hn::Lanes(D())) {
    for (; j + kAbreast * panel <= columns; j += kAbreast * panel, dst += kAbreast * panel_stride) {
      PackWhole<kAbreast>(depth, b + j, b_row, panel_stride, dst);
    }
    for (; j + panel <= columns; j += panel, dst += panel_stride) {
      PackWhole<1>(depth, b + j, b_row, panel_stride, dst);
    }
  }
  for (; j < columns; j += panel, dst += panel_stride) {
    PackPadded(depth, std::min(panel, columns - j), b + j, b_row, panel, dst);
  }
}

#if HWY_TARGET != HWY_SCALAR
// The first four columns of rows 0, 4, 8, ..., a 16-byte block each: loads that repeat a block, and
// blends, since only one port shuffles.
template <size_t kGroups>  // of four lanes
HWY_INLINE V LoadBlocks(const float* HWY_RESTRICT b, size_t b_row) {
  const D d;
  const auto row = [&](size_t q) HWY_ATTR { return hn::LoadDup128(d, b + 4 * q * b_row); };
  if constexpr (kGroups == 1) {
    return hn::LoadU(d, b);
  } else if constexpr (kGroups == 2) {
    return hn::OddEvenBlocks(row(1), row(0));
  } else {
    static_assert(kGroups == 4);
    const V lower = hn::OddEvenBlocks(row(1), row(0)), upper = hn::OddEvenBlocks(row(3), row(2));
    return hn::ConcatUpperLower(d, upper, lower);
  }
}

// dst[k * dst_row + i] = b[i * b_row + k] for i < lanes, k < depth; kWhole: depth = lanes.
template <size_t kGroups, bool kWhole>
HWY_INLINE void TransposeBlock(const float* HWY_RESTRICT b, size_t b_row, size_t depth,
                               float* HWY_RESTRICT dst, size_t dst_row) {
  const D d;
#pragma GCC unroll 4
  for (size_t q = 0; q < kGroups; ++q) {
    V r[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) r[i] = LoadBlocks<kGroups>(b + i * b_row + 4 * q, b_row);
    TransposeGroup(d, r);
#pragma GCC unroll 4
    for (size_t c = 0; c < 4; ++c) {
      const size_t k = 4 * q + c;
      if (kWhole || k < depth) hn::StoreU(r[c], d, dst + k * dst_row);
    }
  }
}

// Of the first `rows` rows of b only, with depth <= lanes elements each; the columns for rows behind
// them become zero.
template <size_t kGroups>
HWY_INLINE void TransposePart(const float* HWY_RESTRICT b, size_t b_row, size_t rows, size_t depth,
                              float* HWY_RESTRICT dst, size_t dst_row) {
  const D d;
  constexpr size_t kLanes = 4 * kGroups;
  HWY_ALIGN float whole[kLanes * kLanes];
  for (size_t i = 0; i < kLanes; ++i) {
    hn::Store(i < rows ? LoadTail(d, b + i * b_row, depth) : hn::Zero(d), d, whole + i * kLanes);
  }
  TransposeBlock<kGroups, false>(whole, kLanes, depth, dst, dst_row);
}
#endif

void PackPanelTransposed(size_t depth, size_t columns, const float* HWY_RESTRICT b, size_t b_row,
                         size_t panel, float* HWY_RESTRICT dst) {
  const size_t lanes = hn::Lanes(D());
  for (size_t i = 0; i < panel; i += lanes) {
    const size_t rows = i < columns ? std::min(lanes, columns - i) : 0;
#if HWY_TARGET == HWY_SCALAR
    for (size_t k = 0; k < depth; ++k) dst[k * panel + i] = rows == 0 ? 0 : b[i * b_row + k];
#else
    constexpr size_t kGroups = hn::MaxLanes(D()) / 4;
    size_t k = 0;
    if (rows == lanes) {
      for (; k + lanes <= depth; k += lanes) {
        TransposeBlock<kGroups, true>(b + i * b_row + k, b_row, lanes, dst + k * panel + i, panel);
      }
    }
    for (; k < depth; k += lanes) {
      TransposePart<kGroups>(b + i * b_row + k, b_row, rows, std::min(lanes, depth - k),
                             dst + k * panel + i, panel);
    }
#endif
  }
}

void PackPanelsTransposedOnTarget(size_t depth, size_t columns, const float* b, size_t b_row,
                                  size_t panel, size_t panel_stride, float* dst) {
  for (size_t j = 0; j < columns; j += panel, dst += panel_stride) {
    PackPanelTransposed(depth, std::min(panel, columns - j), b + j * b_row, b_row, panel, dst);
  }
}

// From each of `groups` places from_step apart, kSteps rows of `vectors` whole vectors: row i from
// i * from_row to i * to_row. Several rows at a time, where they are of one vector, since counting
// and branching cost more than the copy.
template <size_t kSteps>
HWY_INLINE void CopyGroups(size_t groups, size_t vectors, size_t from_step, size_t to_step,
                           size_t from_row, size_t to_row, const float* HWY_RESTRICT& from,
                           float* HWY_RESTRICT& to) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  for (size_t g = 0; g < groups; ++g, from += from_step, to += to_step) {
#pragma GCC unroll 4
    for (size_t i = 0; i < kSteps; ++i) {
      hn::StoreU(hn::LoadU(d, from + i * from_row), d, to + i * to_row);
      for (size_t v = 1; kSteps == 1 && v < vectors; ++v) {
        hn::StoreU(hn::LoadU(d, from + v * lanes), d, to + v * lanes);
      }
    }
  }
}

size_t PackedGroupWidthOnTarget(size_t rows, size_t groups) {
  const size_t widest = EvenParts{rows, groups}.widest();
  const bool nearly = hn::Lanes(D()) == kLineFloats && widest > kLineFloats * 3 / 4;
  return nearly ? std::max(widest, kLineFloats) : widest;
}

// A few k at a time, so that each line of a is read once. Whole vectors: what one stores beyond its
// group's width is overwritten by the next k. The last k go by floats, since a vector would be read
// beyond a.
void PackGroupsOnTarget(size_t depth, size_t rows, const float* HWY_RESTRICT a, size_t a_row,
                        size_t groups, size_t group_stride, float* HWY_RESTRICT dst) {
  const size_t lanes = hn::Lanes(D());
  const EvenParts split{rows, groups};
  const size_t wider = split.wider(), narrow = rows / groups;
  const size_t width = PackedGroupWidthOnTarget(rows, groups), vectors = CeilDiv(width, lanes);
  const size_t last = CeilDiv(vectors * lanes, a_row);
  size_t k = 0;
  const auto copy = [&](auto steps) HWY_ATTR {
    constexpr size_t kSteps = decltype(steps)::value;
    for (; k + kSteps + last <= depth; k += kSteps, a += kSteps * a_row, dst += kSteps * width) {
      const float* from = a;
      float* to = dst;
      CopyGroups<kSteps>(wider, vectors, narrow + 1, group_stride, a_row, width, from, to);
      CopyGroups<kSteps>(groups - wider, vectors, narrow, group_stride, a_row, width, from, to);
    }
  };
  if (vectors == 1) copy(std::integral_constant<size_t, 4>());
  copy(std::integral_constant<size_t, 1>());
  for (; k < depth; ++k, a += a_row, dst += width) {
    const float* from = a;
    for (size_t g = 0; g < groups; ++g) {
      const size_t floats = split.begin(g + 1) - split.begin(g);
      for (size_t i = 0; i < floats; ++i) dst[g * group_stride + i] = *from++;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace batchmark {

HWY_EXPORT(PackPanelsOnTarget);
HWY_EXPORT(PackPanelsTransposedOnTarget);
HWY_EXPORT(PackedGroupWidthOnTarget);
HWY_EXPORT(PackGroupsOnTarget);

void PackPanels(size_t depth, size_t columns, const float* b, size_t b_row, size_t panel,
                size_t panel_stride, float* dst) {
  HWY_DYNAMIC_DISPATCH(PackPanelsOnTarget)(depth, columns, b, b_row, panel, panel_stride, dst);
}

void PackPanelsTransposed(size_t depth, size_t columns, const float* b, size_t b_row, size_t panel,
                          size_t panel_stride, float* dst) {
  HWY_DYNAMIC_DISPATCH(PackPanelsTransposedOnTarget)
  (depth, columns, b, b_row, panel, panel_stride, dst);
}

size_t PackedGroupWidth(size_t rows, size_t groups) {
  return HWY_DYNAMIC_DISPATCH(PackedGroupWidthOnTarget)(rows, groups);
}

size_t PackedGroupFloats(size_t depth, size_t rows, size_t groups) {
  constexpr size_t kMostLanes = 16;  // a whole vector is stored for the last k
  return RoundUp(PackedGroupWidth(rows, groups) * depth, kMostLanes) + kMostLanes;
}

void PackGroups(size_t depth, size_t rows, const float* a, size_t a_row, size_t groups,
                size_t group_stride, float* dst) {
  HWY_DYNAMIC_DISPATCH(PackGroupsOnTarget)(depth, rows, a, a_row, groups, group_stride, dst);
}

}  // namespace batchmark
#endif  // HWY_ONCE
