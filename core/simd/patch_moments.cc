// Products of taps are summed by blocks of three rows and columns of the comoments, whose nine
// accumulators hide their latency; the blocks below the diagonal are those above it.
#include "core/simd/patch_moments.h"

#include <algorithm>

#include "core/base/parts.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/patch_moments.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "core/simd/vec-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using DD = hn::ScalableTag<double>;
using V = hn::VFromD<D>;

constexpr size_t kBlock = 3;
constexpr size_t kFloatSums = 64;  // vectors summed in float

HWY_INLINE float SumLanes(D d, V v) { return hn::GetLane(hn::SumOfLanes(d, v)); }

// image[0] + mean of image - image[0]: exact for a constant image.
float PivotOf(size_t count, const float* HWY_RESTRICT image) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const V base = hn::Set(d, image[0]);
  V sum = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) sum = hn::Add(sum, hn::Sub(hn::LoadU(d, image + i), base));
  if (i < count) {
    const auto part = hn::FirstN(d, count - i);
    const V rest = hn::Sub(LoadTail(d, image + i, count - i), base);
    sum = hn::Add(sum, hn::IfThenElseZero(part, rest));
  }
  return image[0] + SumLanes(d, sum) / static_cast<float>(count);
}

// Sums of x_t x_u, both less the pivot, over all positions, for a block of taps t and u; on the
// diagonal those of x_t too, and u from t on alone.
struct BlockSums {
  double sum[kBlock] = {};
  double product[kBlock][kBlock] = {};
};

template <bool kDiagonal>
HWY_INLINE void AddBlock(const PatchGrid& grid, float pivot, const float* const* rows_t,
                         const float* const* rows_u, BlockSums& sums) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const V base = hn::Set(d, pivot);
  V sum[kBlock], product[kBlock][kBlock];
  const auto clear = [&]() HWY_ATTR {
    for (size_t i = 0; i < kBlock; ++i) {
      sum[i] = hn::Zero(d);
      for (size_t j = 0; j < kBlock; ++j) product[i][j] = hn::Zero(d);
    }
  };
  const auto hand_on = [&]() HWY_ATTR {
    for (size_t i = 0; i < kBlock; ++i) {
      if (kDiagonal) sums.sum[i] += double{SumLanes(d, sum[i])};
      for (size_t j = 0; j < kBlock; ++j) {
        sums.product[i][j] += double{SumLanes(d, product[i][j])};
      }
    }
  };
  const auto add = [&](const auto& load) HWY_ATTR {
    V t[kBlock], u[kBlock];
    for (size_t i = 0; i < kBlock; ++i) {
      t[i] = load(rows_t[i]);
      u[i] = kDiagonal ? t[i] : load(rows_u[i]);
    }
    for (size_t i = 0; i < kBlock; ++i) {
      if (kDiagonal) sum[i] = hn::Add(sum[i], t[i]);
      for (size_t j = 0; j < kBlock; ++j) {  // of constant length, to be unrolled
        if (!kDiagonal || j >= i) product[i][j] = hn::MulAdd(t[i], u[j], product[i][j]);
      }
    }
  };
  clear();
  size_t vectors = 0;
  const size_t width = grid.out_w(), whole = width / lanes * lanes;
  const auto part = hn::FirstN(d, width - whole);
  for (size_t y = 0; y < grid.out_h(); ++y) {
    const size_t row = y * grid.image_w;
    for (size_t x = 0; x < width; x += lanes) {
      if (vectors++ == kFloatSums) hand_on(), clear(), vectors = 1;
      if (x < whole) {
        add([&](const float* tap) HWY_ATTR { return hn::Sub(hn::LoadU(d, tap + row + x), base); });
      } else {
        add([&](const float* tap) HWY_ATTR {
          const V rest = hn::Sub(LoadTail(d, tap + row + x, width - whole), base);
          return hn::IfThenElseZero(part, rest);
        });
      }
    }
  }
  hand_on();
}

