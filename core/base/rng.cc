#include "core/base/rng.h"

#include "core/base/check.h"

namespace batchmark {
namespace {

// Polynomial inverse of the normal distribution function; no libm, so the same bits everywhere.
// Source: P. J. Acklam's rational approximation, relative error below 1.15e-9. log and sqrt of the
// tails are avoided by its central form wherever |u - 1/2| <= 0.47575; the tails use Ln below.
constexpr double kTail = 0.02425;

// Natural logarithm of x in (0, 1] to about 1e-15 by range reduction and the atanh series:
// contraction is off, so the bits are those of IEEE arithmetic in this order.
double Ln(double x) {
  int exponent = 0;
  while (x < 0.70710678118654752) {
    x *= 2.0;
    --exponent;
  }
  const double t = (x - 1.0) / (x + 1.0);
  const double t2 = t * t;
  double sum = 0.0;
  for (int k = 25; k >= 1; k -= 2) sum = sum * t2 + 1.0 / k;
  return 2.0 * t * sum + exponent * 0.69314718055994531;
}

double SquareRoot(double x) { return __builtin_sqrt(x); }  // correctly rounded by IEEE 754

double InverseNormal(double p) {
  constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                          1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                          6.680131188771972e+01, -1.328068155288572e+01};
  constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                          -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                          3.754408661907416e+00};
  if (p < kTail || p > 1.0 - kTail) {
    const bool low = p < kTail;
    const double q = SquareRoot(-2.0 * Ln(low ? p : 1.0 - p));
    const double x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
                     ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1.0);
    return low ? x : -x;
  }
  const double q = p - 0.5;
  const double r = q * q;
  return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
         (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1.0);
}

}  // namespace

PhiloxCounter Philox4x32(PhiloxCounter counter, PhiloxKey key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const uint64_t p0 = uint64_t{kPhiloxMultiplier[0]} * counter[0];
    const uint64_t p1 = uint64_t{kPhiloxMultiplier[1]} * counter[2];
    counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(p1),
               static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(p0)};
    key[0] += kPhiloxWeyl[0];
    key[1] += kPhiloxWeyl[1];
  }
  return counter;
}

PhiloxCounter Rng::Counter(uint64_t block) const {
  // Key = seed; counter = (block, stream and sub). The stream takes the top byte of the last word.
  BATCHMARK_CHECK(sub_ < (uint64_t{1} << 56) && block < (uint64_t{1} << 32));
  return {static_cast<uint32_t>(block), 0u, static_cast<uint32_t>(sub_),
          static_cast<uint32_t>(sub_ >> 32) | (static_cast<uint32_t>(stream_) << 24)};
}

PhiloxKey Rng::Key() const {
  return {static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)};
}

uint32_t Rng::Bits(uint64_t index) const {
  return Philox4x32(Counter(index >> 2), Key())[index & 3];
}

double Rng::Uniform(uint64_t index) const {
  const PhiloxCounter words = Philox4x32(Counter(index >> 1), Key());
  const size_t pair = (index & 1) * 2;
  const uint64_t bits = (uint64_t{words[pair]} << 32) | words[pair + 1];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

float Rng::UniformFloat(uint64_t index) const {
  return static_cast<float>(Bits(index) >> 8) * 0x1p-24f;
}

double Rng::Normal(uint64_t index) const {
  // Centre of the 2^53 cells: never 0 or 1.
  return InverseNormal(Uniform(index) + 0x1p-54);
}

uint32_t Rng::Below(uint64_t index, uint32_t n) const {
  BATCHMARK_CHECK(n > 0);
  return static_cast<uint32_t>((uint64_t{Bits(index)} * n) >> 32);
}

}  // namespace batchmark
