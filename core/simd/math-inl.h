// exp of x <= 0, log, sigmoid, tanh and the activations on vectors, and a step of gradient descent: own
// polynomials, never libm, so that one backend gives the same bits on every system and in every
// lane. Errors were measured against float64 over all of the range, on every backend
// (tests/core/math_test.cc):
//   ExpNegative <= 1 ulp   Log <= 1 ulp   Sigmoid <= 2.5 ulp   Tanh <= 1.5 ulp
// Polynomials: minimax in relative error (Remez exchange in 40 digits), then rounded to float.
// NaN passes through all of them. Subnormal results may be flushed to zero (FTZ is on in training).
#if defined(BATCHMARK_CORE_SIMD_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BATCHMARK_CORE_SIMD_MATH_INL_H_
#undef BATCHMARK_CORE_SIMD_MATH_INL_H_
#else
#define BATCHMARK_CORE_SIMD_MATH_INL_H_
#endif

#include "core/simd/activation.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// ln 2 in two parts: the first has few bits, so that its product with an exponent is exact.
inline constexpr float kLn2High = 0.693359375f;
inline constexpr float kLn2Low = -2.12194440e-4f;

inline constexpr float kToWhole = 12582912.0f;  // 1.5 * 2^23: floats from half of it on are whole

// p 2^n for whole n in [-151, 0], which `biased` holds as kToWhole + n. Rounds a subnormal result at
// most, so that both ways give the same bits.
template <class D, class V = hn::VFromD<D>>
HWY_INLINE V TimesPowerOfTwo(D d, V p, V biased) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  if constexpr (hn::MaxLanes(D()) == 16) {
    return V{_mm512_scalef_ps(p.raw, hn::Sub(biased, hn::Set(d, kToWhole)).raw)};
  }
#endif
  // In two factors, the powers of the halves of n, since 2^n may be subnormal.
  const hn::RebindToSigned<D> di;
  const auto n = hn::Sub(hn::BitCast(di, biased), hn::BitCast(di, hn::Set(d, kToWhole)));
  const auto n1 = hn::ShiftRight<1>(n);
  const auto bias = hn::Set(di, 127);
  const V f1 = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(n1, bias)));
  const V f2 = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::Sub(n, n1), bias)));
  return hn::Mul(hn::Mul(p, f1), f2);
}

// e^x of x <= 0, which is all that is needed here. exp(-inf) = 0, NaN gives NaN.
//   x = n ln2 + r, |r| <= ln2 / 2;   e^r = 1 + r + r^2 Q(r)
template <class D, class V = hn::VFromD<D>>
HWY_INLINE V ExpNegative(D d, V x) {
  const V low = hn::Set(d, -104.0f);           // e^-104 is zero
  x = hn::IfThenElse(hn::Lt(x, low), low, x);  // not Max: a comparison keeps NaN
  const V biased = hn::MulAdd(x, hn::Set(d, 1.44269504f), hn::Set(d, kToWhole));
  const V n = hn::Sub(biased, hn::Set(d, kToWhole));
  V r = hn::NegMulAdd(n, hn::Set(d, kLn2High), x);
  r = hn::NegMulAdd(n, hn::Set(d, kLn2Low), r);
  V q = hn::Set(d, 0.00138144649f);  // relative error of the whole 2^-28.3
  q = hn::MulAdd(q, r, hn::Set(d, 0.00836878084f));
  q = hn::MulAdd(q, r, hn::Set(d, 0.0416683927f));
  q = hn::MulAdd(q, r, hn::Set(d, 0.166665196f));
  q = hn::MulAdd(q, r, hn::Set(d, 0.49999994f));
  const V p = hn::Add(hn::MulAdd(hn::Mul(r, r), q, r), hn::Set(d, 1.0f));
  return TimesPowerOfTwo(d, p, biased);
}

// 1 / (1 + e), 0 <= e <= 1. A division of 16 floats keeps its unit for 16 cycles, this takes 3.
//   r = P(e), cubic, such that delta = 1 - (1 + e) r is the Chebyshev polynomial T4 / 577;
//   1 / (1 + e) = r / (1 - delta) = r (1 + delta + delta^2) (1 - delta^3), delta^3 < 2^-27
template <class D, class V = hn::VFromD<D>>
HWY_INLINE V InverseOfOnePlus(D d, V e) {
  const V one = hn::Set(d, 1.0f);
  V r = hn::Set(d, -128.0f / 577);
  r = hn::MulAdd(r, e, hn::Set(d, 384.0f / 577));
  r = hn::MulAdd(r, e, hn::Set(d, -544.0f / 577));
  r = hn::MulAdd(r, e, hn::Set(d, 576.0f / 577));
  const V delta = hn::NegMulAdd(e, r, hn::Sub(one, r));
  return hn::MulAdd(r, hn::MulAdd(delta, delta, delta), r);
}

