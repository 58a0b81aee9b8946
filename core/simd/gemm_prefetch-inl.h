// Fetches what will be wanted next into the second cache while the tiles of gemm_tile.cc compute: a
// walk through the operands' prefetch ranges, a few lines at each turn of the inner loop.
// Included by the tile inside Highway's target loop.
#if defined(BATCHMARK_CORE_SIMD_GEMM_PREFETCH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BATCHMARK_CORE_SIMD_GEMM_PREFETCH_INL_H_
#undef BATCHMARK_CORE_SIMD_GEMM_PREFETCH_INL_H_
#else
#define BATCHMARK_CORE_SIMD_GEMM_PREFETCH_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/parts.h"
#include "core/simd/gemm_tile.h"
#include "hwy/highway.h"
// After highway.h, which it includes for each target.
#include "core/simd/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {

// Steps of depth in a turn of the tile's inner loop: some 50 cycles of the tile, so that the
// fetches and the loop itself are a few per cent of its instructions. Fewer where a multiply-add is
// two instructions: the loop costs less beside them, and a tenth of all tiles' code is saved.
inline constexpr size_t kTurn = !HWY_NATIVE_FMA                          ? 2
                                : HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86 ? 4
                                                                         : 8;

// Walks through the rows of a prefetch range, `step` bytes at each turn: requests that come a few
// at a time never crowd out the tile's own loads. Into the second cache, since the first is full of
// what the tile works on.
struct PrefetchStream {
  static constexpr size_t kLine = 64;
  static constexpr size_t kMaxStep = 4 * kLine;
  const char* next = nullptr;
  const char* row_end = nullptr;
  size_t step = 0;
  size_t row_bytes = 0, pitch = 0;

  HWY_INLINE void Next() {
#pragma GCC unroll 4
    for (size_t line = 0; line < kMaxStep; line += kLine) FetchToSecondCache(next + line);
    next += step;
    if (HWY_UNLIKELY(next >= row_end)) {
      next = row_end + (pitch - row_bytes);
      row_end += pitch;
    }
  }
};

// Shares the operands' prefetch ranges out over the turns of all strips; over the strips themselves
// when these are too shallow for a turn.
class Prefetcher {
 public:
  Prefetcher(const TileStrip* strips, size_t count, size_t panels, const TileOperands& o)
      : range_(o.prefetch), end_(o.prefetch + TileOperands::kPrefetchRanges) {
    size_t bytes = 0, turns = 0;
    for (const TilePrefetch& range : o.prefetch) bytes += range.rows * range.bytes;
    Idle(o.c);
    if (bytes == 0) {
      range_ = end_;
      return;
    }
    for (size_t i = 0; i < count; ++i) turns += strips[i].segments * (strips[i].depth / kTurn);
    // As few lines a turn as still reach the last row.
    const auto needed = [&] {
      size_t all = 0;
      for (const TilePrefetch& range : o.prefetch) all += range.rows * TurnsOfRow(range);
      return all;
    };
    step_ = PrefetchStream::kLine;
    while (step_ < PrefetchStream::kMaxStep && needed() > turns * panels) {
      step_ += PrefetchStream::kLine;
    }
    if (turns == 0)
      burst_ = RoundUp(bytes / std::max<size_t>(1, count * panels) + 1, 2 * PrefetchStream::kLine);
  }

  // Before a strip: the stream continues, or turns to the next range.
  HWY_INLINE PrefetchStream& Before(const TileStrip& strip) {
    while (left_ <= 0 && range_ != end_) Open(*range_++);
    if (left_ <= 0) {
      Idle(stream_.next);
    } else if (burst_ != 0) {
      const char* const end = stream_.next + burst_;
      for (const char* at = stream_.next; at != end; at += 2 * PrefetchStream::kLine) {
        FetchToSecondCache(at);
        FetchToSecondCache(at + PrefetchStream::kLine);
      }
      stream_.next = end;
      left_ -= static_cast<ptrdiff_t>(burst_);
    } else {
      left_ -= static_cast<ptrdiff_t>(strip.segments * (strip.depth / kTurn) * step_);
    }
    return stream_;
  }

 private:
  void Idle(const void* anywhere) {
    stream_ = {static_cast<const char*>(anywhere), reinterpret_cast<const char*>(~uintptr_t{0}), 0,
               0, 0};
  }
  void Open(const TilePrefetch& range) {
    const char* const begin = static_cast<const char*>(range.begin);
    stream_ = {begin, begin + range.bytes, step_, range.bytes,
               range.rows > 1 ? range.pitch : range.bytes};
    left_ += static_cast<ptrdiff_t>(range.rows * TurnsOfRow(range) * step_);
  }
  // A row begins with a turn of its own.
  size_t TurnsOfRow(const TilePrefetch& range) const { return CeilDiv(range.bytes, step_); }

  const TilePrefetch* range_;
  const TilePrefetch* end_;
  PrefetchStream stream_;
  size_t step_ = 0, burst_ = 0;  // bytes a turn, or a strip
  ptrdiff_t left_ = 0;  // bytes of the open range, its rows in whole steps
};

}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#endif  // BATCHMARK_CORE_SIMD_GEMM_PREFETCH_INL_H_
