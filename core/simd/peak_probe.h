// Loops that come close to one limit of a core each: multiply-adds, register adds, memory streams.
// They know no clock and no threads: bench/machine_limits.h times them. All run on the dispatched
// backend, so a forced backend is compared with its own limits.
#pragma once

#include <cstddef>

namespace batchmark {

// Independent chains of fused multiply-adds in registers, enough of them to cover latency x ports
// (4 cycles x 2) on every core known. Backends without FMA do a product and a sum instead.
// Returns the floating-point operations done (a multiply-add counts two).
double PeakFmaLoop(size_t rounds);

// The most FLOP a cycle and core that this backend's vectors allow on two multiply-add ports:
// 4 x lanes (64 on AVX-512, 32 on AVX2), or 0 when the backend has no FMA and no ceiling is known.
double PeakFmaCeiling();

// A chain of dependent register-to-register integer adds: one cycle each on every out-of-order
// core, whatever its width. Multiply-adds go beside it at half their rate: a core lowers its clock
// for wide products, and raises it again within microseconds of scalar code, so that a chain alone
// would read 8 % more than the products had. Returns the cycles done, 0 where no such chain is
// written (not x86-64, not AArch64). (Adds of an immediate would not do: some cores fold them while
// renaming.)
double PeakAddChain(size_t rounds);

// How a stream is written: through the caches, or past them (non-temporal).
enum class StreamStore { kCached, kPast };

// Read size floats in `streams` equal parts side by side (1 or 4: several parts keep more hardware
// prefetchers busy). The result depends on every element, so that nothing can be left out.
float PeakRead(const float* src, size_t size, size_t streams);
void PeakWrite(float* dst, size_t size, float value, StreamStore store);
void PeakCopy(const float* src, float* dst, size_t size, StreamStore store);
// size must be a multiple of kPeakBlock; bases 64-byte aligned.
inline constexpr size_t kPeakBlock = 1024;

// Push size floats out of every cache level, so that the next access comes from memory.
void EvictFromCaches(const float* data, size_t size);

}  // namespace batchmark
