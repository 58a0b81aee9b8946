#include "core/simd/pointwise_rows.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/pointwise_rows.cc"
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
using DI = hn::RebindToSigned<D>;
using D8 = hn::Rebind<uint8_t, D>;
constexpr size_t kMaxLanes = hn::MaxLanes(D());

// Calls body(i, n, tail) for i = 0, lanes, 2 lanes ... below size; n = lanes, or what is left.
struct WholeTag {
  static constexpr bool value = false;
};
struct TailTag {
  static constexpr bool value = true;
};
template <class Body>
HWY_INLINE void ForVectors(size_t size, const Body& body) {
  const size_t lanes = hn::Lanes(D());
  size_t i = 0;
  for (; i + lanes <= size; i += lanes) body(i, lanes, WholeTag());
  if (i < size) body(i, size - i, TailTag());
}

template <bool kAffine, Activation kAct>
void PoolImage(size_t height, size_t width, size_t channels, const float* src, const float* scale,
               const float* shift, float* dst, uint8_t* arg) {
  const D d;
  const DI di;
  const size_t oh = height / 2, ow = width / 2, row = width * channels;
  for (size_t y = 0; y < oh; ++y) {
    for (size_t x = 0; x < ow; ++x) {
      const float* corner = src + 2 * y * row + 2 * x * channels;
      const size_t out = (y * ow + x) * channels;
      ForVectors(channels, [&](size_t c, size_t n, auto tail) HWY_ATTR {
        constexpr bool kTail = decltype(tail)::value;
        const size_t offsets[4] = {c, c + channels, c + row, c + row + channels};
        V best = hn::Zero(d);
        auto best_arg = hn::Zero(di);
        for (int i = 0; i < 4; ++i) {
          V v = LoadMaybeTail<kTail>(d, corner + offsets[i], n);
          if constexpr (kAffine) {
            v = hn::MulAdd(LoadMaybeTail<kTail>(d, scale + c, n), v,
                           LoadMaybeTail<kTail>(d, shift + c, n));
          }
          v = Activate<kAct>(d, v);
          if (i == 0) {
            best = v;
            continue;
          }
          const auto first_nan = hn::AndNot(hn::IsNaN(best), hn::IsNaN(v));
          const auto wins = hn::Or(hn::Gt(v, best), first_nan);
          best = hn::IfThenElse(wins, v, best);
          best_arg = hn::IfThenElse(hn::RebindMask(di, wins), hn::Set(di, i), best_arg);
        }
        StoreMaybeTail<kTail>(best, d, dst + out + c, n);
        StoreMaybeTail<kTail>(hn::DemoteTo(D8(), best_arg), D8(), arg + out + c, n);
      });
    }
  }
}

void MaxPool2ImageOnTarget(size_t height, size_t width, size_t channels, const float* src,
                           const float* scale, const float* shift, Activation act, float* dst,
                           uint8_t* arg) {
  WithActivation(act, [&](auto tag) HWY_ATTR {
    constexpr Activation kAct = decltype(tag)::value;
    if (scale != nullptr) {
      PoolImage<true, kAct>(height, width, channels, src, scale, shift, dst, arg);
    } else {
      PoolImage<false, kAct>(height, width, channels, src, scale, shift, dst, arg);
    }
  });
}

void MaxPool2BackwardImageOnTarget(size_t height, size_t width, size_t channels, const float* d_dst,
                                   const uint8_t* arg, float* d_src) {
  const D d;
  const DI di;
  const size_t oh = height / 2, ow = width / 2, row = width * channels;
  for (size_t y = 0; y < oh; ++y) {
    float* rows = d_src + 2 * y * row;
    for (size_t x = 0; x < ow; ++x) {
      const size_t in = (y * ow + x) * channels;
      float* corner = rows + 2 * x * channels;
      ForVectors(channels, [&](size_t c, size_t n, auto tail) HWY_ATTR {
        constexpr bool kTail = decltype(tail)::value;
        const V g = LoadMaybeTail<kTail>(d, d_dst + in + c, n);
        const auto a = hn::PromoteTo(di, LoadMaybeTail<kTail>(D8(), arg + in + c, n));
        const size_t offsets[4] = {c, c + channels, c + row, c + row + channels};
        for (int i = 0; i < 4; ++i) {
          const auto mine = hn::RebindMask(d, hn::Eq(a, hn::Set(di, i)));
          StoreMaybeTail<kTail>(hn::IfThenElseZero(mine, g), d, corner + offsets[i], n);
        }
      });
    }
    if (width % 2 != 0) {  // the dropped column
      std::fill(rows + row - channels, rows + row, 0.0f);
      std::fill(rows + 2 * row - channels, rows + 2 * row, 0.0f);
    }
  }
  if (height % 2 != 0) std::fill(d_src + (height - 1) * row, d_src + height * row, 0.0f);
}

