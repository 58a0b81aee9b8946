// Per-target helpers: whether this is AVX-512, prefetches, the transposition of four vectors, rows
// that fill vectors together, and, for the ends of rows, loads and stores of fewer lanes than a
// vector has.
// An elementwise result at the end of a row has the bits it would have in the middle, because the
// same vector instructions form it. Included by kernels inside Highway's target loop.
#if defined(BATCHMARK_CORE_SIMD_VEC_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BATCHMARK_CORE_SIMD_VEC_INL_H_
#undef BATCHMARK_CORE_SIMD_VEC_INL_H_
#else
#define BATCHMARK_CORE_SIMD_VEC_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr bool kAvx512 = HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3;

// Advice: the line at p, wherever that is, will be wanted soon, but not before the first cache has
// been used for other things.
HWY_INLINE void FetchToSecondCache(const void* p) {
#if HWY_COMPILER_GCC || HWY_COMPILER_CLANG
  __builtin_prefetch(p, 0, 2);
#else
  hwy::Prefetch(p);
#endif
}

// Advice: the line at p will be written. Taken from a core that has written or read it now, the
// store need not wait for that.
HWY_INLINE void FetchToWrite(const void* p) {
#if HWY_ARCH_X86 && (HWY_COMPILER_GCC || HWY_COMPILER_CLANG)
  asm volatile("prefetchw (%0)" : : "r"(p));  // the builtin gives a plain fetch without -mprfchw
#elif HWY_COMPILER_GCC || HWY_COMPILER_CLANG
  __builtin_prefetch(p, 1, 3);
#else
  hwy::Prefetch(p);
#endif
}

// The first n <= Lanes(d) elements at p, the other lanes zero. Touches no byte beyond them: before
// AVX2, and for small types, Highway's MaskedLoad reads the whole vector: they go through a buffer.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::VFromD<D> LoadTail(D d, const T* HWY_RESTRICT p, size_t n) {
  if constexpr (HWY_TARGET <= HWY_AVX2 && sizeof(T) >= 4) {
    return hn::MaskedLoad(hn::FirstN(d, n), d, p);
  }
  HWY_ALIGN T buffer[hn::MaxLanes(D())] = {};
  for (size_t i = 0; i < n; ++i) buffer[i] = p[i];
  return hn::Load(d, buffer);
}

// The first n < Lanes(d) lanes by halves: at most log2 of them stores.
template <class D, class V, class T = hn::TFromD<D>>
HWY_INLINE void StoreHalves([[maybe_unused]] V v, D /*d*/, [[maybe_unused]] T* HWY_RESTRICT p,
                            [[maybe_unused]] size_t n) {
#if HWY_TARGET != HWY_SCALAR  // which has no halves
  if constexpr (hn::MaxLanes(D()) > 1) {
    const hn::Half<D> half;
    if (n & hn::Lanes(half)) {
      hn::StoreU(hn::LowerHalf(half, v), half, p);
      StoreHalves(hn::UpperHalf(half, v), half, p + hn::Lanes(half), n - hn::Lanes(half));
    } else {
      StoreHalves(hn::LowerHalf(half, v), half, p, n);
    }
  }
#endif
}

// Stores the first n <= Lanes(d) lanes and touches no byte beyond them. Masked stores only from
// AVX-512 on: AVX2's take some 40 cycles on AMD's cores.
template <class D, class V, class T = hn::TFromD<D>>
HWY_INLINE void StoreTail(V v, D d, T* HWY_RESTRICT p, size_t n) {
  if (n == hn::Lanes(d)) {
    hn::StoreU(v, d, p);
  } else if constexpr (kAvx512 && sizeof(T) >= 4) {
    hn::BlendedStore(v, hn::FirstN(d, n), d, p);
  } else if constexpr (HWY_HAVE_SCALABLE) {
    HWY_ALIGN T buffer[hn::MaxLanes(D())];
    hn::Store(v, d, buffer);
    for (size_t i = 0; i < n; ++i) p[i] = buffer[i];
  } else {
    StoreHalves(v, d, p, n);
  }
}

// Whole vector or tail, decided by the caller at compile time.
template <bool kTail, class D, class T = hn::TFromD<D>>
HWY_INLINE hn::VFromD<D> LoadMaybeTail(D d, const T* HWY_RESTRICT p, size_t n) {
  if constexpr (kTail) return LoadTail(d, p, n);
  return hn::LoadU(d, p);
}
template <bool kTail, class D, class V, class T = hn::TFromD<D>>
HWY_INLINE void StoreMaybeTail(V v, D d, T* HWY_RESTRICT p, size_t n) {
  if constexpr (kTail) {
    StoreTail(v, d, p, n);
  } else {
    hn::StoreU(v, d, p);
  }
}

// Neighbouring rows of `channels` elements that together fill whole vectors, so that vectors of them
// follow each other in memory: row by row, three of four vectors of 100 channels cross a line of 64
// bytes, and the last one is masked. 1 if they would be more than `most` elements.
HWY_INLINE size_t RowsToFill(size_t channels, size_t most) {
  const size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const size_t rows = lanes / std::gcd(channels, lanes);
  return rows * channels <= most ? rows : 1;
}

// `values` of a row's channels, once for each of `rows` rows: what goes with them as one.
HWY_INLINE void RepeatForRows(const float* values, size_t channels, size_t rows, float* to) {
  for (size_t r = 0; r < rows; ++r) std::copy_n(values, channels, to + r * channels);
}

#if HWY_TARGET != HWY_SCALAR
// 4 x 4 inside the 16-byte blocks: rows to columns.
template <class D, class V = hn::VFromD<D>>
HWY_INLINE void TransposeGroup(D d, V (&r)[4]) {
  const hn::Repartition<uint64_t, D> d64;
  const auto pairs = [&](V v) HWY_ATTR { return hn::BitCast(d64, v); };
  const auto lower01 = pairs(hn::InterleaveLower(d, r[0], r[1]));
  const auto upper01 = pairs(hn::InterleaveUpper(d, r[0], r[1]));
  const auto lower23 = pairs(hn::InterleaveLower(d, r[2], r[3]));
  const auto upper23 = pairs(hn::InterleaveUpper(d, r[2], r[3]));
  r[0] = hn::BitCast(d, hn::InterleaveLower(d64, lower01, lower23));
  r[1] = hn::BitCast(d, hn::InterleaveUpper(d64, lower01, lower23));
  r[2] = hn::BitCast(d, hn::InterleaveLower(d64, upper01, upper23));
  r[3] = hn::BitCast(d, hn::InterleaveUpper(d64, upper01, upper23));
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#endif  // BATCHMARK_CORE_SIMD_VEC_INL_H_
