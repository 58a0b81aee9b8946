#include "core/simd/batch_norm_coefficients.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/batch_norm_coefficients.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "core/simd/vec-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {
namespace {

using DD = hn::ScalableTag<double>;

void NormalizeCoefficientsOnTarget(size_t channels, const double* mean, const double* var,
                                   const float* gamma, const float* beta, double eps, double* rstd,
                                   float* scale, float* shift) {
  const DD dd;
  const hn::Rebind<float, DD> half;
  const auto one = hn::Set(dd, 1.0);
  for (size_t c = 0; c < channels; c += hn::Lanes(dd)) {
    const size_t n = std::min(hn::Lanes(dd), channels - c);
    const auto r = hn::Div(one, hn::Sqrt(hn::Add(LoadTail(dd, var + c, n), hn::Set(dd, eps))));
    const auto g = hn::PromoteTo(dd, LoadTail(half, gamma + c, n));
    const auto b = hn::PromoteTo(dd, LoadTail(half, beta + c, n));
    const auto rounded = hn::DemoteTo(half, hn::Mul(g, r));
    const auto moved = hn::NegMulAdd(LoadTail(dd, mean + c, n), hn::PromoteTo(dd, rounded), b);
    StoreTail(r, dd, rstd + c, n);
    StoreTail(rounded, half, scale + c, n);
    StoreTail(hn::DemoteTo(half, moved), half, shift + c, n);
  }
}

void BackwardCoefficientsOnTarget(size_t channels, size_t rows, const double* mean,
                                  const double* rstd, const float* scale, const double* d_beta,
                                  const double* d_gamma, float* slope, float* base) {
  const DD dd;
  const hn::Rebind<float, DD> half;
  const auto share = hn::Set(dd, -1.0 / static_cast<double>(rows));
  for (size_t c = 0; c < channels; c += hn::Lanes(dd)) {
    const size_t n = std::min(hn::Lanes(dd), channels - c);
    const auto down = hn::Mul(hn::PromoteTo(dd, LoadTail(half, scale + c, n)), share);
    const auto exact =
        hn::Mul(hn::Mul(down, LoadTail(dd, rstd + c, n)), LoadTail(dd, d_gamma + c, n));
    const auto rounded = hn::DemoteTo(half, exact);
    const auto rest = hn::NegMulAdd(hn::PromoteTo(dd, rounded), LoadTail(dd, mean + c, n),
                                    hn::Mul(down, LoadTail(dd, d_beta + c, n)));
    StoreTail(rounded, half, slope + c, n);
    StoreTail(hn::DemoteTo(half, rest), half, base + c, n);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace batchmark {

HWY_EXPORT(NormalizeCoefficientsOnTarget);
HWY_EXPORT(BackwardCoefficientsOnTarget);

void NormalizeCoefficients(size_t channels, const double* mean, const double* var,
                           const float* gamma, const float* beta, double eps, double* rstd,
                           float* scale, float* shift) {
  HWY_DYNAMIC_DISPATCH(NormalizeCoefficientsOnTarget)
  (channels, mean, var, gamma, beta, eps, rstd, scale, shift);
}

void BackwardCoefficients(size_t channels, size_t rows, const double* mean, const double* rstd,
                          const float* scale, const double* d_beta, const double* d_gamma,
                          float* slope, float* base) {
  HWY_DYNAMIC_DISPATCH(BackwardCoefficientsOnTarget)
  (channels, rows, mean, rstd, scale, d_beta, d_gamma, slope, base);
}

}  // namespace batchmark
#endif  // HWY_ONCE