// ---- Dropout: words of Philox, many counters at a time.

constexpr size_t kBlocks = 64;  // Philox blocks made at once: 256 words, 1 KiB

#if HWY_TARGET == HWY_SCALAR
void PhiloxWords(const Rng& rng, uint64_t block, uint32_t* words) {
  for (size_t b = 0; b < kBlocks; ++b) {
    const PhiloxCounter w = Philox4x32(rng.Counter(block + b), rng.Key());
    std::copy(w.begin(), w.end(), words + 4 * b);
  }
}
#else
// A word of each of several blocks, one in the low half of every 64-bit lane, where the multiplier
// takes its operand and leaves the whole product. words[4 * b + i] = word i of block + b.
void PhiloxWords(const Rng& rng, uint64_t block, uint32_t* words) {
  const hn::ScalableTag<uint64_t> d64;
  const hn::Repartition<uint32_t, decltype(d64)> d32;
  const size_t lanes = hn::Lanes(d64);
  const auto low = hn::Set(d64, 0xFFFFFFFFu);
  const auto m0 = hn::BitCast(d32, hn::Set(d64, kPhiloxMultiplier[0]));
  const auto m1 = hn::BitCast(d32, hn::Set(d64, kPhiloxMultiplier[1]));
  const PhiloxCounter counter =
      rng.Counter(block + kBlocks - 1);  // checks the last, shares the rest
  const PhiloxKey key = rng.Key();
  HWY_ALIGN uint64_t buffer[4][hn::MaxLanes(d64)];
  for (size_t b = 0; b < kBlocks; b += lanes) {
    auto c0 = hn::Iota(d64, block + b);
    auto c1 = hn::Set(d64, counter[1]), c2 = hn::Set(d64, counter[2]),
         c3 = hn::Set(d64, counter[3]);
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < kPhiloxRounds; ++round) {
      const auto p0 = hn::MulEven(hn::BitCast(d32, c0), m0);
      const auto p1 = hn::MulEven(hn::BitCast(d32, c2), m1);
      c0 = hn::Xor(hn::ShiftRight<32>(p1), hn::Xor(c1, hn::Set(d64, k0)));
      c2 = hn::Xor(hn::ShiftRight<32>(p0), hn::Xor(c3, hn::Set(d64, k1)));
      c1 = hn::And(p1, low);
      c3 = hn::And(p0, low);
      k0 += kPhiloxWeyl[0], k1 += kPhiloxWeyl[1];
    }
    hn::Store(c0, d64, buffer[0]);
    hn::Store(c1, d64, buffer[1]);
    hn::Store(c2, d64, buffer[2]);
    hn::Store(c3, d64, buffer[3]);
    for (size_t j = 0; j < lanes; ++j) {
      for (size_t i = 0; i < 4; ++i) words[4 * (b + j) + i] = static_cast<uint32_t>(buffer[i][j]);
    }
  }
}
#endif

