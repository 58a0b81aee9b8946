// The maps are small structs with Load (coefficients of a vector of channels) and Apply; one walk
// over the rows serves all of them.
#include "core/simd/pending_rows.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/pending_rows.cc"
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

template <bool kTail>
HWY_INLINE V LoadPart(const float* p, size_t n) {
  return LoadMaybeTail<kTail>(D(), p, n);
}

template <bool kAffine, Activation kAct>
struct ForwardMap {
  const float* HWY_RESTRICT v;
  const float* HWY_RESTRICT scale;
  const float* HWY_RESTRICT shift;
  float* dst;

  struct Coefficients {
    V scale, shift;
  };
  template <bool kTail>
  HWY_INLINE Coefficients Load(size_t c, size_t n) const {
    if constexpr (!kAffine) return {hn::Zero(D()), hn::Zero(D())};
    return {LoadPart<kTail>(scale + c, n), LoadPart<kTail>(shift + c, n)};
  }
  template <bool kTail>
  HWY_INLINE void Apply(const Coefficients& k, size_t from, size_t to, size_t n) const {
    const D d;
    V u = LoadPart<kTail>(v + from, n);
    if constexpr (kAffine) u = hn::MulAdd(k.scale, u, k.shift);
    StoreMaybeTail<kTail>(Activate<kAct>(d, u), d, dst + to, n);
  }
};

template <GradForm kForm, Activation kAct>
struct GradMap {
  const float* HWY_RESTRICT dy;
  const float* HWY_RESTRICT v;
  GradCoefficients p;
  float* dst;

  struct Coefficients {
    V scale, shift, c1, c2, c3;
  };
  template <bool kTail>
  HWY_INLINE Coefficients Load(size_t c, size_t n) const {
    const V zero = hn::Zero(D());
    Coefficients k{zero, zero, zero, zero, zero};
    if constexpr (kForm == GradForm::kNormAct) {
      k.scale = LoadPart<kTail>(p.scale + c, n);
      k.shift = LoadPart<kTail>(p.shift + c, n);
    }
    if constexpr (kForm != GradForm::kActivation) {
      k.c1 = LoadPart<kTail>(p.c1 + c, n);
      k.c2 = LoadPart<kTail>(p.c2 + c, n);
      k.c3 = LoadPart<kTail>(p.c3 + c, n);
    }
    return k;
  }
  template <bool kTail>
  HWY_INLINE void Apply(const Coefficients& k, size_t from, size_t to, size_t n) const {
    const D d;
    const V g = LoadPart<kTail>(dy + from, n);
    const V x = LoadPart<kTail>(v + from, n);
    V dz;
    if constexpr (kForm == GradForm::kActivation) {
      dz = TimesDerivative<kAct>(d, x, g);
    } else if constexpr (kForm == GradForm::kNormAct) {
      const V y = Activate<kAct>(d, hn::MulAdd(k.scale, x, k.shift));
      dz = hn::MulAdd(k.c1, TimesDerivative<kAct>(d, y, g), hn::MulAdd(k.c2, x, k.c3));
    } else {
      dz = TimesDerivative<kAct>(d, x, hn::MulAdd(k.c1, g, hn::MulAdd(k.c2, x, k.c3)));
    }
    StoreMaybeTail<kTail>(dz, d, dst + to, n);
  }
};

// Channels [c, c + n) of one position.
template <class Map>
HWY_INLINE void WalkPart(const Map& map, size_t c, size_t n, size_t from, size_t to) {
  const size_t lanes = hn::Lanes(D());
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    map.template Apply<false>(map.template Load<false>(c + i, lanes), from + i, to + i, lanes);
  }
  if (i < n)
    map.template Apply<true>(map.template Load<true>(c + i, n - i), from + i, to + i, n - i);
}

