// The maps are small structs with Load (coefficients of a vector of channels) and Apply; two walks
// over the rows, near and far, serve all of them.
#include "core/simd/pending_rows.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/pending_rows.cc"
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After highway.h, which these include for each target.
#include "core/base/aligned.h"
#include "core/simd/math-inl.h"
#include "core/simd/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::VFromD<D>;

// Large passes run this many floats behind prefetches, above all of the lines that are stored:
// without them the shared cache's latency costs a third of the rate (a copy of 11 MB: 0.79
// against 1.25 ms; 1 to 4 KiB ahead are equal).
constexpr size_t kPrefetchAhead = 512;
constexpr size_t kBlockElements = 2048;  // 8 KiB of each of v, dy, dst
// Rows up to this many floats, a few of them together, are walked channels first: their
// coefficients are then loaded once for all rows.
constexpr size_t kShortRow = 1024;

template <bool kTail>
HWY_INLINE V LoadPart(const float* p, size_t n) {
  return LoadMaybeTail<kTail>(D(), p, n);
}

// Where the walks put their results. One branch a vector costs a loop that waits for memory
// nothing, where another instantiation of every walk would cost half of this file's compile time.
struct FarStore {
  float* dst;
  bool past;

  HWY_INLINE void Prefetch(size_t to) const {
    if (!past) FetchToWrite(dst + to);
  }
  template <bool kFar, bool kTail>
  HWY_INLINE void Store(V value, size_t to, size_t n) const {
    if (kFar && !kTail && past) {
      hn::Stream(value, D(), dst + to);
    } else {
      StoreMaybeTail<kTail>(value, D(), dst + to, n);
    }
  }
};

template <bool kAffine, Activation kAct>
struct ForwardMap {
  const float* HWY_RESTRICT v;
  const float* HWY_RESTRICT scale;
  const float* HWY_RESTRICT shift;
  FarStore out;

  struct Coefficients {
    V scale, shift;
  };
  template <bool kTail>
  HWY_INLINE Coefficients Load(size_t c, size_t n) const {
    if constexpr (!kAffine) return {hn::Zero(D()), hn::Zero(D())};
    return {LoadPart<kTail>(scale + c, n), LoadPart<kTail>(shift + c, n)};
  }
  HWY_INLINE void Prefetch(size_t from, size_t to) const {
    hwy::Prefetch(v + from);
    out.Prefetch(to);
  }
  template <bool kFar, bool kTail>
  HWY_INLINE void Apply(const Coefficients& k, size_t from, size_t to, size_t n) const {
    const D d;
    V u = LoadPart<kTail>(v + from, n);
    if constexpr (kAffine) u = hn::MulAdd(k.scale, u, k.shift);
    out.Store<kFar, kTail>(Activate<kAct>(d, u), to, n);
  }
};

template <GradForm kForm, Activation kAct>
struct GradMap {
  const float* dy;  // may be dst
  const float* HWY_RESTRICT v;
  GradCoefficients p;
  FarStore out;

  struct Coefficients {
    V scale, shift, slope, base;
  };
  template <bool kTail>
  HWY_INLINE Coefficients Load(size_t c, size_t n) const {
    const V zero = hn::Zero(D());
    Coefficients k{zero, zero, zero, zero};
    if constexpr (kForm != GradForm::kActivation) {
      k.scale = LoadPart<kTail>(p.scale + c, n);
      k.slope = LoadPart<kTail>(p.slope + c, n);
      k.base = LoadPart<kTail>(p.base + c, n);
    }
    if constexpr (kForm == GradForm::kNormAct) k.shift = LoadPart<kTail>(p.shift + c, n);
    return k;
  }
  HWY_INLINE void Prefetch(size_t from, size_t to) const {
    hwy::Prefetch(dy + from);
    hwy::Prefetch(v + from);
    out.Prefetch(to);
  }
  template <bool kFar, bool kTail>
  HWY_INLINE void Apply(const Coefficients& k, size_t from, size_t to, size_t n) const {
    const D d;
    const V g = LoadPart<kTail>(dy + from, n);
    const V x = LoadPart<kTail>(v + from, n);
    V dz;
    if constexpr (kForm == GradForm::kActivation) {
      dz = TimesDerivative<kAct>(d, x, g);
    } else if constexpr (kForm == GradForm::kNormAct) {
      const V y = Activate<kAct>(d, hn::MulAdd(k.scale, x, k.shift));
      dz = hn::MulAdd(k.scale, TimesDerivative<kAct>(d, y, g), hn::MulAdd(k.slope, x, k.base));
    } else {
      dz = TimesDerivative<kAct>(d, x, hn::MulAdd(k.scale, g, hn::MulAdd(k.slope, x, k.base)));
    }
    out.Store<kFar, kTail>(dz, to, n);
  }
};

