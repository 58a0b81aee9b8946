// Each map is a matrix applied from the left and its transpose from the right: first to the columns
// of a small square of vectors, then to its rows.
#include "core/simd/winograd.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/winograd.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "core/simd/math-inl.h"
#include "core/simd/vec-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::VFromD<D>;

constexpr size_t kIn = kWinogradInputs, kOut = kWinogradOutputs;

// The points and what the matrices are made of, in doubles: all but the rows' factors of G are
// exact as floats.
constexpr double kA = 0.75, kB = 1.5, kAA = kA * kA, kBB = kB * kB;
constexpr double kFactor0 = 1 / (kAA * kBB), kFactorA = 1 / (2 * kAA * (kAA - kBB)),
                 kFactorB = 1 / (2 * kBB * (kBB - kAA));

HWY_INLINE V Value(double x) { return hn::Set(D(), static_cast<float>(x)); }

// to = M from, for each matrix of the header. A point and its opposite share the even and the odd
// part of a polynomial.
struct InputMap {  // B^T
  static constexpr size_t kFrom = kIn, kTo = kIn;
  static HWY_INLINE void Apply(const V (&d)[kIn], V (&to)[kIn]) {
    const V both = Value(kAA * kBB), sum = Value(kAA + kBB), aa = Value(kAA), bb = Value(kBB);
    to[0] = hn::NegMulAdd(sum, d[2], hn::MulAdd(both, d[0], d[4]));
    const V even_a = hn::NegMulAdd(bb, d[2], d[4]), odd_a = hn::NegMulAdd(bb, d[1], d[3]);
    to[1] = hn::MulAdd(Value(kA), odd_a, even_a);
    to[2] = hn::NegMulAdd(Value(kA), odd_a, even_a);
    const V even_b = hn::NegMulAdd(aa, d[2], d[4]), odd_b = hn::NegMulAdd(aa, d[1], d[3]);
    to[3] = hn::MulAdd(Value(kB), odd_b, even_b);
    to[4] = hn::NegMulAdd(Value(kB), odd_b, even_b);
    to[5] = hn::NegMulAdd(sum, d[3], hn::MulAdd(both, d[1], d[5]));
  }
};
struct WeightMap {  // G
  static constexpr size_t kFrom = 3, kTo = kIn;
  static HWY_INLINE void Apply(const V (&g)[3], V (&to)[kIn]) {
    to[0] = hn::Mul(Value(kFactor0), g[0]);
    const V even_a = hn::Mul(Value(kFactorA), hn::MulAdd(Value(kAA), g[2], g[0]));
    const V odd_a = hn::Mul(Value(kFactorA * kA), g[1]);
    to[1] = hn::Add(even_a, odd_a);
    to[2] = hn::Sub(even_a, odd_a);
    const V even_b = hn::Mul(Value(kFactorB), hn::MulAdd(Value(kBB), g[2], g[0]));
    const V odd_b = hn::Mul(Value(kFactorB * kB), g[1]);
    to[3] = hn::Add(even_b, odd_b);
    to[4] = hn::Sub(even_b, odd_b);
    to[5] = g[2];
  }
};
struct OutputMap {  // A^T
  static constexpr size_t kFrom = kIn, kTo = kOut;
  static HWY_INLINE void Apply(const V (&m)[kIn], V (&to)[kOut]) {
    const V even_a = hn::Add(m[1], m[2]), odd_a = hn::Sub(m[1], m[2]);
    const V even_b = hn::Add(m[3], m[4]), odd_b = hn::Sub(m[3], m[4]);
    to[0] = hn::Add(m[0], hn::Add(even_a, even_b));
    to[1] = hn::MulAdd(Value(kA), odd_a, hn::Mul(Value(kB), odd_b));
    to[2] = hn::MulAdd(Value(kAA), even_a, hn::Mul(Value(kBB), even_b));
    to[3] = hn::MulAdd(Value(kAA * kA), odd_a, hn::MulAdd(Value(kBB * kB), odd_b, m[5]));
  }
};
struct OutputGradientMap {  // A
  static constexpr size_t kFrom = kOut, kTo = kIn;
  static HWY_INLINE void Apply(const V (&y)[kOut], V (&to)[kIn]) {
    to[0] = y[0];
    const V even_a = hn::MulAdd(Value(kAA), y[2], y[0]);
    const V odd_a = hn::MulAdd(Value(kAA), y[3], y[1]);
    to[1] = hn::MulAdd(Value(kA), odd_a, even_a);
    to[2] = hn::NegMulAdd(Value(kA), odd_a, even_a);
    const V even_b = hn::MulAdd(Value(kBB), y[2], y[0]);
    const V odd_b = hn::MulAdd(Value(kBB), y[3], y[1]);
    to[3] = hn::MulAdd(Value(kB), odd_b, even_b);
    to[4] = hn::NegMulAdd(Value(kB), odd_b, even_b);
    to[5] = y[3];
  }
};
struct WeightGradientMap {  // G^T
  static constexpr size_t kFrom = kIn, kTo = 3;
  static HWY_INLINE void Apply(const V (&u)[kIn], V (&to)[3]) {
    const V even_a = hn::Mul(Value(kFactorA), hn::Add(u[1], u[2]));
    const V even_b = hn::Mul(Value(kFactorB), hn::Add(u[3], u[4]));
    const V odd_a = hn::Sub(u[1], u[2]), odd_b = hn::Sub(u[3], u[4]);
    to[0] = hn::MulAdd(Value(kFactor0), u[0], hn::Add(even_a, even_b));
    to[1] = hn::MulAdd(Value(kFactorA * kA), odd_a, hn::Mul(Value(kFactorB * kB), odd_b));
    to[2] = hn::MulAdd(Value(kAA), even_a, hn::MulAdd(Value(kBB), even_b, u[5]));
  }
};