// Whole positions: coefficients of up to two vectors of channels stay in registers.
template <class Map>
HWY_INLINE void WalkPositions(const Map& map, size_t channels, size_t positions, size_t from,
                              size_t to) {
  const size_t lanes = hn::Lanes(D());
  size_t c = 0;
  for (; c + 2 * lanes <= channels; c += 2 * lanes) {
    const auto k0 = map.template Load<false>(c, lanes);
    const auto k1 = map.template Load<false>(c + lanes, lanes);
    for (size_t p = 0, i = c; p < positions; ++p, i += channels) {
      map.template Apply<false>(k0, from + i, to + i, lanes);
      map.template Apply<false>(k1, from + i + lanes, to + i + lanes, lanes);
    }
  }
  for (; c + lanes <= channels; c += lanes) {
    const auto k = map.template Load<false>(c, lanes);
    for (size_t p = 0, i = c; p < positions; ++p, i += channels) {
      map.template Apply<false>(k, from + i, to + i, lanes);
    }
  }
  if (c < channels) {
    const auto k = map.template Load<true>(c, channels - c);
    for (size_t p = 0, i = c; p < positions; ++p, i += channels) {
      map.template Apply<true>(k, from + i, to + i, channels - c);
    }
  }
}

template <class Map>
HWY_INLINE void Walk(const RowBlock& b, const Map& map) {
  for (size_t r = 0; r < b.rows; ++r) {
    size_t from = r * b.src_stride, to = r * b.dst_stride;
    size_t left = b.columns;
    const size_t first = b.first % b.channels;
    const size_t head = first == 0 ? 0 : std::min(left, b.channels - first);
    if (head != 0) WalkPart(map, first, head, from, to);
    left -= head, from += head, to += head;
    const size_t positions = left / b.channels;
    if (positions != 0) WalkPositions(map, b.channels, positions, from, to);
    const size_t done = positions * b.channels;
    if (left != done) WalkPart(map, 0, left - done, from + done, to + done);
  }
}

void MapRowsOnTarget(const RowBlock& block, const float* v, const float* scale, const float* shift,
                     Activation act, float* dst) {
  WithActivation(act, [&](auto tag) HWY_ATTR {
    constexpr Activation kAct = decltype(tag)::value;
    if (scale != nullptr) {
      Walk(block, ForwardMap<true, kAct>{v, scale, shift, dst});
    } else {
      RowBlock flat = block;  // no coefficients: the whole row is one position
      flat.channels = std::max<size_t>(1, block.columns), flat.first = 0;
      Walk(flat, ForwardMap<false, kAct>{v, nullptr, nullptr, dst});
    }
  });
}

void GradRowsOnTarget(const RowBlock& block, GradForm form, Activation act, const float* dy,
                      const float* v, const GradCoefficients& p, float* dst) {
  WithActivation(act, [&](auto tag) HWY_ATTR {
    constexpr Activation kAct = decltype(tag)::value;
    switch (form) {
      case GradForm::kActivation: {
        RowBlock flat = block;
        flat.channels = std::max<size_t>(1, block.columns), flat.first = 0;
        return Walk(flat, GradMap<GradForm::kActivation, kAct>{dy, v, p, dst});
      }
      case GradForm::kNormAct:
        return Walk(block, GradMap<GradForm::kNormAct, kAct>{dy, v, p, dst});
      case GradForm::kActNorm:
        return Walk(block, GradMap<GradForm::kActNorm, kAct>{dy, v, p, dst});
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace batchmark {

HWY_EXPORT(MapRowsOnTarget);
HWY_EXPORT(GradRowsOnTarget);

void MapRows(const RowBlock& block, const float* v, const float* scale, const float* shift,
             Activation act, float* dst) {
  HWY_DYNAMIC_DISPATCH(MapRowsOnTarget)(block, v, scale, shift, act, dst);
}

void GradRows(const RowBlock& block, GradForm form, Activation act, const float* dy, const float* v,
              const GradCoefficients& coefficients, float* dst) {
  HWY_DYNAMIC_DISPATCH(GradRowsOnTarget)(block, form, act, dy, v, coefficients, dst);
}

}  // namespace batchmark
#endif  // HWY_ONCE
