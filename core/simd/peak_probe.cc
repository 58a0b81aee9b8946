#include "core/simd/peak_probe.h"

#include <cstddef>

// Eight dependent adds, %0 += %1.
#if defined(__x86_64__)
#define BATCHMARK_ADD8                                                     \
  "add %1, %0\n\tadd %1, %0\n\tadd %1, %0\n\tadd %1, %0\n\tadd %1, %0\n\t" \
  "add %1, %0\n\tadd %1, %0\n\tadd %1, %0\n\t"
#elif defined(__aarch64__)
#define BATCHMARK_ADD8                                                                         \
  "add %0, %0, %1\n\tadd %0, %0, %1\n\tadd %0, %0, %1\n\tadd %0, %0, %1\n\tadd %0, %0, %1\n\t" \
  "add %0, %0, %1\n\tadd %0, %0, %1\n\tadd %0, %0, %1\n\t"
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/peak_probe.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, as Highway asks.
#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;

// 12 chains: 8 cover 4 cycles x 2 ports, and with two constants they still fit AVX2's 16 registers.
// The values converge to add / (1 - mul) = 1: no denormals, no overflow. Unrolled four times, so
// that the loop's own two instructions take less than 5 % of the issue slots.
double FmaLoop(size_t rounds) {
  const D d;
  const auto mul = hn::Set(d, 0.5f);
  const auto add = hn::Set(d, 0.5f);
  auto a0 = hn::Iota(d, 0.0f), a1 = hn::Iota(d, 1.0f), a2 = hn::Iota(d, 2.0f);
  auto a3 = hn::Iota(d, 3.0f), a4 = hn::Iota(d, 4.0f), a5 = hn::Iota(d, 5.0f);
  auto a6 = hn::Iota(d, 6.0f), a7 = hn::Iota(d, 7.0f), a8 = hn::Iota(d, 8.0f);
  auto a9 = hn::Iota(d, 9.0f), a10 = hn::Iota(d, 10.0f), a11 = hn::Iota(d, 11.0f);
  for (size_t i = 0; i < rounds; ++i) {
    for (int unrolled = 0; unrolled < 4; ++unrolled) {
      a0 = hn::MulAdd(a0, mul, add), a1 = hn::MulAdd(a1, mul, add), a2 = hn::MulAdd(a2, mul, add);
      a3 = hn::MulAdd(a3, mul, add), a4 = hn::MulAdd(a4, mul, add), a5 = hn::MulAdd(a5, mul, add);
      a6 = hn::MulAdd(a6, mul, add), a7 = hn::MulAdd(a7, mul, add), a8 = hn::MulAdd(a8, mul, add);
      a9 = hn::MulAdd(a9, mul, add), a10 = hn::MulAdd(a10, mul, add);
      a11 = hn::MulAdd(a11, mul, add);
    }
  }
  const auto sum = hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)),
                           hn::Add(hn::Add(hn::Add(a4, a5), hn::Add(a6, a7)),
                                   hn::Add(hn::Add(a8, a9), hn::Add(a10, a11))));
  volatile float sink = hn::GetLane(sum);  // the chains are observed, so they must be computed
  (void)sink;
  return 2.0 * 12 * 4 * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

double FmaCeiling() { return HWY_NATIVE_FMA ? 4.0 * static_cast<double>(hn::Lanes(D())) : 0.0; }

double AddChain(size_t rounds) {
#ifdef BATCHMARK_ADD8
  constexpr int kAddsARound = 64;
  const D d;
  const auto half = hn::Set(d, 0.5f);
  auto a0 = hn::Iota(d, 0.0f), a1 = hn::Iota(d, 1.0f), a2 = hn::Iota(d, 2.0f);
  auto a3 = hn::Iota(d, 3.0f), a4 = hn::Iota(d, 4.0f), a5 = hn::Iota(d, 5.0f);
  auto a6 = hn::Iota(d, 6.0f), a7 = hn::Iota(d, 7.0f);
  size_t x = rounds, y = 1;
  for (size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 8
    for (int unrolled = 0; unrolled < kAddsARound / 8; ++unrolled) {
      asm volatile(BATCHMARK_ADD8 : "+r"(x) : "r"(y) : "cc");
      a0 = hn::MulAdd(a0, half, half), a1 = hn::MulAdd(a1, half, half);
      a2 = hn::MulAdd(a2, half, half), a3 = hn::MulAdd(a3, half, half);
      if constexpr (HWY_NATIVE_FMA) {  // else a product and a sum each: these would fill the ports
        a4 = hn::MulAdd(a4, half, half), a5 = hn::MulAdd(a5, half, half);
        a6 = hn::MulAdd(a6, half, half), a7 = hn::MulAdd(a7, half, half);
      }
    }
  }
  volatile float sink = hn::GetLane(hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)),
                                            hn::Add(hn::Add(a4, a5), hn::Add(a6, a7))));
  (void)sink;
  return static_cast<double>(kAddsARound) * static_cast<double>(rounds);
#else
  (void)rounds;
  return 0.0;
#endif
}

