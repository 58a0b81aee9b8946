// One walk serves both reductions: rows in blocks that stay in L1, and within a block the channels
// in groups of vectors whose accumulators stay in registers. So memory is read once, in order, for
// any number of channels.
#include "core/simd/batch_norm_rows.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/batch_norm_rows.cc"
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "core/base/aligned.h"
#include "core/simd/math-inl.h"
#include "core/simd/vec-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using DD = hn::ScalableTag<double>;
using V = hn::VFromD<D>;

constexpr size_t kSegment = 512;  // channels whose pivots and sums are kept on the stack (10 KiB)
constexpr size_t kBlockRows =
    64;  // rows summed in float: error about sqrt(64) eps / 2; 16 KiB at C = 64
constexpr size_t kMaxLanes = hn::MaxLanes(D());
constexpr size_t kPadded = kSegment + kMaxLanes;  // tails may store whole vectors

// Vectors of channels a group holds at least. Each has two accumulators; the two FMA ports need 8
// chains, which groups of fewer vectors get by taking more rows at a time. Registers for twice as
// many, and their constants, leave longer runs of memory to read in order (Granite Rapids: moments
// of 512 rows of 512 channels 1.15 times as fast, backward sums of 128 rows of 100 1.06).
constexpr size_t kGroup = 4;
constexpr size_t kLongGroup = kAvx512 ? 2 * kGroup : kGroup;

// Sums and pivots of a segment of channels.
struct Segment {
  HWY_ALIGN float pivot[kPadded];
  HWY_ALIGN double first[kPadded];   // sum d        | sum dyn
  HWY_ALIGN double second[kPadded];  // sum d^2      | sum dyn (v - pivot)
};

// to[0, lanes) += v, in double.
HWY_INLINE void AddToDoubles(V v, double* HWY_RESTRICT to) {
  const D d;
  const DD dd;
  const hn::Rebind<float, DD> half;
  HWY_ALIGN float buffer[kMaxLanes];
  hn::Store(v, d, buffer);
  for (size_t i = 0; i < hn::Lanes(d); i += hn::Lanes(dd)) {
    const auto wide = hn::PromoteTo(dd, hn::Load(half, buffer + i));
    hn::Store(hn::Add(hn::Load(dd, to + i), wide), dd, to + i);
  }
}

// d and d^2 of the moments; kCopy: x also goes past the caches.
template <bool kCopy>
struct MomentTerms {
  const float* HWY_RESTRICT x;
  float* HWY_RESTRICT past;
  struct Constants {
    V pivot;
  };
  template <bool kTail>
  HWY_INLINE Constants Load(const Segment& s, size_t, size_t c, size_t) const {
    return {hn::Load(D(), s.pivot + c)};
  }
  HWY_INLINE void Prefetch(size_t at) const { FetchToSecondCache(x + at); }
  template <bool kTail>
  HWY_INLINE void Add(const Constants& k, size_t at, size_t n, V& first, V& second) const {
    const V value = LoadMaybeTail<kTail>(D(), x + at, n);
    if constexpr (kCopy && !kTail) hn::Stream(value, D(), past + at);
    const V deviation = hn::Sub(value, k.pivot);
    first = hn::Add(first, deviation);
    second = hn::MulAdd(deviation, deviation, second);
  }
};

// dyn and dyn (v - pivot) of the backward sums.
template <bool kAffine, Activation kAct>
struct BackwardTerms {
  const float* HWY_RESTRICT dy;
  const float* HWY_RESTRICT v;
  const float* HWY_RESTRICT scale;
  const float* HWY_RESTRICT shift;
  struct Constants {
    V pivot, scale, shift;
  };
  template <bool kTail>
  HWY_INLINE Constants Load(const Segment& s, size_t channel, size_t c, size_t n) const {
    const D d;
    Constants k{hn::Load(d, s.pivot + c), hn::Zero(d), hn::Zero(d)};
    if constexpr (kAffine) {
      k.scale = LoadMaybeTail<kTail>(d, scale + channel, n);
      k.shift = LoadMaybeTail<kTail>(d, shift + channel, n);
    }
    return k;
  }
  HWY_INLINE void Prefetch(size_t at) const {
    FetchToSecondCache(dy + at);
    FetchToSecondCache(v + at);
  }
  template <bool kTail>
  HWY_INLINE void Add(const Constants& k, size_t at, size_t n, V& first, V& second) const {
    const D d;
    const V x = LoadMaybeTail<kTail>(d, v + at, n);
    V g = LoadMaybeTail<kTail>(d, dy + at, n);
    if constexpr (kAffine) g = TimesDerivativeAt<kAct>(d, hn::MulAdd(k.scale, x, k.shift), g);
    first = hn::Add(first, g);
    second = hn::MulAdd(g, hn::Sub(x, k.pivot), second);
  }
};

