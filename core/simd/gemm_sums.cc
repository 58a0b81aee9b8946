#include "core/simd/gemm_sums.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/gemm_sums.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After highway.h, which these include for each target.
#include "core/simd/math-inl.h"
#include "core/simd/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::VFromD<D>;

template <bool kTail, Activation kAct>
HWY_INLINE void MergeVector(size_t n, const float* HWY_RESTRICT parts, size_t part_count,
                            size_t part_stride, const float* HWY_RESTRICT bias, bool accumulate,
                            float* HWY_RESTRICT dst) {
  const D d;
  V sum = accumulate ? LoadMaybeTail<kTail>(d, dst, n) : hn::Zero(d);
  if (bias != nullptr) sum = hn::Add(sum, LoadMaybeTail<kTail>(d, bias, n));
  for (size_t p = 0; p < part_count; ++p) {
    sum = hn::Add(sum, LoadMaybeTail<kTail>(d, parts + p * part_stride, n));
  }
  StoreMaybeTail<kTail>(Activate<kAct>(d, sum), d, dst, n);
}

void MergePartsOnTarget(size_t rows, size_t columns, const float* parts, size_t part_count,
                        size_t part_stride, const float* bias, Activation act, bool accumulate,
                        float* dst, size_t dst_row) {
  const size_t lanes = hn::Lanes(D());
  WithActivation(act, [&](auto tag) HWY_ATTR {
    constexpr Activation kAct = decltype(tag)::value;
    for (size_t r = 0; r < rows; ++r) {
      const float* from = parts + r * columns;
      float* to = dst + r * dst_row;
      size_t j = 0;
      for (; j + lanes <= columns; j += lanes) {
        MergeVector<false, kAct>(lanes, from + j, part_count, part_stride,
                                 bias == nullptr ? nullptr : bias + j, accumulate, to + j);
      }
      if (j < columns) {
        MergeVector<true, kAct>(columns - j, from + j, part_count, part_stride,
                                bias == nullptr ? nullptr : bias + j, accumulate, to + j);
      }
    }
  });
}

// to[j] = sum[j], or the step of the weights to[j], j < n.
template <bool kTail, class D4, class V4 = hn::VFromD<D4>>
HWY_INLINE void StoreSums(D4 d, V4 sum, size_t n, const SgdStep* sgd, float* HWY_RESTRICT to) {
  if (sgd != nullptr) {
    const V4 lr = hn::Set(d, sgd->lr), decay = hn::Set(d, sgd->weight_decay);
    sum = Descend(lr, decay, LoadMaybeTail<kTail>(d, to, n), sum);
  }
  StoreMaybeTail<kTail>(sum, d, to, n);
}

void StoreColumnsOnTarget(size_t rows, size_t columns, const float* HWY_RESTRICT sums,
                          size_t sums_row, const SgdStep* sgd, float* HWY_RESTRICT c,
                          size_t c_row) {
  const D d;
#if HWY_TARGET == HWY_SCALAR
  for (size_t r = 0; r < rows; ++r) {
    for (size_t j = 0; j < columns; ++j) {
      StoreSums<false>(d, hn::LoadU(d, sums + j * sums_row + r), 1, sgd, c + r * c_row + j);
    }
  }
#else
  const hn::CappedTag<float, 4> d4;
  const size_t lanes = hn::Lanes(d);
  HWY_ALIGN float buffer[4 * hn::MaxLanes(D())];
  for (size_t begin = 0; begin < rows; begin += lanes) {
    V v[kMostStoredColumns];
    for (size_t j = 0; j < 4; ++j) {
      v[j] = j < columns ? hn::LoadU(d, sums + j * sums_row + begin) : hn::Zero(d);
    }
    TransposeGroup(d, v);  // block q of v[i]: row 4 q + i
    for (size_t i = 0; i < 4; ++i) hn::Store(v[i], d, buffer + i * lanes);
    const size_t count = std::min(lanes, rows - begin);
    for (size_t r = 0; r < count; ++r, c += c_row) {
      const auto sum = hn::Load(d4, buffer + r % 4 * lanes + r / 4 * 4);
      if (columns == 4) {
        StoreSums<false>(d4, sum, 4, sgd, c);
      } else {
        StoreSums<true>(d4, sum, columns, sgd, c);
      }
    }
  }
#endif
}