void DropoutRowOnTarget(const Rng& rng, uint64_t first, size_t size, float rate, const float* src,
                        float* dst) {
  const D d;
  const DI di;
  const V unit = hn::Set(d, 0x1p-24f), threshold = hn::Set(d, rate);
  const V scale = hn::Set(d, 1.0f / (1.0f - rate));
  uint32_t words[4 * kBlocks];
  for (size_t done = 0; done < size;) {
    const uint64_t index = first + done;
    const size_t skip = static_cast<size_t>(index % 4);
    const size_t count = std::min(size - done, 4 * kBlocks - skip);
    PhiloxWords(rng, index / 4, words);
    const int32_t* bits = reinterpret_cast<const int32_t*>(words) + skip;
    ForVectors(count, [&](size_t i, size_t n, auto tail) HWY_ATTR {
      constexpr bool kTail = decltype(tail)::value;
      const auto word =
          hn::BitCast(hn::RebindToUnsigned<D>(), LoadMaybeTail<kTail>(di, bits + i, n));
      const V u = hn::Mul(hn::ConvertTo(d, hn::BitCast(di, hn::ShiftRight<8>(word))), unit);
      const V x = hn::Mul(LoadMaybeTail<kTail>(d, src + done + i, n), scale);
      StoreMaybeTail<kTail>(hn::IfThenElseZero(hn::Ge(u, threshold), x), d, dst + done + i, n);
    });
    done += count;
  }
}

// ---- Softmax cross-entropy

