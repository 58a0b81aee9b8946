// acc += a * b in the accumulator's own register, for the tiles of gemm_tile.cc. Written as a plain
// multiply-add gcc 12 lets accumulators wander into the registers of dying operands, moves them
// back, and spills: on AVX2 a tile of 6 x 2 vectors then reaches 88 % of the multiply-add peak
// instead of 96 %, with a busy second hardware thread 73 % instead of 77 %.
// The same instruction, the same bits. Included inside Highway's target loop.
#if defined(BATCHMARK_CORE_SIMD_MUL_ADD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BATCHMARK_CORE_SIMD_MUL_ADD_INL_H_
#undef BATCHMARK_CORE_SIMD_MUL_ADD_INL_H_
#else
#define BATCHMARK_CORE_SIMD_MUL_ADD_INL_H_
#endif

#include "hwy/highway.h"

#undef BATCHMARK_FMA_INSTRUCTION
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2 && (HWY_COMPILER_GCC || HWY_COMPILER_CLANG)
#define BATCHMARK_FMA_INSTRUCTION 1
#else
#define BATCHMARK_FMA_INSTRUCTION 0
#endif

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {

template <class V>
HWY_INLINE void MulAddTo(V& acc, const V& a, const V& b) {
#if BATCHMARK_FMA_INSTRUCTION
  asm("vfmadd231ps %2, %1, %0" : "+v"(acc.raw) : "v"(a.raw), "v"(b.raw));
#else
  acc = hwy::HWY_NAMESPACE::MulAdd(a, b, acc);
#endif
}

// acc += a b for two vectors b and the float a at base + kScale * index + kOffset (bytes), which
// nothing writes meanwhile. With the address in the instruction: left to gcc, one in twelve
// instructions of a tile's inner loop adds to a pointer or moves between registers, and where a
// busy second hardware thread has its half of the decoders their number is what counts.
// AVX-512 could take a as an operand of the multiply-adds, an instruction fewer and a load more:
// with a third of the rows so, tiles of 14 x 2 vectors reach 0.93 of the multiply-adds instead of
// 0.98 (Granite Rapids, operands in the first two caches).
#if BATCHMARK_FMA_INSTRUCTION
inline constexpr bool kExplicitAddresses = true;

template <int kScale, int kOffset, class V>
HWY_INLINE void MulAddBroadcast(V (&acc)[2], const float* base, size_t index, const V (&b)[2]) {
  static_assert(0 <= kScale && kScale <= 2);
  decltype(acc[0].raw) broadcast;
  if constexpr (kScale == 0) {
    asm("vbroadcastss %c[offset](%[base]), %[a]\n\t"
        "vfmadd231ps %[b0], %[a], %[c0]\n\tvfmadd231ps %[b1], %[a], %[c1]"
        : [c0] "+v"(acc[0].raw), [c1] "+v"(acc[1].raw), [a] "=&v"(broadcast)
        : [base] "r"(base), [offset] "i"(kOffset), [b0] "v"(b[0].raw), [b1] "v"(b[1].raw));
  } else {
    asm("vbroadcastss %c[offset](%[base],%[index],%c[scale]), %[a]\n\t"
        "vfmadd231ps %[b0], %[a], %[c0]\n\tvfmadd231ps %[b1], %[a], %[c1]"
        : [c0] "+v"(acc[0].raw), [c1] "+v"(acc[1].raw), [a] "=&v"(broadcast)
        : [base] "r"(base), [offset] "i"(kOffset), [index] "r"(index), [scale] "i"(kScale),
          [b0] "v"(b[0].raw), [b1] "v"(b[1].raw));
  }
}
#else
inline constexpr bool kExplicitAddresses = false;

template <int kScale, int kOffset, class V>
void MulAddBroadcast(V (&acc)[2], const float* base, size_t index, const V (&b)[2]);
#endif

}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#endif  // BATCHMARK_CORE_SIMD_MUL_ADD_INL_H_