void ImagePatchMomentsOnTarget(const PatchGrid& grid, const float* image, double* mean,
                               double* comoments) {
  const size_t taps = grid.taps(), blocks = CeilDiv(taps, kBlock);
  const double n = static_cast<double>(grid.positions());
  const float pivot = PivotOf(grid.image_h * grid.image_w, image);
  const float* rows[kMostTaps + kBlock];  // those behind the last tap repeat it
  for (size_t t = 0; t < blocks * kBlock; ++t) {
    const size_t tap = std::min(t, taps - 1);
    rows[t] = image + tap / grid.kernel_w * grid.image_w + tap % grid.kernel_w;
  }
  for (size_t i = 0; i < blocks; ++i) {
    for (size_t j = i; j < blocks; ++j) {
      const float* const* const t_rows = rows + i * kBlock;
      BlockSums sums;
      if (i == j) {
        AddBlock<true>(grid, pivot, t_rows, t_rows, sums);
      } else {
        AddBlock<false>(grid, pivot, t_rows, rows + j * kBlock, sums);
      }
      for (size_t t = i * kBlock; t < std::min(taps, (i + 1) * kBlock); ++t) {
        if (i == j) mean[t] = sums.sum[t % kBlock] / n;  // less the pivot, for now
        for (size_t u = std::max(t, j * kBlock); u < std::min(taps, (j + 1) * kBlock); ++u) {
          comoments[t * taps + u] = sums.product[t % kBlock][u % kBlock];
        }
      }
    }
  }
  for (size_t t = 0; t < taps; ++t) {
    for (size_t u = t; u < taps; ++u) {
      comoments[u * taps + t] = comoments[t * taps + u] -= n * mean[t] * mean[u];
    }
  }
  for (size_t t = 0; t < taps; ++t) mean[t] += double{pivot};
}

void LinearMomentsOnTarget(size_t taps, size_t channels, const double* mean,
                           const double* comoments, const float* weights, const float* bias,
                           double* mean_z, double* m2_z) {
  const DD dd;
  const hn::Rebind<float, DD> half;
  const size_t lanes = hn::Lanes(dd);
  const auto zero = hn::Zero(dd);
  const auto wide = [&](const float* p, size_t n)
                        HWY_ATTR { return hn::PromoteTo(dd, LoadTail(half, p, n)); };
  constexpr size_t kVectors = 4;  // independent chains
  for (size_t c0 = 0; c0 < channels; c0 += kVectors * lanes) {
    hn::VFromD<DD> first[kVectors], second[kVectors], w[kVectors], row[kVectors];
    size_t at[kVectors], n[kVectors];
    for (size_t j = 0; j < kVectors; ++j) {
      at[j] = std::min(channels, c0 + j * lanes);
      n[j] = std::min(lanes, channels - at[j]);
      first[j] = wide(bias + at[j], n[j]), second[j] = zero;
    }
    for (size_t t = 0; t < taps; ++t) {
      const auto mean_t = hn::Set(dd, mean[t]), own = hn::Set(dd, comoments[t * taps + t]);
      for (size_t j = 0; j < kVectors; ++j) {
        w[j] = wide(weights + t * channels + at[j], n[j]);
        first[j] = hn::MulAdd(mean_t, w[j], first[j]);
        row[j] = hn::Mul(own, w[j]);
      }
      for (size_t u = t + 1; u < taps; ++u) {  // right of the diagonal, which counts twice
        const auto twice = hn::Set(dd, 2.0 * comoments[t * taps + u]);
        for (size_t j = 0; j < kVectors; ++j) {
          row[j] = hn::MulAdd(twice, wide(weights + u * channels + at[j], n[j]), row[j]);
        }
      }
      for (size_t j = 0; j < kVectors; ++j) second[j] = hn::MulAdd(w[j], row[j], second[j]);
    }
    for (size_t j = 0; j < kVectors; ++j) {
      const auto negative = hn::Lt(second[j], zero);
      StoreTail(first[j], dd, mean_z + at[j], n[j]);
      StoreTail(hn::IfThenZeroElse(negative, second[j]), dd, m2_z + at[j], n[j]);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace batchmark {

HWY_EXPORT(ImagePatchMomentsOnTarget);
HWY_EXPORT(LinearMomentsOnTarget);

void ImagePatchMoments(const PatchGrid& grid, const float* image, double* mean, double* comoments) {
  HWY_DYNAMIC_DISPATCH(ImagePatchMomentsOnTarget)(grid, image, mean, comoments);
}

void LinearMoments(size_t taps, size_t channels, const double* mean, const double* comoments,
                   const float* weights, const float* bias, double* mean_z, double* m2_z) {
  HWY_DYNAMIC_DISPATCH(LinearMomentsOnTarget)
  (taps, channels, mean, comoments, weights, bias, mean_z, m2_z);
}

}  // namespace batchmark
#endif  // HWY_ONCE
