// Tiles to threads; the loops are core/simd/batch_norm_rows.h.
#include "core/ops/batch_norm.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/cpu.h"
#include "core/base/parts.h"
#include "core/ops/caches.h"
#include "core/ops/chunks.h"
#include "core/ops/group_tiles.h"
#include "core/ops/pending_span.h"
#include "core/simd/backend.h"
#include "core/simd/batch_norm_coefficients.h"
#include "core/simd/batch_norm_merge.h"
#include "core/simd/batch_norm_rows.h"

namespace batchmark {
namespace {

// A pass over elements that cost `weight` times what only moving them would. Vectors of 64 bytes
// move twice as much before another core has fetched its part ([128,100], two threads, Emerald
// Rapids: forward 4.3 -> 3.1 us, backward 6.3 -> 4.2).
ChunkPlan PlanPass(size_t items, size_t elements, size_t weight = 1) {
  const size_t brief_chunk =
      ActiveVectorBytes() == 64 && weight == 1 ? 2 * kBriefChunk : kBriefChunk;
  return PlanChunks(items, elements, weight, brief_chunk);
}

ChunkPlan TilePlan(const MomentTiles& tiles, size_t channels) {
  return PlanPass(tiles.tiles.size(),
                  tiles.tiles.empty() ? 0 : tiles.tiles.back().row_end * channels);
}

const float* OfGroup(const float* coefficients, size_t group, size_t channels) {
  return coefficients == nullptr ? nullptr : coefficients + group * channels;
}

// Elementwise passes follow a pass that ran upwards and left its end in the near caches, so they
// run downwards within each worker's share.
size_t Backwards(size_t i, size_t chunks, size_t shares) {
  const size_t share = i * shares / chunks;
  const size_t begin = CeilDiv(share * chunks, shares);
  const size_t end = CeilDiv((share + 1) * chunks, shares);
  return begin + end - 1 - i;
}

// Whether a pass over `arrays` of `floats` elements each should store past the caches: what a store
// replaces is then not read first (a third of the traffic of a map), and what is written would not
// stay anyway. From half of what is counted on of the last cache. Several threads hide the wait for
// those reads, as long as the arrays fit: from three quarters on (of 32 MiB, shared with
// neighbours, Zen 3; 22 MB forward: one thread 0.99 ms past, 1.44 through, two 0.74 past, 0.65
// through; 33 MB backward, two threads 1.05 past, 1.98 through. Emerald Rapids, the same backward:
// 0.87 past, 1.03 through).
bool StoresPast(size_t arrays, int threads, size_t floats, size_t channels, const float* dst) {
  const size_t held = LastCacheBytes() / 4 * (threads == 1 ? 2 : 3);
  return arrays * floats * sizeof(float) > held && AreWholeLines(channels, dst);
}

bool StoresPast(const Pending& src, int threads, size_t floats, const float* dst) {
  return dst != src.v && StoresPast(2, threads, floats, src.channels, dst);
}
bool StoresPast(const PendingGrad& src, int threads, size_t floats, const float* dst) {
  return dst != src.dy && dst != src.v && StoresPast(3, threads, floats, src.channels, dst);
}

// What an element costs, in elements that are only moved.
size_t Weight(const Pending& src) { return IsExponential(src.act) ? 6 : 1; }
size_t Weight(const PendingGrad&) { return 1; }  // derivatives are formed from the output

template <class Source>
void ResolveChunks(Parallel& parallel, size_t n, const Source& src, float* dst) {
  const size_t stride = src.positions * src.channels;
  const ChunkPlan plan = PlanPass(n, n * stride, Weight(src));
  const Reach reach = StoresPast(src, parallel.threads(), n * stride, dst) ? Reach::kPast
                      : plan.brief                                         ? Reach::kNear
                                                                           : Reach::kFar;
  const size_t shares = static_cast<size_t>(parallel.threads());
  parallel.For(plan, [&](size_t i, int) {
    const size_t chunk = Backwards(i, plan.chunks(), shares), begin = plan.begin(chunk);
    ResolveSamples(src, begin, plan.end(chunk) - begin, dst + begin * stride, reach);
  });
}

}  // namespace

void GatherMoments(Parallel& parallel, const float* x, const MomentTiles& tiles, TileMoments& out) {
  const size_t channels = out.channels;
  BATCHMARK_CHECK(out.mean.size() >= tiles.tiles.size() * channels);
  const ChunkPlan plan = TilePlan(tiles, channels);
  parallel.For(plan, [&](size_t chunk, int) {
    for (size_t t = plan.begin(chunk); t < plan.end(chunk); ++t) {
      const MomentTiles::Tile& tile = tiles.tiles[t];
      TileMomentsRows(x + tile.row_begin * channels, tile.row_end - tile.row_begin, channels,
                      out.mean.data() + t * channels, out.m2.data() + t * channels);
    }
  });
}

void MergeMoments(const MomentTiles& tiles, const TileMoments& moments, size_t group_count,
                  double* mean, double* var) {
  const size_t channels = moments.channels;
  BATCHMARK_CHECK(tiles.tiles.empty() || tiles.tiles.back().group < group_count);
  ForGroupTiles(tiles, [&](size_t group, size_t begin, size_t count) {
    MergeTileMoments(moments.mean.data() + begin * channels, moments.m2.data() + begin * channels,
                     &tiles.tiles[begin].row_begin, &tiles.tiles[begin].row_end,
                     sizeof(MomentTiles::Tile) / sizeof(size_t), count, channels,
                     mean + group * channels, var + group * channels);
  });
}

BatchNormBackwardSums::BatchNormBackwardSums(Parallel& parallel, size_t max_tiles, size_t channels)
    : parallel_(parallel), slots_(max_tiles, channels) {}

void BatchNormBackwardSums::Run(const PendingGrad& grad, const MomentTiles& tiles,
                                const double* mean, const double* rstd, double* d_beta,
                                double* d_gamma) {
  const ChunkPlan plan = TilePlan(tiles, slots_.channels);
  parallel_.For(plan, [&](size_t chunk, int) {
    for (size_t t = plan.begin(chunk); t < plan.end(chunk); ++t) Gather(grad, tiles, t, mean);
  });
  Merge(tiles, rstd, d_beta, d_gamma);
}

void BatchNormBackwardSums::Gather(const PendingGrad& grad, const MomentTiles& tiles, size_t t,
                                   const double* mean) {
  BATCHMARK_CHECK(t < tiles.tiles.size());
  const MomentTiles::Tile& tile = tiles.tiles[t];
  GatherSlot(grad, t, tile.group, {tile.row_begin, tile.row_end - tile.row_begin}, mean);
}

void BatchNormBackwardSums::StartBlocks(size_t count) {
  blocks_ = count;
  if (slots_.mean.size() < count * slots_.channels) slots_ = TileMoments(count, slots_.channels);
}

void BatchNormBackwardSums::Gather(const PendingGrad& grad, const MapBlock& block,
                                   const double* mean) {
  BATCHMARK_CHECK(grad.groups.count == 1 && block.index < blocks_);
  const size_t begin = block.sample * grad.positions + block.position;
  GatherSlot(grad, block.index, 0, {begin, block.positions, block.samples, grad.positions}, mean);
}

void BatchNormBackwardSums::GatherSlot(const PendingGrad& grad, size_t slot, size_t group,
                                       const Rows& rows, const double* mean) {
  const size_t channels = slots_.channels, at = rows.begin * channels;
  BATCHMARK_CHECK(grad.channels == channels && (slot + 1) * channels <= slots_.mean.size());
  BATCHMARK_CHECK(grad.form == PendingGrad::Form::kNormAct ||
                  grad.form == PendingGrad::Form::kActNorm);
  const bool act_after = grad.form == PendingGrad::Form::kNormAct;
  TileBackwardSumsRows(grad.dy + at, grad.v + at, rows.count, channels,
                       act_after ? OfGroup(grad.scale, group, channels) : nullptr,
                       act_after ? OfGroup(grad.shift, group, channels) : nullptr, grad.act,
                       mean + group * channels, slots_.mean.data() + slot * channels,
                       slots_.m2.data() + slot * channels, rows.runs, rows.run_distance * channels);
}

void BatchNormBackwardSums::Merge(const MomentTiles& tiles, const double* rstd, double* d_beta,
                                  double* d_gamma) {
  const size_t channels = slots_.channels;
  const auto merge = [&](size_t group, size_t begin, size_t count) {
    MergeTileSums(slots_.mean.data() + begin * channels, count, channels, nullptr,
                  d_beta + group * channels);
    MergeTileSums(slots_.m2.data() + begin * channels, count, channels, rstd + group * channels,
                  d_gamma + group * channels);
  };
  if (const size_t blocks = std::exchange(blocks_, 0); blocks != 0) return merge(0, 0, blocks);
  ForGroupTiles(tiles, merge);
}

void FormGradientMap(const MomentTiles& tiles, size_t channels, const double* mean,
                     const double* rstd, const float* scale, const double* d_beta,
                     const double* d_gamma, float* slope, float* base) {
  ForGroupTiles(tiles, [&](size_t group, size_t tile, size_t n) {
    const size_t k = group * channels;
    const size_t rows = tiles.tiles[tile + n - 1].row_end - tiles.tiles[tile].row_begin;
    BackwardCoefficients(channels, rows, mean + k, rstd + k, scale + k, d_beta + k, d_gamma + k,
                         slope + k, base + k);
  });
}

void Resolve(Parallel& parallel, size_t n, const Pending& src, float* dst) {
  ResolveChunks(parallel, n, src, dst);
}

void Resolve(Parallel& parallel, size_t n, const PendingGrad& src, float* dst) {
  ResolveChunks(parallel, n, src, dst);
}

}  // namespace batchmark