// M square M^T of vectors: load(i, j), store(i, j, value).
template <class Map, class Load, class Store>
HWY_INLINE void Transform(const Load& load, const Store& store) {
  V half[Map::kTo][Map::kFrom];
#pragma GCC unroll 6
  for (size_t j = 0; j < Map::kFrom; ++j) {
    V column[Map::kFrom], to[Map::kTo];
#pragma GCC unroll 6
    for (size_t i = 0; i < Map::kFrom; ++i) column[i] = load(i, j);
    Map::Apply(column, to);
#pragma GCC unroll 6
    for (size_t i = 0; i < Map::kTo; ++i) half[i][j] = to[i];
  }
#pragma GCC unroll 6
  for (size_t i = 0; i < Map::kTo; ++i) {
    V to[Map::kTo];
    Map::Apply(half[i], to);
#pragma GCC unroll 6
    for (size_t j = 0; j < Map::kTo; ++j) store(i, j, to[j]);
  }
}

// Calls run(i, y, x) with the output position of each tile first + i.
template <class Run>
HWY_INLINE void ForTiles(const WinogradTiles& tiles, const Run& run) {
  size_t y = kOut * (tiles.first / tiles.columns), x = kOut * (tiles.first % tiles.columns);
  for (size_t i = 0; i < tiles.count; ++i) {
    run(i, y, x);
    x += kOut;
    if (x == kOut * tiles.columns) x = 0, y += kOut;
  }
}

// A square of `kFrom` x `kFrom` positions of src from (y, x) on, zero outside, to a tile's rows of
// the products.
template <class Map>
HWY_INLINE void TransformSquare(const WinogradArray& array, size_t y, size_t x, const float* src,
                                const float* zeros, float* to, size_t stride) {
  constexpr size_t kFrom = Map::kFrom;
  const D d;
  const size_t channels = array.channels, row = array.width * channels;
  const auto run = [&](const auto& at) HWY_ATTR {
    for (size_t c = 0; c < channels; c += hn::Lanes(d)) {
      Transform<Map>([&](size_t i, size_t j) HWY_ATTR { return hn::LoadU(d, at(i, j) + c); },
                     [&](size_t i, size_t j, V value) HWY_ATTR {
                       float* const p = to + (kIn * i + j) * stride + c;
                       FetchToWrite(p + hn::Lanes(d));  // of the next square
                       hn::StoreU(value, d, p);
                     });
    }
  };
  // Above and left of the array the position wraps around, and is outside.
  if (y < array.height && x < array.width && y + kFrom <= array.height &&
      x + kFrom <= array.width) {
    const float* const first = src + y * row + x * channels;
    return run([&](size_t i, size_t j) HWY_ATTR { return first + i * row + j * channels; });
  }
  const float* at[kFrom][kFrom];
  for (size_t i = 0; i < kFrom; ++i) {
    for (size_t j = 0; j < kFrom; ++j) {
      const bool inside = y + i < array.height && x + j < array.width;
      at[i][j] = inside ? src + (y + i) * row + (x + j) * channels : zeros;
    }
  }
  run([&](size_t i, size_t j) HWY_ATTR { return at[i][j]; });
}

void WinogradInputOnTarget(const WinogradArray& array, const WinogradTiles& tiles, size_t pad_y,
                           size_t pad_x, const float* src, const float* zeros, float* v,
                           size_t stride) {
  ForTiles(tiles, [&](size_t tile, size_t y, size_t x) HWY_ATTR {
    TransformSquare<InputMap>(array, y - pad_y, x - pad_x, src, zeros, v + tile * array.channels,
                              stride);
  });
}

