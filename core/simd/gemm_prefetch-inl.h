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

// Walks through the rows of a prefetch range: each turn asks for two lines and goes on by one or
// both (`step` bytes). Requests that come a few at a time never crowd out the tile's own loads. Into
// the second cache, since the first is full of what the tile works on. At the end of a range it
// stands still until the next strip begins.
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
// comes in bursts, one before each strip.
class Prefetcher {
 public:
  Prefetcher(const TileStrip* strips, size_t count, size_t panels, const TileOperands& o)
      : range_(o.prefetch), end_(o.prefetch + TileOperands::kPrefetchRanges) {
    // Each row begins with a turn of its own.
    const auto needed = [&] {
      size_t all = 0;
      for (const TilePrefetch& range : o.prefetch) all += range.rows * CeilDiv(range.bytes, step_);
      return all;
    };
    const size_t lines = needed();
    const size_t turns = lines == 0 ? 0 : panels * TurnsOf(strips, count);
    if (lines > turns) {
      step_ = PrefetchStream::kTwoLines;
      const size_t all = needed();
      if (all > turns) burst_ = step_ * CeilDiv(all - turns, std::max<size_t>(1, count * panels));
    }
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
