#include "core/ops/product.h"

#include <algorithm>
#include <array>

#include "core/base/check.h"
#include "core/ops/pending_span.h"
#include "core/simd/gemm_pack.h"

namespace batchmark {
namespace {

constexpr size_t CeilDiv(size_t a, size_t b) { return (a + b - 1) / b; }
constexpr size_t RoundUp(size_t a, size_t b) { return CeilDiv(a, b) * b; }

// Depth of a slice: a panel of 32 columns is 36 KiB, which leaves room in a first cache of 48 KiB
// for the strip of A and the tile of C that pass by.
constexpr size_t kSlice = 288;
// Strips of A packed at once: 16 x 14 rows x 288 = 252 KiB of a 2 MiB second cache.
constexpr size_t kPieceStrips = 16;
// Panels of B packed at once by a task: 8 x 36 KiB.
constexpr size_t kPiecePanels = 8;
// Columns of a task when B is packed by all: a slice of them (1.1 MiB) stays in the second cache.
constexpr size_t kTaskPanels = 32;
// Multiply-adds worth a task of its own (about 8 us on one core; starting a worker costs 2 to 5
// us).
constexpr double kTaskWork = 512.0 * 1024;
constexpr size_t kTasks = 24;   // wanted: enough for an even load, few enough to stay cheap
constexpr size_t kChunks = 16;  // of a long K
constexpr size_t kMinChunk = 1024;
constexpr size_t kSmallTiles = 48;              // tiles of C below which a long K is cut
constexpr size_t kPackGrain = size_t{1} << 15;  // floats of a packing chunk

constexpr size_t AScratchFloats(const TileGeometry& tile) {
  return (kSlice + 32) * (kPieceStrips * tile.rows + 16);
}

}  // namespace

struct Product::Plan {
  size_t m, n, k;
  size_t strips, panels;            // of C
  size_t chunk, chunks;             // of K
  size_t slice;                     // of a chunk
  size_t task_strips, task_panels;  // of a task
  size_t row_tasks, column_tasks;
  bool pack_a, pack_b, shared_b;
  size_t tasks() const { return row_tasks * column_tasks * chunks; }

  // Strips share out the rows evenly: the first m % strips of them have one more.
  size_t StripBegin(size_t strip) const {
    return strip * (m / strips) + std::min(strip, m % strips);
  }
};

// What one call of the tile computes: strips [s0, s1) x panels [p0, p1) over depth [k0, k1) of a
// task.
struct Product::Step {
  size_t task;
  size_t s_begin, s_end, p_begin, p_end, k_begin, k_end;  // the task
  size_t s0, s1, p0, p1, k0, k1;