// sums[0 .. kVectors vectors) += rows of one block of x, which stays in the first cache until all
// of its columns are summed; four rows at a time keep four chains of each vector busy.
template <size_t kVectors, bool kTail>
HWY_INLINE void AddBlock(size_t rows, size_t n, const float* HWY_RESTRICT x, size_t x_row,
                         float* HWY_RESTRICT sums) {
  constexpr size_t kChains = 4;
  const D d;
  const size_t lanes = hn::Lanes(d);
  V chain[kChains][kVectors];
  for (size_t i = 0; i < kChains; ++i) {
    for (size_t v = 0; v < kVectors; ++v) chain[i][v] = hn::Zero(d);
  }
  const auto add = [&](size_t i, const float* row) HWY_ATTR {
    for (size_t v = 0; v < kVectors; ++v) {
      chain[i][v] = hn::Add(chain[i][v], LoadMaybeTail<kTail>(d, row + v * lanes, n));
    }
  };
  for (; rows >= kChains; rows -= kChains, x += kChains * x_row) {
#pragma GCC unroll 4
    for (size_t i = 0; i < kChains; ++i) add(i, x + i * x_row);
  }
  for (; rows != 0; --rows, x += x_row) add(0, x);
  for (size_t v = 0; v < kVectors; ++v) {
    const V block = hn::Add(hn::Add(chain[0][v], chain[1][v]), hn::Add(chain[2][v], chain[3][v]));
    float* const to = sums + v * lanes;
    StoreMaybeTail<kTail>(hn::Add(LoadMaybeTail<kTail>(d, to, n), block), d, to, n);
  }
}

void ColumnSumsOnTarget(size_t rows, size_t columns, const float* x, size_t x_row, bool accumulate,
                        float* sums) {
  const size_t lanes = hn::Lanes(D());
  if (!accumulate) std::fill(sums, sums + columns, 0.0f);
  for (size_t r = 0; r < rows; r += kColumnSumsBlock, x += kColumnSumsBlock * x_row) {
    const size_t n = std::min(kColumnSumsBlock, rows - r);
    size_t j = 0;
    for (; j + 2 * lanes <= columns; j += 2 * lanes) {
      AddBlock<2, false>(n, lanes, x + j, x_row, sums + j);
    }
    if (j + lanes <= columns) {
      AddBlock<1, false>(n, lanes, x + j, x_row, sums + j);
      j += lanes;
    }
    if (j < columns) AddBlock<1, true>(n, columns - j, x + j, x_row, sums + j);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace batchmark {

HWY_EXPORT(MergePartsOnTarget);
HWY_EXPORT(StoreColumnsOnTarget);
HWY_EXPORT(ColumnSumsOnTarget);

void MergeParts(size_t rows, size_t columns, const float* parts, size_t part_count,
                size_t part_stride, const float* bias, Activation act, bool accumulate, float* dst,
                size_t dst_row) {
  HWY_DYNAMIC_DISPATCH(MergePartsOnTarget)
  (rows, columns, parts, part_count, part_stride, bias, act, accumulate, dst, dst_row);
}

void StoreColumns(size_t rows, size_t columns, const float* sums, size_t sums_row,
                  const SgdStep* sgd, float* c, size_t c_row) {
  HWY_DYNAMIC_DISPATCH(StoreColumnsOnTarget)(rows, columns, sums, sums_row, sgd, c, c_row);
}

void ColumnSums(size_t rows, size_t columns, const float* x, size_t x_row, bool accumulate,
                float* sums) {
  HWY_DYNAMIC_DISPATCH(ColumnSumsOnTarget)(rows, columns, x, x_row, accumulate, sums);
}

}  // namespace batchmark
#endif  // HWY_ONCE
