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
inline constexpr size_t kTurn = !HWY_NATIVE_FMA ? 2 : kAvx512 ? 4 : 8;

// Where two lines a turn are too few: AVX-512 asks for up to 8, others not, since a branch in each
// turn costs more where a busy second hardware thread has its half of the decoders.
// And what a burst before a strip may be: on AVX-512 as many lines as a core has buffers for lines in
// flight, since more of them stop the tile, for longer than what the hardware fetches would
// (Emerald Rapids: 128 x 512 x 512 5 %, the weight gradient of a one-channel convolution 25 %).
inline constexpr size_t kMostLines = kAvx512 ? 8 : 2;
inline constexpr size_t kMostBurst = kAvx512 ? 16 * 64 : SIZE_MAX;  // bytes

// Walks through the rows of a prefetch range: each turn asks for two lines and goes on by one or
// both, or four or eight (`step` bytes). Requests that come a few at a time never crowd out the
// tile's own loads. Into the second cache, since the first is full of what the tile works on. At the
// end of a range it stands still until the next strip begins.
struct PrefetchStream {
  static constexpr size_t kLine = 64;
  static constexpr size_t kTwoLines = 2 * kLine;
  const char* next = nullptr;
  const char* row_end = nullptr;
  size_t step = 0;
  size_t gap = 0, pitch = 0;  // bytes from the end of a row to the next row, and from row to row
  size_t rows = 0;            // left

  HWY_INLINE void Next() {
    FetchTwoLines(next);
    if constexpr (kMostLines == 8) {
      if (step > kTwoLines) {
        FetchTwoLines(next + kTwoLines);
        if (step > 2 * kTwoLines) {
          FetchTwoLines(next + 2 * kTwoLines);
          FetchTwoLines(next + 3 * kTwoLines);
        }
      }
    }
    Pass(step);
  }
  // So many bytes at once, a multiple of two lines; not into the next row.
  HWY_INLINE void Burst(size_t bytes) {
    for (const char *at = next, *const end = next + bytes; at != end; at += kTwoLines) {
      FetchTwoLines(at);
    }
    Pass(bytes);
  }
  HWY_INLINE void StandStill() {
    row_end = reinterpret_cast<const char*>(~uintptr_t{0});
    step = 0;
  }

 private:
  static HWY_INLINE void FetchTwoLines(const char* at) {
    FetchToSecondCache(at);
    FetchToSecondCache(at + kLine);
  }
  HWY_INLINE void Pass(size_t bytes) {
    next += bytes;
    if (HWY_UNLIKELY(next >= row_end)) {
      next = row_end + gap;
      row_end += pitch;
      if (--rows == 0) StandStill();
    }
  }
};

// Shares the operands' prefetch ranges out over the turns of all strips; what is too much for them
// comes in bursts, one before each strip, or is left to the hardware.
class Prefetcher {
 public:
  Prefetcher(const TileStrip* strips, size_t count, size_t panels, const TileOperands& o)
      : range_(o.prefetch), end_(o.prefetch + TileOperands::kPrefetchRanges) {
    if (Steps(o) != 0) PlanSteps(panels * TurnsOf(strips, count), panels * count, o);
    stream_.next = reinterpret_cast<const char*>(o.c);
    stream_ = Open(stream_);
  }

  // Tiles whose sums take turns work on a copy, which stays in registers.
  PrefetchStream& stream() { return stream_; }

  // At the beginning of each strip.
  HWY_INLINE void AtStrip(PrefetchStream& stream) {
    if (HWY_UNLIKELY(stream.rows == 0)) stream = Open(stream);
    if (burst_ != 0) stream.Burst(burst_);
  }

 private:
  static size_t TurnsOf(const TileStrip* strips, size_t count) {
    size_t turns = 0;
    for (size_t i = 0; i < count; ++i) turns += strips[i].segments * (strips[i].depth / kTurn);
    return turns;
  }
  // Of the ranges; each row begins with one of its own.
  size_t Steps(const TileOperands& o) const {
    size_t steps = 0;
    for (const TilePrefetch& range : o.prefetch) steps += range.rows * CeilDiv(range.bytes, step_);
    return steps;
  }
  // The shortest step with which the turns take them all, or leave a burst that is not too long; no
  // bursts if there is none.
  void PlanSteps(size_t turns, size_t strips, const TileOperands& o) {
    constexpr size_t kLine = PrefetchStream::kLine;
    for (;; step_ *= 2) {
      const size_t steps = Steps(o);
      burst_ = steps > turns ? step_ * CeilDiv(steps - turns, std::max<size_t>(1, strips)) : 0;
      if (burst_ == 0 || (burst_ <= kMostBurst && step_ != kLine)) return;
      if (step_ == kMostLines * kLine) break;
    }
    burst_ = 0;
  }
  // The next range, or none for ever.
  HWY_NOINLINE PrefetchStream Open(PrefetchStream stream) {
    while (range_ != end_ && range_->rows * range_->bytes == 0) ++range_;
    if (range_ == end_) {
      stream.StandStill();
      stream.rows = SIZE_MAX;
      burst_ = 0;
      return stream;
    }
    const TilePrefetch& range = *range_++;
    stream.next = static_cast<const char*>(range.begin);
    stream.row_end = stream.next + range.bytes;
    stream.step = step_;
    stream.gap = range.pitch - range.bytes;  // with a single row of no use
    stream.pitch = range.pitch;
    stream.rows = range.rows;
    return stream;
  }

  const TilePrefetch* range_;
  const TilePrefetch* end_;
  PrefetchStream stream_;
  size_t step_ = PrefetchStream::kLine;  // bytes a turn
  size_t burst_ = 0;                     // bytes a strip
};

}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#endif  // BATCHMARK_CORE_SIMD_GEMM_PREFETCH_INL_H_