// Rows that lie `stride` apart, in runs that lie run_stride apart; 0: one run.
struct Rows {
  size_t rows, stride;
  size_t runs = 1, run_stride = 0;
};

// Adds the terms of all rows for kVectors vectors of channels from segment position c; `begin` is
// the element (row 0, channel). n channels: kVectors whole vectors, or one tail.
// fetch: kBlockRows more rows lie behind, and are fetched: the hardware sees strided reads, since a
// group of channels takes a part of each row. Whole batch norm forward of 19 MB then takes a fifth
// less or better (2 cores, Zen 3).
template <size_t kVectors, bool kTail, class Terms>
HWY_INLINE void AddGroup(const Terms& terms, Segment& s, size_t channel, size_t c, size_t n,
                         size_t begin, const Rows& rows, bool fetch) {
  constexpr size_t kRows = std::max<size_t>(1, kGroup / kVectors), kSums = kRows * kVectors;
  const D d;
  const size_t lanes = hn::Lanes(d);
  typename Terms::Constants k[kVectors];
  V first[kSums], second[kSums];
  for (size_t j = 0; j < kVectors; ++j) {
    k[j] = terms.template Load<kTail>(s, channel + j * lanes, c + j * lanes, n);
  }
  for (size_t i = 0; i < kSums; ++i) first[i] = second[i] = hn::Zero(d);
  const size_t stride = rows.stride;
  for (size_t run = 0; run < rows.runs; ++run) {
    size_t at = begin + run * rows.run_stride, r = 0;
    for (; r + kRows <= rows.rows; r += kRows, at += kRows * stride) {
      for (size_t u = 0; u < kRows; ++u) {
        for (size_t j = 0; j < kVectors; ++j) {
          const size_t i = u * kVectors + j;
          if (fetch && j * lanes % kLineFloats == 0) {
            terms.Prefetch(at + (u + kBlockRows) * stride + j * lanes);
          }
          terms.template Add<kTail>(k[j], at + u * stride + j * lanes, n, first[i], second[i]);
        }
      }
    }
    for (; r < rows.rows; ++r, at += stride) {
      for (size_t j = 0; j < kVectors; ++j) {
        terms.template Add<kTail>(k[j], at + j * lanes, n, first[j], second[j]);
      }
    }
  }
  for (size_t j = 0; j < kVectors; ++j) {
    V f = first[j], g = second[j];
    for (size_t u = 1; u < kRows; ++u) {
      f = hn::Add(f, first[u * kVectors + j]);
      g = hn::Add(g, second[u * kVectors + j]);
    }
    AddToDoubles(f, s.first + c + j * lanes);
    AddToDoubles(g, s.second + c + j * lanes);
  }
}

void ClearSums(Segment& s, size_t count) {
  const DD dd;
  for (size_t c = 0; c < count + kMaxLanes; c += hn::Lanes(dd)) {
    hn::Store(hn::Zero(dd), dd, s.first + c);
    hn::Store(hn::Zero(dd), dd, s.second + c);
  }
}

// Adds the terms of all rows, the first at element `begin`, for channels [channel, channel +
// count).
template <class Terms>
HWY_INLINE void AddRows(const Terms& terms, Segment& s, size_t channel, size_t count, size_t begin,
                        const Rows& all) {
  const size_t lanes = hn::Lanes(D());
  const size_t together = std::max<size_t>(1, kBlockRows / std::max<size_t>(1, all.rows));  // runs
  for (size_t run = 0; run < all.runs; run += together) {
    for (size_t r = 0; r < all.rows; r += kBlockRows) {
      const Rows some{std::min(kBlockRows, all.rows - r), all.stride,
                      std::min(together, all.runs - run), all.run_stride};
      const bool more = all.run_stride == 0 && all.rows - r > some.rows;
      const size_t at = begin + run * all.run_stride + r * all.stride + channel;
      size_t c = 0;
      if constexpr (kLongGroup != kGroup) {
        for (; c + kLongGroup * lanes <= count; c += kLongGroup * lanes) {
          AddGroup<kLongGroup, false>(terms, s, channel + c, c, lanes, at + c, some, more);
        }
      }
      for (; c + kGroup * lanes <= count; c += kGroup * lanes) {
        AddGroup<kGroup, false>(terms, s, channel + c, c, lanes, at + c, some, more);
      }
      if (c + 2 * lanes <= count) {
        AddGroup<2, false>(terms, s, channel + c, c, lanes, at + c, some, more);
        c += 2 * lanes;
      }
      if (c + lanes <= count) {
        AddGroup<1, false>(terms, s, channel + c, c, lanes, at + c, some, more);
        c += lanes;
      }
      if (c < count) AddGroup<1, true>(terms, s, channel + c, c, count - c, at + c, some, more);
    }
  }
}