  bool SameA(const Step& o) const { return s0 == o.s0 && s1 == o.s1 && k0 == o.k0; }
  bool SameC(const Step& o) const { return s0 == o.s0 && p0 == o.p0; }
};

Product::Plan Product::MakePlan(size_t m, size_t n, size_t k) const {
  Plan p{};
  p.m = m, p.n = n, p.k = k;
  p.strips = CeilDiv(m, tile_.rows);
  p.panels = CeilDiv(n, tile_.panel);
  const size_t tiles = p.strips * p.panels;
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  p.chunk = k, p.chunks = 1;
  p.task_strips = p.strips, p.task_panels = p.panels;
  if (work > 2 * kTaskWork) {
    if (tiles <= kSmallTiles && k >= 2 * kMinChunk) {
      p.chunk = std::max(kMinChunk, RoundUp(CeilDiv(k, kChunks), 64));
      p.chunks = CeilDiv(k, p.chunk);
    } else {
      const double tile_work = work / static_cast<double>(tiles);
      const size_t least = static_cast<size_t>(kTaskWork / tile_work) + 1;
      const size_t wanted = std::max(least, tiles / kTasks);
      if (p.strips <= kPieceStrips && p.panels >= p.strips) {
        p.task_panels = std::min(p.panels, CeilDiv(wanted, p.strips));
      } else {
        p.task_panels = std::min(p.panels, kTaskPanels);
        p.task_strips = std::min(p.strips, CeilDiv(wanted, p.task_panels));
      }
    }
  }
  const size_t slices = std::max<size_t>(1, CeilDiv(p.chunk, kSlice));
  p.slice = std::max<size_t>(1, RoundUp(CeilDiv(p.chunk, slices), 4));
  p.row_tasks = CeilDiv(p.strips, p.task_strips);
  p.column_tasks = CeilDiv(p.panels, p.task_panels);
  // In place, whole vectors of B are read: its columns must be a multiple of lanes. Many columns
  // would spread a slice over too many pages.
  p.pack_b = b_transposed_ || n % tile_.lanes != 0 || p.panels > 4;
  p.shared_b = p.pack_b && p.row_tasks > 1;
  return p;
}

Product::Product(Parallel& parallel, bool a_transposed, bool b_transposed, size_t m, size_t n,
                 size_t k)
    : parallel_(parallel),
      tile_(ActiveTileGeometry()),
      a_transposed_(a_transposed),
      b_transposed_(b_transposed) {
  const size_t b_floats = kPiecePanels * tile_.panel * kSlice;
  parallel.ReserveScratch((AScratchFloats(tile_) + b_floats) * sizeof(float));
  if (m * n * k == 0) return;
  // Smaller m and k may be planned otherwise than the capacity: room for whatever they can need.
  const Plan plan = MakePlan(m, n, k);
  if (plan.pack_b && (plan.strips > kPieceStrips || plan.strips > plan.panels)) {
    shared_b_ = AlignedBuffer<float>(plan.panels * tile_.panel * k);
  }
  if (plan.panels <= kSmallTiles && k >= 2 * kMinChunk) {
    slots_ =
        AlignedBuffer<float>(kChunks * std::min(m, kSmallTiles / plan.panels * tile_.rows) * n);
  }
}

void Product::Run(size_t m, size_t n, size_t k, const ProductOperands& o) {
  if (m == 0 || n == 0) return;
  BATCHMARK_CHECK(tile_.panel == ActiveTileGeometry().panel);
  Plan plan = MakePlan(m, n, k);
  // Rows whose distance is a multiple of 1 KiB fight for a few sets of the first cache; many panels
  // repay a copy as well.
  plan.pack_a = o.a_pending != nullptr || o.a_row % 256 == 0 || plan.panels > 8;
  if (plan.shared_b) PackShared(plan, o);
  parallel_.For(plan.tasks(), [&](size_t task, int worker) { RunTask(plan, o, task, worker); });
  if (plan.chunks > 1) {
    MergeParts(m, n, slots_.data(), plan.chunks, m * n, o.bias, o.act, o.accumulate, o.c, o.c_row);
  }
}

void Product::PackShared(const Plan& plan, const ProductOperands& o) {
  BATCHMARK_CHECK(shared_b_.size() >= plan.panels * tile_.panel * plan.k);
  const size_t stride = tile_.panel * plan.k;
  const ChunkPlan cut{plan.panels, std::max<size_t>(1, kPackGrain / std::max<size_t>(1, stride))};
  parallel_.For(cut.chunks(), [&](size_t chunk, int) {
    const size_t j = cut.begin(chunk) * tile_.panel;
    const size_t columns = std::min(plan.n, cut.end(chunk) * tile_.panel) - j;
    float* dst = shared_b_.data() + cut.begin(chunk) * stride;
    if (b_transposed_) {
      PackPanelsTransposed(plan.k, columns, o.b + j * o.b_row, o.b_row, tile_.panel, stride, dst);
    } else {
      PackPanels(plan.k, columns, o.b + j, o.b_row, tile_.panel, stride, dst);
    }
  });
}

Product::Step Product::FirstStep(const Plan& plan, size_t task) const {
  const size_t chunk = task % plan.chunks;
  const size_t column = task / plan.chunks % plan.column_tasks;
  const size_t row = task / plan.chunks / plan.column_tasks;
  Step s{};
  s.task = task;
  s.s_begin = row * plan.task_strips;
  s.s_end = std::min(plan.strips, s.s_begin + plan.task_strips);
  s.p_begin = column * plan.task_panels;
  s.p_end = std::min(plan.panels, s.p_begin + plan.task_panels);
  s.k_begin = chunk * plan.chunk;
  s.k_end = std::min(plan.k, s.k_begin + plan.chunk);
  s.s0 = s.s_begin, s.s1 = std::min(s.s_end, s.s0 + kPieceStrips);
  s.p0 = s.p_begin,
  s.p1 = plan.pack_b && !plan.shared_b ? std::min(s.p_end, s.p0 + kPiecePanels) : s.p_end;
  s.k0 = s.k_begin, s.k1 = std::min(s.k_end, s.k0 + plan.slice);
  return s;
}

// Panels, then pieces of rows, then slices of depth. False at the end of the task.
bool Product::Advance(const Plan& plan, Step& s) const {
  const size_t panels = s.p1 - s.p0;
  if (s.p1 < s.p_end) {
    s.p0 = s.p1, s.p1 = std::min(s.p_end, s.p0 + panels);
    return true;
  }
  const Step first = FirstStep(plan, s.task);
  s.p0 = first.p0, s.p1 = first.p1;
  if (s.s1 < s.s_end) {
    s.s0 = s.s1, s.s1 = std::min(s.s_end, s.s0 + kPieceStrips);
    return true;
  }
  s.s0 = first.s0, s.s1 = first.s1;
  if (s.k1 < s.k_end) {
    s.k0 = s.k1, s.k1 = std::min(s.k_end, s.k0 + plan.slice);
    return true;
  }
  return false;
}

void Product::RunTask(const Plan& plan, const ProductOperands& o, size_t task, int worker) {
  float* const a_scratch = static_cast<float*>(parallel_.Scratch(worker));
  float* const b_scratch = a_scratch + AScratchFloats(tile_);
  const bool in_slots = plan.chunks > 1;
  TileOperands t;
  t.c_row = in_slots ? plan.n : o.c_row;
  t.act = in_slots ? Activation::kNone : o.act;
  const float* const bias = in_slots ? nullptr : o.bias;
  float* const c = in_slots ? slots_.data() + task % plan.chunks * plan.m * plan.n : o.c;
  const TileStart first_start = o.accumulate && !in_slots ? TileStart::kLoad : TileStart::kBias;

  std::array<TileStrip, kPieceStrips> strips;
  Step step = FirstStep(plan, task);
  bool new_a = true;
  for (bool more = true; more;) {
    if (new_a) {
      LoadA(plan, o, step, a_scratch, t);
      const size_t row0 = plan.StripBegin(step.s0), depth = step.k1 - step.k0;
      for (size_t s = step.s0; s < step.s1; ++s) {
        const size_t row = plan.StripBegin(s);
        TileStrip& strip = strips[s - step.s0];
        strip.rows = static_cast<uint32_t>(plan.StripBegin(s + 1) - row);
        strip.segments = depth != 0;
        strip.depth = static_cast<uint32_t>(depth);
        strip.start = step.k0 == step.k_begin ? first_start : TileStart::kLoad;
        strip.finish = step.k1 == step.k_end;
        strip.a = static_cast<ptrdiff_t>((row - row0) * t.a_row);
        strip.c = static_cast<ptrdiff_t>(row * t.c_row);
      }
    }
    const size_t j = step.p0 * tile_.panel;
    t.columns = std::min(plan.n, step.p1 * tile_.panel) - j;
    t.c = c + j;
    t.bias = bias == nullptr ? nullptr : bias + j;
    LoadB(plan, o, step, b_scratch, t);
    Step next = step;
    more = Advance(plan, next);
    if (!more && task + 1 < plan.tasks()) next = FirstStep(plan, task + 1);  // likely this worker's
    PrefetchNext(plan, o, step, next, t);
    RunTiles(strips.data(), step.s1 - step.s0, t);
    new_a = !next.SameA(step);
    step = next;
  }
}

// A of the step, in place or packed: rows a_row apart, depth a_depth apart.
void Product::LoadA(const Plan& plan, const ProductOperands& o, const Step& step, float* scratch,
                    TileOperands& t) const {
  const size_t row0 = plan.StripBegin(step.s0), rows = plan.StripBegin(step.s1) - row0;
  const size_t depth = step.k1 - step.k0;
  size_t stride = o.a_row;
  t.a = a_transposed_ ? o.a + step.k0 * stride + row0 : o.a + row0 * stride + step.k0;
  if (plan.pack_a && depth != 0) {
    const Pending plain{.v = o.a, .positions = o.a_row, .channels = 1};
    const Pending& src = o.a_pending != nullptr ? *o.a_pending : plain;
    if (a_transposed_) {
      stride = RoundUp(rows, 16);
      ResolveSpans(src, step.k0, depth, row0, rows, scratch, stride);
    } else {
      stride = RoundUp(depth, 16) + 16;
      if (stride % 256 == 0) stride += 16;
      ResolveSpans(src, row0, rows, step.k0, depth, scratch, stride);
    }
    t.a = scratch;
  }
  t.a_row = a_transposed_ ? 1 : stride;
  t.a_depth = a_transposed_ ? stride : 1;
}

// B of the step: in place, in the panels that all tasks share, or in panels of the task's own.
void Product::LoadB(const Plan& plan, const ProductOperands& o, const Step& step, float* scratch,
                    TileOperands& t) const {
  const size_t j = step.p0 * tile_.panel, depth = step.k1 - step.k0;
  if (!plan.pack_b) {
    t.b = o.b + step.k0 * o.b_row + j;
    t.b_depth = o.b_row, t.b_panel = tile_.panel;
    return;
  }
  t.b_depth = tile_.panel;
  if (plan.shared_b) {
    t.b = shared_b_.data() + step.p0 * tile_.panel * plan.k + step.k0 * tile_.panel;
    t.b_panel = tile_.panel * plan.k;
    return;
  }
  t.b = scratch;
  t.b_panel = tile_.panel * depth;
  if (b_transposed_) {
    PackPanelsTransposed(depth, t.columns, o.b + j * o.b_row + step.k0, o.b_row, tile_.panel,
                         t.b_panel, scratch);
  } else {
    PackPanels(depth, t.columns, o.b + step.k0 * o.b_row + j, o.b_row, tile_.panel, t.b_panel,
               scratch);
  }
}

// What the next step reads and writes and this one does not. Panels that all tasks share are
// fetched one panel ahead within the step, since a slice of all of them would not stay in the
// second cache.
void Product::PrefetchNext(const Plan& plan, const ProductOperands& o, const Step& step,
                           const Step& next, TileOperands& t) const {
  constexpr size_t kFloat = sizeof(float);
  for (TilePrefetch& range : t.prefetch) range = {};
  const size_t depth = next.k1 - next.k0;
  const size_t row0 = plan.StripBegin(next.s0), rows = plan.StripBegin(next.s1) - row0;
  const size_t j = next.p0 * tile_.panel, columns = std::min(plan.n, next.p1 * tile_.panel) - j;
  if (!next.SameA(step)) {
    t.prefetch[0] =
        a_transposed_
            ? TilePrefetch{o.a + next.k0 * o.a_row + row0, rows * kFloat, depth, o.a_row * kFloat}
            : TilePrefetch{o.a + row0 * o.a_row + next.k0, depth * kFloat, rows, o.a_row * kFloat};
  }
  if (plan.shared_b) {
    const size_t panels = step.p1 - step.p0;
    t.prefetch[1] = {t.b + t.b_panel, (step.k1 - step.k0) * tile_.panel * kFloat, panels - 1,
                     t.b_panel * kFloat};
  } else if (next.k0 != step.k0 || next.p0 != step.p0) {
    t.prefetch[1] =
        b_transposed_
            ? TilePrefetch{o.b + j * o.b_row + next.k0, depth * kFloat, columns, o.b_row * kFloat}
            : TilePrefetch{o.b + next.k0 * o.b_row + j, columns * kFloat, depth, o.b_row * kFloat};
  }
  if (plan.chunks == 1 && !next.SameC(step)) {
    t.prefetch[2] = {o.c + row0 * o.c_row + j, columns * kFloat, rows, o.c_row * kFloat};
  }
}

}  // namespace batchmark
