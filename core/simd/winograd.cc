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

// to = M from, for each matrix of the header.
struct InputMap {  // B^T
  static constexpr size_t kFrom = 4, kTo = 4;
  static HWY_INLINE void Apply(const V (&d)[4], V (&to)[4]) {
    to[0] = hn::Sub(d[0], d[2]);
    to[1] = hn::Add(d[1], d[2]);
    to[2] = hn::Sub(d[2], d[1]);
    to[3] = hn::Sub(d[1], d[3]);
  }
};
struct WeightMap {  // G
  static constexpr size_t kFrom = 3, kTo = 4;
  static HWY_INLINE void Apply(const V (&g)[3], V (&to)[4]) {
    const V half = hn::Set(D(), 0.5f);
    const V outer = hn::Mul(half, hn::Add(g[0], g[2])), inner = hn::Mul(half, g[1]);
    to[0] = g[0];
    to[1] = hn::Add(outer, inner);
    to[2] = hn::Sub(outer, inner);
    to[3] = g[2];
  }
};
struct OutputMap {  // A^T
  static constexpr size_t kFrom = 4, kTo = 2;
  static HWY_INLINE void Apply(const V (&m)[4], V (&to)[2]) {
    to[0] = hn::Add(hn::Add(m[0], m[1]), m[2]);
    to[1] = hn::Sub(hn::Sub(m[1], m[2]), m[3]);
  }
};
struct OutputGradientMap {  // A
  static constexpr size_t kFrom = 2, kTo = 4;
  static HWY_INLINE void Apply(const V (&y)[2], V (&to)[4]) {
    to[0] = y[0];
    to[1] = hn::Add(y[0], y[1]);
    to[2] = hn::Sub(y[0], y[1]);
    to[3] = hn::Neg(y[1]);
  }
};
struct WeightGradientMap {  // G^T
  static constexpr size_t kFrom = 4, kTo = 3;
  static HWY_INLINE void Apply(const V (&u)[4], V (&to)[3]) {
    const V half = hn::Set(D(), 0.5f);
    const V sum = hn::Mul(half, hn::Add(u[1], u[2]));
    to[0] = hn::Add(u[0], sum);
    to[1] = hn::Mul(half, hn::Sub(u[1], u[2]));
    to[2] = hn::Add(sum, u[3]);
  }
};

// M square M^T of vectors: load(i, j), store(i, j, value).
template <class Map, class Load, class Store>
HWY_INLINE void Transform(const Load& load, const Store& store) {
  V half[Map::kTo][Map::kFrom];
#pragma GCC unroll 4
  for (size_t j = 0; j < Map::kFrom; ++j) {
    V column[Map::kFrom], to[Map::kTo];
#pragma GCC unroll 4
    for (size_t i = 0; i < Map::kFrom; ++i) column[i] = load(i, j);
    Map::Apply(column, to);
#pragma GCC unroll 4
    for (size_t i = 0; i < Map::kTo; ++i) half[i][j] = to[i];
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < Map::kTo; ++i) {
    V to[Map::kTo];
    Map::Apply(half[i], to);
#pragma GCC unroll 4
    for (size_t j = 0; j < Map::kTo; ++j) store(i, j, to[j]);
  }
}

// Calls run(i, y, x) with the output position of each tile first + i.
template <class Run>
HWY_INLINE void ForTiles(const WinogradTiles& tiles, const Run& run) {
  size_t y = 2 * (tiles.first / tiles.columns), x = 2 * (tiles.first % tiles.columns);
  for (size_t i = 0; i < tiles.count; ++i) {
    run(i, y, x);
    x += 2;
    if (x == 2 * tiles.columns) x = 0, y += 2;
  }
}

void WinogradInputOnTarget(const WinogradArray& array, const WinogradTiles& tiles, size_t pad_y,
                           size_t pad_x, const float* src, const float* zeros, float* v,
                           size_t stride) {
  const D d;
  const size_t channels = array.channels;
  ForTiles(tiles, [&](size_t tile, size_t y, size_t x) HWY_ATTR {
    const float* at[4][4];
    for (size_t i = 0; i < 4; ++i) {
      for (size_t j = 0; j < 4; ++j) {  // below zero wraps around, and is outside
        const size_t in_y = y + i - pad_y, in_x = x + j - pad_x;
        const bool inside = in_y < array.height && in_x < array.width;
        at[i][j] = inside ? src + (in_y * array.width + in_x) * channels : zeros;
      }
    }
    float* const to = v + tile * channels;
    for (size_t c = 0; c < channels; c += hn::Lanes(d)) {
      Transform<InputMap>([&](size_t i, size_t j) HWY_ATTR { return hn::LoadU(d, at[i][j] + c); },
                          [&](size_t i, size_t j, V value)
                              HWY_ATTR { hn::StoreU(value, d, to + (4 * i + j) * stride + c); });
    }
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
      const size_t rows = std::min<size_t>(2, array.height - y);
      const size_t columns = std::min<size_t>(2, array.width - x);
      for (size_t c = 0; c < channels; c += hn::Lanes(d)) {
        const V start = bias == nullptr ? hn::Zero(d) : hn::LoadU(d, bias + c);
        Transform<OutputMap>([&](size_t i, size_t j)
                                 HWY_ATTR { return hn::LoadU(d, from + (4 * i + j) * stride + c); },
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
  const D d;
  const size_t channels = array.channels;
  ForTiles(tiles, [&](size_t tile, size_t y, size_t x) HWY_ATTR {
    const float* at[2][2];
    for (size_t i = 0; i < 2; ++i) {
      for (size_t j = 0; j < 2; ++j) {
        const bool inside = y + i < array.height && x + j < array.width;
        at[i][j] = inside ? dy + ((y + i) * array.width + x + j) * channels : zeros;
      }
    }
    float* const to = z + tile * channels;
    for (size_t c = 0; c < channels; c += hn::Lanes(d)) {
      Transform<OutputGradientMap>(
          [&](size_t i, size_t j) HWY_ATTR { return hn::LoadU(d, at[i][j] + c); },
          [&](size_t i, size_t j, V value)
              HWY_ATTR { hn::StoreU(value, d, to + (4 * i + j) * stride + c); });
    }
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