// sums[c] += those of the same channel in the other rows that were summed as one.
void AddFolded(size_t channels, size_t fold, double* HWY_RESTRICT sums) {
  const DD dd;
  for (size_t c = 0; c < channels; c += hn::Lanes(dd)) {
    auto sum = hn::Load(dd, sums + c);
    for (size_t r = 1; r < fold; ++r) sum = hn::Add(sum, hn::LoadU(dd, sums + r * channels + c));
    hn::Store(sum, dd, sums + c);
  }
}

// Of all channels; 1 if they are more than a segment.
size_t FoldOf(size_t channels) { return RowsToFill(channels, kSegment); }

// How many rows are summed as one, where they do not fill whole vectors and all lie together.
size_t FoldOf(const Rows& all, size_t channels) {
  return all.run_stride == 0 ? FoldOf(channels) : 1;
}

// Sums the terms of all rows for channels [channel, channel + count) of `channels`. The channels of
// folded rows are one segment.
template <class Terms>
HWY_INLINE void SumSegment(const Terms& terms, Segment& s, size_t channel, size_t count,
                           const Rows& all, size_t channels) {
  const size_t fold = FoldOf(all, channels), wide_rows = all.rows / fold;
  RepeatForRows(s.pivot, count, fold - 1, s.pivot + count);
  ClearSums(s, fold * count);
  if (fold == 1) return AddRows(terms, s, channel, count, 0, all);
  AddRows(terms, s, channel, fold * count, 0, {wide_rows, fold * channels});
  AddFolded(channels, fold, s.first);
  AddFolded(channels, fold, s.second);
  AddRows(terms, s, 0, channels, wide_rows * fold * channels, {all.rows % fold, channels});
}

// pivot = x[0] + mean of x - x[0] over the first sixteenth of the rows: exact for a constant
// channel.
template <bool kTail>
HWY_INLINE void FormPivot(const float* HWY_RESTRICT x, size_t n, size_t rows, size_t stride,
                          float* HWY_RESTRICT pivot) {
  const D d;
  const V base = LoadMaybeTail<kTail>(d, x, n);
  V sum0 = hn::Zero(d), sum1 = hn::Zero(d);
  size_t r = 1;
  for (; r + 2 <= rows; r += 2) {
    sum0 = hn::Add(sum0, hn::Sub(LoadMaybeTail<kTail>(d, x + r * stride, n), base));
    sum1 = hn::Add(sum1, hn::Sub(LoadMaybeTail<kTail>(d, x + (r + 1) * stride, n), base));
  }
  if (r < rows) sum0 = hn::Add(sum0, hn::Sub(LoadMaybeTail<kTail>(d, x + r * stride, n), base));
  const V inverse = hn::Set(d, 1.0f / static_cast<float>(rows));
  hn::Store(hn::MulAdd(hn::Add(sum0, sum1), inverse, base), d, pivot);
}

void FormPivots(const float* x, size_t count, size_t rows, size_t stride, float* pivot) {
  const size_t lanes = hn::Lanes(D());
  const size_t n = std::max<size_t>(1, rows / 16);
  size_t c = 0;
  for (; c + lanes <= count; c += lanes) FormPivot<false>(x + c, lanes, n, stride, pivot + c);
  if (c < count) FormPivot<true>(x + c, count - c, n, stride, pivot + c);
}

template <class Terms>
HWY_INLINE void Moments(const Terms& terms, size_t rows, size_t channels, double* mean,
                        double* m2) {
  const DD dd;
  const hn::Rebind<float, DD> half;
  const size_t lanes = hn::Lanes(dd);
  const auto n = hn::Set(dd, static_cast<double>(rows));
  const auto zero = hn::Zero(dd);
  Segment s;
  for (size_t channel = 0; channel < channels; channel += kSegment) {
    const size_t count = std::min(kSegment, channels - channel);
    FormPivots(terms.x + channel, count, rows, channels, s.pivot);
    SumSegment(terms, s, channel, count, {rows, channels}, channels);
    for (size_t c = 0; c < count; c += lanes) {
      const size_t left = std::min(lanes, count - c);
      const auto pivot = hn::PromoteTo(dd, hn::Load(half, s.pivot + c));
      const auto sum = hn::Load(dd, s.first + c);
      const auto shift = hn::Div(sum, n);
      const auto m = hn::NegMulAdd(sum, shift, hn::Load(dd, s.second + c));
      StoreTail(hn::Add(pivot, shift), dd, mean + channel + c, left);
      StoreTail(hn::IfThenZeroElse(hn::Lt(m, zero), m), dd, m2 + channel + c, left);  // NaN stays
    }
  }
}