float Read(const float* HWY_RESTRICT src, size_t size, size_t streams) {
  const D d;
  const size_t n = hn::Lanes(d);
  // Two loads a cycle need eight accumulators to hide the adds' latency. Steps of 16 vectors divide
  // kPeakBlock on every backend up to AVX-512.
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  if (streams == 4) {
    const size_t part = size / 4;
    const float* HWY_RESTRICT p0 = src;
    const float* HWY_RESTRICT p1 = src + part;
    const float* HWY_RESTRICT p2 = src + 2 * part;
    const float* HWY_RESTRICT p3 = src + 3 * part;
    for (size_t i = 0; i < part; i += 2 * n) {
      s0 = hn::Add(s0, hn::Load(d, p0 + i)), s1 = hn::Add(s1, hn::Load(d, p0 + i + n));
      s2 = hn::Add(s2, hn::Load(d, p1 + i)), s3 = hn::Add(s3, hn::Load(d, p1 + i + n));
      s4 = hn::Add(s4, hn::Load(d, p2 + i)), s5 = hn::Add(s5, hn::Load(d, p2 + i + n));
      s6 = hn::Add(s6, hn::Load(d, p3 + i)), s7 = hn::Add(s7, hn::Load(d, p3 + i + n));
    }
  } else {
    for (size_t i = 0; i < size; i += 8 * n) {
      s0 = hn::Add(s0, hn::Load(d, src + i)), s1 = hn::Add(s1, hn::Load(d, src + i + n));
      s2 = hn::Add(s2, hn::Load(d, src + i + 2 * n)),
      s3 = hn::Add(s3, hn::Load(d, src + i + 3 * n));
      s4 = hn::Add(s4, hn::Load(d, src + i + 4 * n)),
      s5 = hn::Add(s5, hn::Load(d, src + i + 5 * n));
      s6 = hn::Add(s6, hn::Load(d, src + i + 6 * n)),
      s7 = hn::Add(s7, hn::Load(d, src + i + 7 * n));
    }
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)),
                                               hn::Add(hn::Add(s4, s5), hn::Add(s6, s7)))));
}

void Write(float* HWY_RESTRICT dst, size_t size, float value, bool past) {
  const D d;
  const size_t n = hn::Lanes(d);
  const auto v = hn::Set(d, value);
  if (past) {
    for (size_t i = 0; i < size; i += 4 * n) {
      hn::Stream(v, d, dst + i), hn::Stream(v, d, dst + i + n);
      hn::Stream(v, d, dst + i + 2 * n), hn::Stream(v, d, dst + i + 3 * n);
    }
    hwy::FlushStream();
    return;
  }
  for (size_t i = 0; i < size; i += 4 * n) {
    hn::Store(v, d, dst + i), hn::Store(v, d, dst + i + n);
    hn::Store(v, d, dst + i + 2 * n), hn::Store(v, d, dst + i + 3 * n);
  }
}

void Copy(const float* HWY_RESTRICT src, float* HWY_RESTRICT dst, size_t size, bool past) {
  const D d;
  const size_t n = hn::Lanes(d);
  if (past) {
    for (size_t i = 0; i < size; i += 4 * n) {
      const auto v0 = hn::Load(d, src + i), v1 = hn::Load(d, src + i + n);
      const auto v2 = hn::Load(d, src + i + 2 * n), v3 = hn::Load(d, src + i + 3 * n);
      hn::Stream(v0, d, dst + i), hn::Stream(v1, d, dst + i + n);
      hn::Stream(v2, d, dst + i + 2 * n), hn::Stream(v3, d, dst + i + 3 * n);
    }
    hwy::FlushStream();
    return;
  }
  for (size_t i = 0; i < size; i += 4 * n) {
    const auto v0 = hn::Load(d, src + i), v1 = hn::Load(d, src + i + n);
    const auto v2 = hn::Load(d, src + i + 2 * n), v3 = hn::Load(d, src + i + 3 * n);
    hn::Store(v0, d, dst + i), hn::Store(v1, d, dst + i + n);
    hn::Store(v2, d, dst + i + 2 * n), hn::Store(v3, d, dst + i + 3 * n);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace batchmark {

HWY_EXPORT(FmaLoop);
HWY_EXPORT(FmaCeiling);
HWY_EXPORT(AddChain);
HWY_EXPORT(Read);
HWY_EXPORT(Write);
HWY_EXPORT(Copy);

double PeakFmaLoop(size_t rounds) { return HWY_DYNAMIC_DISPATCH(FmaLoop)(rounds); }

double PeakFmaCeiling() { return HWY_DYNAMIC_DISPATCH(FmaCeiling)(); }

double PeakAddChain(size_t rounds) { return HWY_DYNAMIC_DISPATCH(AddChain)(rounds); }

float PeakRead(const float* src, size_t size, size_t streams) {
  return HWY_DYNAMIC_DISPATCH(Read)(src, size, streams);
}

void PeakWrite(float* dst, size_t size, float value, StreamStore store) {
  HWY_DYNAMIC_DISPATCH(Write)(dst, size, value, store == StreamStore::kPast);
}

void PeakCopy(const float* src, float* dst, size_t size, StreamStore store) {
  HWY_DYNAMIC_DISPATCH(Copy)(src, dst, size, store == StreamStore::kPast);
}

void EvictFromCaches(const float* data, size_t size) {
  for (size_t i = 0; i < size; i += 16) hwy::FlushCacheline(data + i);  // 16 floats = one line
  hwy::FlushStream();
}

}  // namespace batchmark
#endif  // HWY_ONCE