// Natural logarithm. Zero and subnormals give -inf, negative numbers NaN, inf gives inf.
//   x = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2));   log(1 + f) = f - f^2/2 + f^3 P(f)
template <class D, class V = hn::VFromD<D>>
HWY_INLINE V Log(D d, V x) {
  const hn::RebindToSigned<D> di;
  const auto bits = hn::BitCast(di, x);
  // Exponent relative to sqrt(1/2): subtracting its bits makes the mantissa's carry do the choice.
  const auto offset = hn::Set(di, 0x3F3504F3);
  const auto shifted = hn::Sub(bits, offset);
  const auto e = hn::ShiftRight<23>(shifted);
  const auto m = hn::Add(hn::And(shifted, hn::Set(di, 0x007FFFFF)), offset);
  const V ef = hn::ConvertTo(d, e);
  const V f = hn::Sub(hn::BitCast(d, m), hn::Set(d, 1.0f));
  V p = hn::Set(d, 0.067466028f);  // relative error of the whole 2^-30.3
  p = hn::MulAdd(p, f, hn::Set(d, -0.116756044f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.118881539f));
  p = hn::MulAdd(p, f, hn::Set(d, -0.124055967f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.142195553f));
  p = hn::MulAdd(p, f, hn::Set(d, -0.166679949f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.200021192f));
  p = hn::MulAdd(p, f, hn::Set(d, -0.250000089f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.333333135f));
  const V f2 = hn::Mul(f, f);
  V y = hn::MulAdd(ef, hn::Set(d, kLn2Low), hn::Mul(hn::Mul(f, f2), p));
  y = hn::Add(hn::NegMulAdd(hn::Set(d, 0.5f), f2, y), f);
  y = hn::MulAdd(ef, hn::Set(d, kLn2High), y);
  const V infinity = hn::BitCast(d, hn::Set(di, 0x7F800000));
  y = hn::IfThenElse(hn::Lt(x, hn::Set(d, 1.17549435e-38f)), hn::Neg(infinity), y);
  y = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::BitCast(d, hn::Set(di, 0x7FC00000)), y);
  // inf and NaN are their own logarithms: neither is below infinity, nor is any of them negative.
  return hn::IfThenElse(hn::Or(hn::Eq(x, infinity), hn::IsNaN(x)), x, y);
}

// 1 / (1 + e^-u), from e^-|u| so that neither side loses its relative accuracy.
template <class D, class V = hn::VFromD<D>>
HWY_INLINE V Sigmoid(D d, V u) {
  const V e = ExpNegative(d, hn::Neg(hn::Abs(u)));
  const V r = InverseOfOnePlus(d, e);
  return hn::IfThenElse(hn::Lt(u, hn::Zero(d)), hn::Mul(e, r), r);
}

// Odd polynomial below 0.625, else 1 - 2 e / (1 + e), e = e^(-2|u|), with the sign of u.
template <class D, class V = hn::VFromD<D>>
HWY_INLINE V Tanh(D d, V u) {
  const V a = hn::Abs(u);
  const V z = hn::Mul(u, u);
  V p = hn::Set(d, -0.00570498547f);  // relative error of the whole 2^-27.8
  p = hn::MulAdd(p, z, hn::Set(d, 0.0206390861f));
  p = hn::MulAdd(p, z, hn::Set(d, -0.0537397154f));
  p = hn::MulAdd(p, z, hn::Set(d, 0.133314416f));
  p = hn::MulAdd(p, z, hn::Set(d, -0.333332807f));
  const V small = hn::MulAdd(hn::Mul(z, u), p, u);
  const V e = ExpNegative(d, hn::Mul(hn::Set(d, -2.0f), a));
  const V large = hn::NegMulAdd(hn::Add(e, e), InverseOfOnePlus(d, e), hn::Set(d, 1.0f));
  return hn::IfThenElse(hn::Lt(a, hn::Set(d, 0.625f)), small, hn::CopySign(large, u));
}

// act(u). The comparison of relu (not Max, whose NaN depends on the instruction set) keeps NaN.
template <Activation kAct, class D, class V = hn::VFromD<D>>
HWY_INLINE V Activate(D d, V u) {
  if constexpr (kAct == Activation::kRelu) return hn::IfThenZeroElse(hn::Le(u, hn::Zero(d)), u);
  if constexpr (kAct == Activation::kSigmoid) return Sigmoid(d, u);
  if constexpr (kAct == Activation::kTanh) return Tanh(d, u);
  (void)d;
  return u;
}

// dy * act'(u), from the output y = act(u). A NaN output lets dy pass (relu) or gives NaN.
template <Activation kAct, class D, class V = hn::VFromD<D>>
HWY_INLINE V TimesDerivative(D d, V y, V dy) {
  if constexpr (kAct == Activation::kRelu) return hn::IfThenZeroElse(hn::Le(y, hn::Zero(d)), dy);
  if constexpr (kAct == Activation::kSigmoid) return hn::Mul(dy, hn::NegMulAdd(y, y, y));
  if constexpr (kAct == Activation::kTanh) {
    return hn::Mul(dy, hn::NegMulAdd(y, y, hn::Set(d, 1.0f)));
  }
  (void)d, (void)y;
  return dy;
}

// dy * act'(u) at the input u: the same bits as from y = act(u), and for relu without forming y.
template <Activation kAct, class D, class V = hn::VFromD<D>>
HWY_INLINE V TimesDerivativeAt(D d, V u, V dy) {
  if constexpr (kAct == Activation::kRelu) return TimesDerivative<kAct>(d, u, dy);
  return TimesDerivative<kAct>(d, Activate<kAct>(d, u), dy);
}

// w - lr (gradient + decay w): gradient descent without momentum (core/ops/pointwise.h).
template <class V>
HWY_INLINE V Descend(V lr, V decay, V w, V gradient) {
  return hn::NegMulAdd(lr, hn::MulAdd(decay, w, gradient), w);
}

// Calls body(ActivationTag<act>()): the one place that turns the word of a net
// into a template argument. body is a function object with HWY_ATTR.
template <Activation kAct>
struct ActivationTag {
  static constexpr Activation value = kAct;
};
template <class Body>
HWY_INLINE void WithActivation(Activation act, const Body& body) {
  switch (act) {
    case Activation::kNone:
      return body(ActivationTag<Activation::kNone>());
    case Activation::kRelu:
      return body(ActivationTag<Activation::kRelu>());
    case Activation::kSigmoid:
      return body(ActivationTag<Activation::kSigmoid>());
    case Activation::kTanh:
      return body(ActivationTag<Activation::kTanh>());
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#endif  // BATCHMARK_CORE_SIMD_MATH_INL_H_
