// The vector functions of math-inl.h against float64 libm, on every backend: errors in ulp over all
// of the range, special values, and the independence of a lane's bits from its position.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "core/simd/activation.h"
#include "tests/support/for_each_backend.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/core/math_test.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "core/simd/math-inl.h"
#include "core/simd/vec-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {

// dst[i] = f(src[i]), whole vectors, then a tail.
template <class F>
HWY_INLINE void Map(const float* src, size_t size, float* dst, const F& f) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= size; i += lanes) hn::StoreU(f(d, hn::LoadU(d, src + i)), d, dst + i);
  if (i < size) StoreTail(f(d, LoadTail(d, src + i, size - i)), d, dst + i, size - i);
}

void MapExp(const float* src, size_t size, float* dst) {
  Map(src, size, dst, [](auto d, auto x) HWY_ATTR { return ExpNegative(d, x); });
}
void MapLog(const float* src, size_t size, float* dst) {
  Map(src, size, dst, [](auto d, auto x) HWY_ATTR { return Log(d, x); });
}
void MapActivation(Activation act, const float* src, size_t size, float* dst) {
  WithActivation(act, [=](auto tag) HWY_ATTR {
    Map(src, size, dst,
        [](auto d, auto x) HWY_ATTR { return Activate<decltype(tag)::value>(d, x); });
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace batchmark {
HWY_EXPORT(MapExp);
HWY_EXPORT(MapLog);
HWY_EXPORT(MapActivation);

namespace {

using Function = void (*)(const float*, size_t, float*);
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

void ExpOf(const float* x, size_t n, float* y) { HWY_DYNAMIC_DISPATCH(MapExp)(x, n, y); }
void LogOf(const float* x, size_t n, float* y) { HWY_DYNAMIC_DISPATCH(MapLog)(x, n, y); }
template <Activation kAct>
void ActOf(const float* x, size_t n, float* y) {
  HWY_DYNAMIC_DISPATCH(MapActivation)(kAct, x, n, y);
}
constexpr Function kSigmoidOf = ActOf<Activation::kSigmoid>;
constexpr Function kTanhOf = ActOf<Activation::kTanh>;
constexpr Function kReluOf = ActOf<Activation::kRelu>;

float One(Function f, float x) {
  float y = 0.0f;
  f(&x, 1, &y);
  return y;
}

uint32_t Bits(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits;
}

// Every 1009th float that is finite and normal and lies in [low, high].
std::vector<float> Sample(float low, float high) {
  std::vector<float> x;
  for (uint64_t b = 0; b < (uint64_t{1} << 32); b += 1009) {
    const uint32_t word = static_cast<uint32_t>(b);
    float value;
    std::memcpy(&value, &word, sizeof(value));
    if (std::isnormal(value) && value >= low && value <= high) x.push_back(value);
  }
  return x;
}

// Largest error in units of the last place of the exact result; results below the normal range are
// not judged (they may be flushed to zero).
double WorstUlp(Function f, double (*exact)(double), const std::vector<float>& x, float* where) {
  std::vector<float> y(x.size());
  f(x.data(), x.size(), y.data());
  double worst = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double truth = exact(x[i]);
    if (std::abs(truth) < std::numeric_limits<float>::min()) continue;
    int exponent;
    (void)std::frexp(truth, &exponent);
    const double error = std::abs(y[i] - truth) / std::ldexp(1.0, exponent - 24);
    if (!(error <= worst)) worst = error, *where = x[i];
  }
  return worst;
}

double ExactExp(double x) { return std::exp(x); }
double ExactLog(double x) { return std::log(x); }
double ExactSigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double ExactTanh(double x) { return std::tanh(x); }

TEST_CASE("math: errors in ulp over the whole range") {
  struct Case {
    const char* name;
    Function function;
    double (*exact)(double);
    float low, high;
    double bound;
  };
  const Case cases[] = {
      {"exp", ExpOf, ExactExp, -104.0f, 0.0f, 1.0},
      {"log", LogOf, ExactLog, 1.2e-38f, 3.4e38f, 1.0},
      {"sigmoid", kSigmoidOf, ExactSigmoid, -104.0f, 3.4e38f, 2.5},
      {"tanh", kTanhOf, ExactTanh, -3.4e38f, 3.4e38f, 1.5},
  };
  for (const Case& c : cases) {
    const std::vector<float> x = Sample(c.low, c.high);
    REQUIRE(x.size() > 500000);
    ForEachBackend([&] {
      float where = 0.0f;
      const double worst = WorstUlp(c.function, c.exact, x, &where);
      INFO(c.name << " at " << where << ": " << worst << " ulp");
      CHECK(worst <= c.bound);
    });
  }
}

TEST_CASE("math: special values") {
  ForEachBackend([] {
    CHECK(One(ExpOf, 0.0f) == 1.0f);
    CHECK(One(ExpOf, -kInf) == 0.0f);
    CHECK(One(ExpOf, -200.0f) == 0.0f);
    CHECK(std::isnan(One(ExpOf, kNaN)));
    CHECK(One(LogOf, 1.0f) == 0.0f);
    CHECK(One(LogOf, 0.0f) == -kInf);
    CHECK(One(LogOf, kInf) == kInf);
    CHECK(std::isnan(One(LogOf, -1.0f)));
    CHECK(std::isnan(One(LogOf, -kInf)));
    CHECK(std::isnan(One(LogOf, kNaN)));
    CHECK(One(kSigmoidOf, 0.0f) == 0.5f);
    CHECK(One(kSigmoidOf, kInf) == 1.0f);
    CHECK(One(kSigmoidOf, -kInf) == 0.0f);
    CHECK(std::isnan(One(kSigmoidOf, kNaN)));
    CHECK(One(kTanhOf, kInf) == 1.0f);
    CHECK(One(kTanhOf, -kInf) == -1.0f);
    CHECK(One(kTanhOf, 0.0f) == 0.0f);
    CHECK(std::isnan(One(kTanhOf, kNaN)));
    CHECK(One(kReluOf, 2.0f) == 2.0f);
    CHECK(Bits(One(kReluOf, -0.0f)) == 0);
    CHECK(One(kReluOf, -kInf) == 0.0f);
    CHECK(One(kReluOf, kInf) == kInf);
    CHECK(std::isnan(One(kReluOf, kNaN)));
  });
}

TEST_CASE("math: a lane's bits do not depend on its position") {
  const std::vector<float> all = Sample(-100.0f, 88.0f);
  std::vector<float> x;
  for (size_t i = 0; i < all.size(); i += all.size() / 67) x.push_back(all[i]);
  ForEachBackend([&] {
    for (const Function f : {Function{ExpOf}, Function{LogOf}, kSigmoidOf, kTanhOf, kReluOf}) {
      std::vector<float> whole(x.size()), part(x.size() + 1);
      f(x.data(), x.size(), whole.data());
      for (size_t n = 1; n <= x.size(); ++n) {
        part[n] = 77.0f;
        f(x.data() + (x.size() - n), n, part.data());
        size_t differing = 0;
        for (size_t i = 0; i < n; ++i) {
          differing += Bits(part[i]) != Bits(whole[x.size() - n + i]);
        }
        CHECK(differing == 0);
        CHECK(part[n] == 77.0f);  // nothing written beyond the end
      }
    }
  });
}

}  // namespace
}  // namespace batchmark
#endif  // HWY_ONCE