// Channels [c, c + n) of one position.
template <bool kFar, class Map>
HWY_INLINE void WalkPart(const Map& map, size_t c, size_t n, size_t from, size_t to) {
  const size_t lanes = hn::Lanes(D());
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    if constexpr (kFar) map.Prefetch(from + i + kPrefetchAhead, to + i + kPrefetchAhead);
    map.template Apply<kFar, false>(map.template Load<false>(c + i, lanes), from + i, to + i,
                                    lanes);
  }
  if (i < n)
    map.template Apply<kFar, true>(map.template Load<true>(c + i, n - i), from + i, to + i, n - i);
}

// A far block in the order of memory: v, dy and dst are streams that the hardware fetches ahead,
// where groups of channels read a line here and there. Coefficients come from the first cache,
// which such a pass leaves idle.
template <class Map>
HWY_NOINLINE void WalkFar(const RowBlock& block, const Map& shared) {
  // A copy: what is stored might change the original, as far as the compiler knows.
  const Map map = shared;
  const size_t channels = block.channels, columns = block.columns;
  for (size_t at = 0; at < columns; at += channels) {
    WalkPart<true>(map, 0, std::min(channels, columns - at), at, at);
  }
}

// Coefficients of a group of vectors stay in registers: four a vector at most, of 32 registers
// where there is AVX-512, else of 16.
constexpr size_t kGroup = HWY_TARGET <= HWY_AVX3 ? 4 : 2;

// Where a stretch of positions begins and how far apart they are, in elements.
struct Places {
  size_t from, to, from_step, to_step;
};

// Channels [c, c + kVectors lanes) (or a tail of n) of `positions` positions. Stores that miss the
// first cache leave one after another, so the lines of the next position are asked for before
// ([128,100] from the second cache, Granite Rapids: forward 2.42 -> 2.29 us, backward 3.05 -> 2.91).
template <size_t kVectors, bool kTail, class Map>
HWY_INLINE void WalkGroup(const Map& map, size_t positions, size_t c, size_t n, const Places& at) {
  const size_t lanes = hn::Lanes(D());
  typename Map::Coefficients k[kVectors];
  for (size_t j = 0; j < kVectors; ++j) k[j] = map.template Load<kTail>(c + j * lanes, n);
  size_t from = at.from + c, to = at.to + c;
  for (size_t p = 0; p < positions; ++p, from += at.from_step, to += at.to_step) {
    for (size_t j = 0; j < kVectors; ++j) {
      if (j * lanes % kLineFloats == 0) map.out.Prefetch(to + at.to_step + j * lanes);
      map.template Apply<false, kTail>(k[j], from + j * lanes, to + j * lanes, n);
    }
  }
}

// Channels [c, end) of `positions` positions, from the last to the first: a pass over the same
// elements that ran upwards before has left those in the first cache. Not inlined: its loops are
// most of what this file takes to compile.
template <class Map>
HWY_NOINLINE void WalkChannels(const Map& shared, size_t c, size_t end, size_t positions,
                               const Places& places) {
  // Copies, as above.
  const Map map = shared;
  const Places at = places;
  const size_t lanes = hn::Lanes(D()), tail = (end - c) % lanes;
  if (tail != 0) WalkGroup<1, true>(map, positions, end -= tail, tail, at);
  if ((end - c) / lanes % 2 != 0) WalkGroup<1, false>(map, positions, end -= lanes, lanes, at);
  if (kGroup > 2 && (end - c) / lanes % kGroup != 0) {
    WalkGroup<2, false>(map, positions, end -= 2 * lanes, lanes, at);
  }
  while (end > c) WalkGroup<kGroup, false>(map, positions, end -= kGroup * lanes, lanes, at);
}

// Whole positions, in blocks that stay in L1 while the groups of channels pass over them.
template <class Map>
HWY_INLINE void WalkPositions(const Map& map, size_t channels, size_t positions, Places at) {
  const size_t block = std::max<size_t>(1, kBlockElements / channels);
  while (positions != 0) {
    const size_t n = std::min(block, positions);
    WalkChannels(map, 0, channels, n, at);
    positions -= n, at.from += n * at.from_step, at.to += n * at.to_step;
  }
}

