// Loops over vectors of channels in double; see the header.
#include "core/simd/batch_norm_merge.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/batch_norm_merge.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "core/simd/vec-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {
namespace {

using DD = hn::ScalableTag<double>;

void MergeTileMomentsOnTarget(const double* tile_mean, const double* tile_m2,
                              const size_t* row_begin, const size_t* row_end, size_t step,
                              size_t tiles, size_t channels, double* mean, double* var) {
  const DD dd;
  const size_t lanes = hn::Lanes(dd);
  constexpr size_t kVectors = 4;  // independent chains hide the latency of the recurrence
  for (size_t c = 0; c < channels; c += kVectors * lanes) {
    hn::VFromD<DD> m[kVectors], q[kVectors];
    size_t left[kVectors];
    for (size_t j = 0; j < kVectors; ++j) {
      const size_t at = std::min(channels, c + j * lanes);
      left[j] = std::min(lanes, channels - at);
      m[j] = LoadTail(dd, tile_mean + at, left[j]);
      q[j] = LoadTail(dd, tile_m2 + at, left[j]);
    }
    double na = static_cast<double>(row_end[0] - row_begin[0]);
    for (size_t t = 1; t < tiles; ++t) {
      const double nb = static_cast<double>(row_end[t * step] - row_begin[t * step]);
      const double share = nb / (na + nb);
      const auto to_mean = hn::Set(dd, share);
      const auto to_m2 = hn::Set(dd, na * share);
      na += nb;
      for (size_t j = 0; j < kVectors; ++j) {
        if (left[j] == 0) break;
        const size_t at = t * channels + c + j * lanes;
        const auto delta = hn::Sub(LoadTail(dd, tile_mean + at, left[j]), m[j]);
        m[j] = hn::MulAdd(delta, to_mean, m[j]);
        q[j] = hn::Add(q[j], LoadTail(dd, tile_m2 + at, left[j]));
        q[j] = hn::MulAdd(hn::Mul(delta, delta), to_m2, q[j]);
      }
    }
    const auto n = hn::Set(dd, na);
    for (size_t j = 0; j < kVectors && left[j] != 0; ++j) {
      StoreTail(m[j], dd, mean + c + j * lanes, left[j]);
      StoreTail(hn::Div(q[j], n), dd, var + c + j * lanes, left[j]);
    }
  }
}

void MergeTileSumsOnTarget(const double* tile_sum, size_t tiles, size_t channels,
                           const double* factor, double* sum) {
  const DD dd;
  const size_t lanes = hn::Lanes(dd);
  for (size_t c = 0; c < channels; c += lanes) {
    const size_t left = std::min(lanes, channels - c);
    auto total = hn::Zero(dd);
    for (size_t t = 0; t < tiles; ++t) {
      total = hn::Add(total, LoadTail(dd, tile_sum + t * channels + c, left));
    }
    if (factor != nullptr) total = hn::Mul(total, LoadTail(dd, factor + c, left));
    StoreTail(total, dd, sum + c, left);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace batchmark {

HWY_EXPORT(MergeTileMomentsOnTarget);
HWY_EXPORT(MergeTileSumsOnTarget);

void MergeTileMoments(const double* tile_mean, const double* tile_m2, const size_t* row_begin,
                      const size_t* row_end, size_t step, size_t tiles, size_t channels,
                      double* mean, double* var) {
  HWY_DYNAMIC_DISPATCH(MergeTileMomentsOnTarget)
  (tile_mean, tile_m2, row_begin, row_end, step, tiles, channels, mean, var);
}

void MergeTileSums(const double* tile_sum, size_t tiles, size_t channels, const double* factor,
                   double* sum) {
  HWY_DYNAMIC_DISPATCH(MergeTileSumsOnTarget)(tile_sum, tiles, channels, factor, sum);
}

}  // namespace batchmark
#endif  // HWY_ONCE