void TileMomentsRowsOnTarget(const float* x, size_t rows, size_t channels, double* mean, double* m2,
                             float* past) {
  if (past == nullptr) return Moments(MomentTerms<false>{x, nullptr}, rows, channels, mean, m2);
  Moments(MomentTerms<true>{x, past}, rows, channels, mean, m2);
  hwy::FlushStream();
}

template <class Terms>
HWY_INLINE void BackwardSums(const Terms& terms, const Rows& all, size_t channels,
                             const double* mean, double* sum_dy, double* sum_dyv) {
  const DD dd;
  const hn::Rebind<float, DD> half;
  const size_t lanes = hn::Lanes(dd);
  Segment s;
  for (size_t channel = 0; channel < channels; channel += kSegment) {
    const size_t count = std::min(kSegment, channels - channel);
    for (size_t c = 0; c < count + kMaxLanes; c += lanes) {
      const size_t left = std::min(lanes, count - std::min(c, count));
      hn::Store(hn::DemoteTo(half, LoadTail(dd, mean + channel + c, left)), half, s.pivot + c);
    }
    SumSegment(terms, s, channel, count, all, channels);
    for (size_t c = 0; c < count; c += lanes) {
      const size_t left = std::min(lanes, count - c);
      // v was centred at the mean rounded to float: put the rest right.
      const auto pivot = hn::PromoteTo(dd, hn::Load(half, s.pivot + c));
      const auto rest = hn::Sub(pivot, LoadTail(dd, mean + channel + c, left));
      const auto first = hn::Load(dd, s.first + c);
      StoreTail(first, dd, sum_dy + channel + c, left);
      StoreTail(hn::MulAdd(rest, first, hn::Load(dd, s.second + c)), dd, sum_dyv + channel + c,
                left);
    }
  }
}

void TileBackwardSumsRowsOnTarget(const float* dy, const float* v, size_t rows, size_t channels,
                                  const float* scale, const float* shift, Activation act,
                                  const double* mean, double* sum_dy, double* sum_dyv, size_t runs,
                                  size_t run_stride) {
  const Rows all{rows, channels, runs, run_stride};
  if (scale == nullptr || act == Activation::kNone) {
    const BackwardTerms<false, Activation::kNone> terms{dy, v, nullptr, nullptr};
    return BackwardSums(terms, all, channels, mean, sum_dy, sum_dyv);
  }
  const size_t fold = FoldOf(all, channels);
  HWY_ALIGN float repeated[2][kSegment];
  if (fold != 1) {
    RepeatForRows(scale, channels, fold, repeated[0]);
    RepeatForRows(shift, channels, fold, repeated[1]);
    scale = repeated[0], shift = repeated[1];
  }
  WithActivation(act, [&](auto tag) HWY_ATTR {
    const BackwardTerms<true, decltype(tag)::value> terms{dy, v, scale, shift};
    BackwardSums(terms, all, channels, mean, sum_dy, sum_dyv);
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace batchmark {

HWY_EXPORT(TileMomentsRowsOnTarget);
HWY_EXPORT(TileBackwardSumsRowsOnTarget);

void TileMomentsRows(const float* x, size_t rows, size_t channels, double* mean, double* m2,
                     float* past) {
  HWY_DYNAMIC_DISPATCH(TileMomentsRowsOnTarget)(x, rows, channels, mean, m2, past);
}

void TileBackwardSumsRows(const float* dy, const float* v, size_t rows, size_t channels,
                          const float* scale, const float* shift, Activation act,
                          const double* mean, double* sum_dy, double* sum_dyv, size_t runs,
                          size_t run_stride) {
  HWY_DYNAMIC_DISPATCH(TileBackwardSumsRowsOnTarget)
  (dy, v, rows, channels, scale, shift, act, mean, sum_dy, sum_dyv, runs, run_stride);
}

}  // namespace batchmark
#endif  // HWY_ONCE