// exp(x - largest) of a row, to `e` if not null; returns their sum.
HWY_INLINE float ExpRow(const float* x, size_t classes, float largest, float* e) {
  const D d;
  const V top = hn::Set(d, largest);
  V sum = hn::Zero(d);
  ForVectors(classes, [&](size_t c, size_t n, auto tail) HWY_ATTR {
    constexpr bool kTail = decltype(tail)::value;
    V y = ExpNegative(d, hn::Sub(LoadMaybeTail<kTail>(d, x + c, n), top));
    if constexpr (kTail) y = hn::IfThenElseZero(hn::FirstN(d, n), y);
    if (e != nullptr) StoreMaybeTail<kTail>(y, d, e + c, n);
    sum = hn::Add(sum, y);
  });
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// The largest of a row and whether `label` is the first to have it. With a NaN in the row the label
// is not, and what the largest is does not matter: all that is formed from it is NaN.
struct Largest {
  float value;
  bool is_label;
};
HWY_INLINE Largest LargestOf(const float* x, size_t classes, size_t label) {
  const D d;
  const V any = hn::Set(d, x[0]);
  V largest = any;
  bool numbers = true;
  ForVectors(classes, [&](size_t c, size_t n, auto tail) HWY_ATTR {
    constexpr bool kTail = decltype(tail)::value;
    V v = LoadMaybeTail<kTail>(d, x + c, n);
    if constexpr (kTail) v = hn::IfThenElse(hn::FirstN(d, n), v, any);
    numbers &= hn::AllTrue(d, hn::Eq(v, v));
    largest = hn::Max(largest, v);
  });
  largest = hn::MaxOfLanes(d, largest);
  size_t before = 0;  // of the largest: classes ahead of the label
  ForVectors(label, [&](size_t c, size_t n, auto tail) HWY_ATTR {
    constexpr bool kTail = decltype(tail)::value;
    auto same = hn::Eq(LoadMaybeTail<kTail>(d, x + c, n), largest);
    if constexpr (kTail) same = hn::And(same, hn::FirstN(d, n));
    before += hn::CountTrue(d, same);
  });
  const float value = hn::GetLane(largest);
  return {value, numbers && before == 0 && x[label] == value};
}

void SoftmaxCrossEntropyRowsOnTarget(size_t rows, size_t classes, const float* logits,
                                     const uint8_t* labels, float gradient_scale, float* d_logits,
                                     float* losses, uint8_t* correct) {
  const D d;
  ForVectors(rows, [&](size_t s, size_t n, auto tail) HWY_ATTR {
    constexpr bool kTail = decltype(tail)::value;
    HWY_ALIGN float sum[kMaxLanes] = {}, gap[kMaxLanes] = {};
    for (size_t i = 0; i < n; ++i) {
      const size_t label = labels[s + i];
      const float* x = logits + (s + i) * classes;
      float* e = d_logits == nullptr ? nullptr : d_logits + (s + i) * classes;
      const Largest largest = LargestOf(x, classes, label);
      correct[s + i] = largest.is_label;
      gap[i] = largest.value - x[label];
      sum[i] = ExpRow(x, classes, largest.value, e);
      if (e == nullptr) continue;
      const V factor = hn::Set(d, gradient_scale / sum[i]);
      ForVectors(classes, [&](size_t c, size_t in_row, auto row_tail) HWY_ATTR {
        constexpr bool kRowTail = decltype(row_tail)::value;
        const V of_sum = hn::Mul(LoadMaybeTail<kRowTail>(d, e + c, in_row), factor);
        StoreMaybeTail<kRowTail>(of_sum, d, e + c, in_row);
      });
      e[label] -= gradient_scale;
    }
    // log sum + (largest - x[label]): both terms are >= 0, nothing cancels.
    const V loss = hn::Add(Log(d, hn::Load(d, sum)), hn::Load(d, gap));
    StoreMaybeTail<kTail>(loss, d, losses + s, n);
  });
}

// ---- Optimizer, scan

void SgdRowOnTarget(size_t size, float lr, float momentum, float weight_decay, const float* grad,
                    float* velocity, float* weights) {
  const D d;
  const V rate = hn::Set(d, lr), keep = hn::Set(d, momentum), decay = hn::Set(d, weight_decay);
  ForVectors(size, [&](size_t i, size_t n, auto tail) HWY_ATTR {
    constexpr bool kTail = decltype(tail)::value;
    const V w = LoadMaybeTail<kTail>(d, weights + i, n);
    V g = hn::MulAdd(decay, w, LoadMaybeTail<kTail>(d, grad + i, n));
    if (velocity != nullptr) {
      g = hn::MulAdd(keep, LoadMaybeTail<kTail>(d, velocity + i, n), g);
      StoreMaybeTail<kTail>(g, d, velocity + i, n);
    }
    StoreMaybeTail<kTail>(hn::NegMulAdd(rate, g, w), d, weights + i, n);
  });
}

bool AllFiniteRowOnTarget(const float* x, size_t size) {
  const D d;
  const V zero = hn::Zero(d);
  V poison = zero;  // 0 * x is 0, or NaN if x is not finite
  ForVectors(size, [&](size_t i, size_t n, auto tail) HWY_ATTR {
    poison = hn::MulAdd(LoadMaybeTail<decltype(tail)::value>(d, x + i, n), zero, poison);
  });
  return hn::AllFalse(d, hn::IsNaN(poison));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace batchmark {

HWY_EXPORT(MaxPool2ImageOnTarget);
HWY_EXPORT(MaxPool2BackwardImageOnTarget);
HWY_EXPORT(DropoutRowOnTarget);
HWY_EXPORT(SoftmaxCrossEntropyRowsOnTarget);
HWY_EXPORT(SgdRowOnTarget);
HWY_EXPORT(AllFiniteRowOnTarget);

void MaxPool2Image(size_t height, size_t width, size_t channels, const float* src,
                   const float* scale, const float* shift, Activation act, float* dst,
                   uint8_t* arg) {
  HWY_DYNAMIC_DISPATCH(MaxPool2ImageOnTarget)
  (height, width, channels, src, scale, shift, act, dst, arg);
}
void MaxPool2BackwardImage(size_t height, size_t width, size_t channels, const float* d_dst,
                           const uint8_t* arg, float* d_src) {
  HWY_DYNAMIC_DISPATCH(MaxPool2BackwardImageOnTarget)(height, width, channels, d_dst, arg, d_src);
}
void DropoutRow(const Rng& rng, uint64_t first, size_t size, float rate, const float* src,
                float* dst) {
  HWY_DYNAMIC_DISPATCH(DropoutRowOnTarget)(rng, first, size, rate, src, dst);
}
void SoftmaxCrossEntropyRows(size_t rows, size_t classes, const float* logits,
                             const uint8_t* labels, float gradient_scale, float* d_logits,
                             float* losses, uint8_t* correct) {
  HWY_DYNAMIC_DISPATCH(SoftmaxCrossEntropyRowsOnTarget)
  (rows, classes, logits, labels, gradient_scale, d_logits, losses, correct);
}
void SgdRow(size_t size, float lr, float momentum, float weight_decay, const float* grad,
            float* velocity, float* weights) {
  HWY_DYNAMIC_DISPATCH(SgdRowOnTarget)(size, lr, momentum, weight_decay, grad, velocity, weights);
}
bool AllFiniteRow(const float* x, size_t size) {
  return HWY_DYNAMIC_DISPATCH(AllFiniteRowOnTarget)(x, size);
}

}  // namespace batchmark
#endif  // HWY_ONCE