void WinogradOutputOnTarget(const WinogradArray& array, const WinogradTiles& tiles, const float* m,
                            size_t stride, const float* bias, Activation act, float* dst) {
  const D d;
  const size_t channels = array.channels;
  WithActivation(act, [&](auto tag) HWY_ATTR {
    constexpr Activation kAct = decltype(tag)::value;
    ForTiles(tiles, [&](size_t tile, size_t y, size_t x) HWY_ATTR {
      const float* const from = m + tile * channels;
      float* const to = dst + (y * array.width + x) * channels;
      const size_t rows = std::min(kOut, array.height - y);
      const size_t columns = std::min(kOut, array.width - x);
      for (size_t c = 0; c < channels; c += hn::Lanes(d)) {
        const V start = bias == nullptr ? hn::Zero(d) : hn::LoadU(d, bias + c);
        Transform<OutputMap>(
            [&](size_t i, size_t j)
                HWY_ATTR { return hn::LoadU(d, from + (kIn * i + j) * stride + c); },
            [&](size_t i, size_t j, V value) HWY_ATTR {
              if (i >= rows || j >= columns) return;
              hn::StoreU(Activate<kAct>(d, hn::Add(start, value)), d,
                         to + (i * array.width + j) * channels + c);
            });
      }
    });
  });
}

void WinogradOutputGradientOnTarget(const WinogradArray& array, const WinogradTiles& tiles,
                                    const float* dy, const float* zeros, float* z, size_t stride) {
  ForTiles(tiles, [&](size_t tile, size_t y, size_t x) HWY_ATTR {
    TransformSquare<OutputGradientMap>(array, y, x, dy, zeros, z + tile * array.channels, stride);
  });
}

// Elementwise over count: n x n squares of arrays to squares of others.
template <class Map>
HWY_INLINE void TransformArrays(size_t count, size_t row, const float* from, float* to) {
  const D d;
  const auto step = [&](size_t k, const auto& load, const auto& store) HWY_ATTR {
    Transform<Map>([&](size_t i, size_t j)
                       HWY_ATTR { return load(from + (Map::kFrom * i + j) * row + k); },
                   [&](size_t i, size_t j, V value)
                       HWY_ATTR { store(value, to + (Map::kTo * i + j) * row + k); });
  };
  const size_t lanes = hn::Lanes(d);
  size_t k = 0;
  for (; k + lanes <= count; k += lanes) {
    step(
        k, [&](const float* p) HWY_ATTR { return hn::LoadU(d, p); },
        [&](V value, float* p) HWY_ATTR { hn::StoreU(value, d, p); });
  }
  if (k < count) {
    step(
        k, [&](const float* p) HWY_ATTR { return LoadTail(d, p, count - k); },
        [&](V value, float* p) HWY_ATTR { StoreTail(value, d, p, count - k); });
  }
}

void WinogradWeightsOnTarget(size_t count, size_t row, const float* taps, float* u) {
  TransformArrays<WeightMap>(count, row, taps, u);
}

void WinogradWeightGradientOnTarget(size_t count, size_t row, const float* du, float* d_taps) {
  TransformArrays<WeightGradientMap>(count, row, du, d_taps);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace batchmark {

HWY_EXPORT(WinogradInputOnTarget);
HWY_EXPORT(WinogradWeightsOnTarget);
HWY_EXPORT(WinogradOutputOnTarget);
HWY_EXPORT(WinogradOutputGradientOnTarget);
HWY_EXPORT(WinogradWeightGradientOnTarget);

void WinogradInput(const WinogradArray& array, const WinogradTiles& tiles, size_t pad_y,
                   size_t pad_x, const float* src, const float* zeros, float* v, size_t stride) {
  HWY_DYNAMIC_DISPATCH(WinogradInputOnTarget)
  (array, tiles, pad_y, pad_x, src, zeros, v, stride);
}

void WinogradWeights(size_t count, size_t row, const float* taps, float* u) {
  HWY_DYNAMIC_DISPATCH(WinogradWeightsOnTarget)(count, row, taps, u);
}

void WinogradOutput(const WinogradArray& array, const WinogradTiles& tiles, const float* m,
                    size_t stride, const float* bias, Activation act, float* dst) {
  HWY_DYNAMIC_DISPATCH(WinogradOutputOnTarget)(array, tiles, m, stride, bias, act, dst);
}

void WinogradOutputGradient(const WinogradArray& array, const WinogradTiles& tiles, const float* dy,
                            const float* zeros, float* z, size_t stride) {
  HWY_DYNAMIC_DISPATCH(WinogradOutputGradientOnTarget)(array, tiles, dy, zeros, z, stride);
}

void WinogradWeightGradient(size_t count, size_t row, const float* du, float* d_taps) {
  HWY_DYNAMIC_DISPATCH(WinogradWeightGradientOnTarget)(count, row, du, d_taps);
}

}  // namespace batchmark
#endif  // HWY_ONCE