template <class Map>
HWY_INLINE void WalkRows(const RowBlock& b, const Map& map) {
  if (b.first == 0 && b.columns == b.channels) {  // a row is one position
    return WalkPositions(map, b.channels, b.rows, {0, 0, b.src_stride, b.dst_stride});
  }
  if (b.rows > 1 && b.columns <= kShortRow) {
    for (size_t i = 0; i < b.columns;) {
      const size_t c = (b.first + i) % b.channels;
      const size_t end = std::min(b.channels, c + b.columns - i);
      // Places of channel 0, which may lie before the block; what is read and written does not.
      WalkChannels(map, c, end, b.rows, {i - c, i - c, b.src_stride, b.dst_stride});
      i += end - c;
    }
    return;
  }
  for (size_t r = 0; r < b.rows; ++r) {
    size_t from = r * b.src_stride, to = r * b.dst_stride;
    size_t left = b.columns;
    const size_t first = b.first % b.channels;
    const size_t head = first == 0 ? 0 : std::min(left, b.channels - first);
    if (head != 0) WalkPart<false>(map, first, head, from, to);
    left -= head, from += head, to += head;
    const size_t positions = left / b.channels;
    WalkPositions(map, b.channels, positions, {from, to, b.channels, b.channels});
    const size_t done = positions * b.channels;
    if (left != done) WalkPart<false>(map, 0, left - done, from + done, to + done);
  }
}

template <class Map>
HWY_INLINE void Walk(const RowBlock& block, const Map& map) {
  if (block.far) {
    WalkFar(block, map);
    if (block.past) hwy::FlushStream();
  } else {
    WalkRows(block, map);
  }
}

// Channels that do not fill whole vectors: neighbouring positions, as many as do, are taken as one
// with the coefficients repeated.
class Folded {
 public:
  explicit Folded(const RowBlock& block) : block_(block), channels_(block.channels) {
    const size_t fold = RowsToFill(channels_, kMost);
    const bool repaid = block.first == 0 && block.columns >= 4 * fold * channels_;
    if (repaid) block_.channels *= fold;
  }
  const RowBlock& block() const { return block_; }
  const float* Repeat(const float* coefficients) {
    if (coefficients == nullptr || block_.channels == channels_) return coefficients;
    float* const room = room_[used_++];
    RepeatForRows(coefficients, channels_, block_.channels / channels_, room);
    return room;
  }

 private:
  static constexpr size_t kMost = 512;
  RowBlock block_;
  size_t channels_, used_ = 0;
  float room_[4][kMost];
};

void MapRowsOnTarget(const RowBlock& block, const float* v, const float* scale, const float* shift,
                     Activation act, float* dst) {
  const FarStore out{dst, block.past};
  WithActivation(act, [&](auto tag) HWY_ATTR {
    constexpr Activation kAct = decltype(tag)::value;
    if (scale != nullptr) {
      Folded folded(block);
      const ForwardMap<true, kAct> map{v, folded.Repeat(scale), folded.Repeat(shift), out};
      Walk(folded.block(), map);
    } else {
      RowBlock flat = block;  // no coefficients: the whole row is one position
      flat.channels = std::max<size_t>(1, block.columns), flat.first = 0;
      Walk(flat, ForwardMap<false, kAct>{v, nullptr, nullptr, out});
    }
  });
}

void GradRowsOnTarget(const RowBlock& block, GradForm form, Activation act, const float* dy,
                      const float* v, const GradCoefficients& p, float* dst) {
  const FarStore out{dst, block.past};
  Folded folded(block);
  const auto coefficients = [&] {
    return GradCoefficients{folded.Repeat(p.scale), folded.Repeat(p.shift), folded.Repeat(p.slope),
                            folded.Repeat(p.base)};
  };
  WithActivation(act, [&](auto tag) HWY_ATTR {
    constexpr Activation kAct = decltype(tag)::value;
    switch (form) {
      case GradForm::kActivation: {
        RowBlock flat = block;
        flat.channels = std::max<size_t>(1, block.columns), flat.first = 0;
        return Walk(flat, GradMap<GradForm::kActivation, kAct>{dy, v, p, out});
      }
      case GradForm::kNormAct:
        return Walk(folded.block(), GradMap<GradForm::kNormAct, kAct>{dy, v, coefficients(), out});
      case GradForm::kActNorm:
        return Walk(folded.block(), GradMap<GradForm::kActNorm, kAct>{dy, v, coefficients(), out});
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
