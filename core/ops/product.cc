#include "core/ops/product.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>

#include "core/base/check.h"
#include "core/ops/chunks.h"
#include "core/ops/pending_span.h"
#include "core/simd/gemm_pack.h"

namespace batchmark {
namespace {

constexpr size_t CeilDiv(size_t a, size_t b) { return (a + b - 1) / b; }
constexpr size_t RoundUp(size_t a, size_t b) { return CeilDiv(a, b) * b; }

// Depth of a slice: a panel of 32 columns is 36 KiB, which leaves room in a first cache of 48 KiB
// for the strip of A and the tile of C that pass by.
constexpr size_t kSlice = 288;
// Strips of A in a step: 16 x 14 rows x 288 = 252 KiB of a 2 MiB second cache, 16 x 6 rows x 288 =
// 108 KiB of one of 512 KiB.
constexpr size_t kPieceStrips = 16;
// So many strips pass each panel of B before a task may end: the first of them finds the panel in
// the second cache, the others in the first. Fewer where panels are few, and with them the tasks.
constexpr size_t kTaskStrips = 8;
constexpr size_t kFewStrips = 5;
// The same for a wide panel and rows of A in place: 64 columns are 24 KiB.
constexpr size_t kWideSlice = 96;
constexpr size_t kWidePieceStrips = 37;
// Every task reads all of B. Where B does not stay in a second cache, so many rows hide that.
constexpr size_t kWideTaskRows = 64;
constexpr size_t kLargeB = size_t{1} << 18;  // floats
// Panels of B packed at once by a task: 8 x 36 KiB.
constexpr size_t kPiecePanels = 8;
// Panels of B read where they lie: more would spread a slice over too many pages. One line of each
// row of B uses but a few sets of the first cache, so that many strips repay a copy.
constexpr size_t kPlainPanels = 4;
constexpr size_t kPlainStrips = 15;
// Panels of a task for which a copy of A's rows is made, or one of its columns strip by strip, and
// how far apart (in floats) rows are.
constexpr size_t kCopyPanels = 8;
constexpr size_t kSpreadRow = 1024;
// The first cache has 64 sets of 8 lines or more. Rows of A that are whole lines apart use only
// some of the sets: so many lines of A are read where they lie.
constexpr size_t kSets = 64, kWays = 8, kLineFloats = 16;
constexpr size_t HeldLines(size_t a_row) {
  return kWays * (a_row % kLineFloats == 0 ? kSets / std::gcd(kSets, a_row / kLineFloats) : kSets);
}
// A C of this size is out of the caches before it is read: stored past them, it costs no read of
// what it replaces.
constexpr size_t kPastFloats = size_t{1} << 23;
// Multiply-adds worth a task of its own (about 3 us on one core; starting a worker costs 2 to 5
// us).
constexpr double kTaskWork = 256.0 * 1024;
constexpr size_t kTasks = 24;   // wanted: enough for an even load, few enough to stay cheap
constexpr size_t kChunks = 16;  // of a long K
constexpr size_t kMinChunk = 1024;
constexpr size_t kSmallC = size_t{1} << 15;     // floats of C up to which a long K is cut
constexpr size_t kPackGrain = size_t{1} << 15;  // floats of a packing chunk

// So few tasks of rows pack B each for itself: lines that one core writes and another reads cost
// more than to pack twice.
constexpr size_t kOwnTasks = 2;

// Panels from which on columns alone give enough tasks; of few strips also for that reason.
constexpr size_t OwnPanels(size_t strips) {
  return strips <= 3 * kPieceStrips ? 2 * kPiecePanels : kTasks * kPiecePanels;
}

// Copied rows are so far apart that they use all sets of the first cache.
constexpr size_t CopyStride(size_t depth) { return RoundUp(depth, 16) + 16; }
constexpr size_t AScratchFloats(const TileGeometry& tile) {
  return RoundUp(kPieceStrips * tile.rows, 16) * CopyStride(kSlice);
}

}  // namespace

struct Product::Plan {
  size_t m, n, k;
  bool wide;
  TileGeometry tile;
  size_t strips, panels;           // of C
  size_t piece;                    // strips of a step
  size_t chunk, chunks;            // of K
  size_t slice;                    // of a chunk
  size_t row_tasks, column_tasks;  // strips and panels, shared out evenly
  bool copy_a, group_a;            // group_a: strip by strip
  bool pack_b, shared_b;
  bool past;  // C goes past the caches
  bool tail;  // B is read where it lies, but for the last panel: its columns end within a vector
  size_t tasks() const { return row_tasks * column_tasks * chunks; }

  // Strips share out the rows evenly: the first m % strips of them have one more.
  size_t StripBegin(size_t strip) const {
    return strip * (m / strips) + std::min(strip, m % strips);
  }
  // Panels [p0, result) make one step.
  size_t StepEnd(size_t p0, size_t p_end) const {
    if (shared_b) return p_end;
    if (pack_b) return std::min(p_end, p0 + kPiecePanels);
    return tail && p_end == panels && p0 + 1 < panels ? panels - 1 : p_end;
  }
  bool SumsAtOnce() const { return chunks == 1 && slice >= k; }
  bool PacksOwnB(size_t p0) const { return pack_b ? !shared_b : tail && p0 + 1 == panels; }
};

// What one call of the tile computes: strips [s0, s1) x panels [p0, p1) over depth [k0, k1) of a
// task.
struct Product::Step {
  size_t task;
  size_t s_begin, s_end, p_begin, p_end, k_begin, k_end;  // the task
  size_t s0, s1, p0, p1, k0, k1;

  bool SameA(const Step& o) const { return s0 == o.s0 && s1 == o.s1 && k0 == o.k0; }
  bool SameB(const Step& o) const { return p0 == o.p0 && p1 == o.p1 && k0 == o.k0; }
  bool SameC(const Step& o) const { return s0 == o.s0 && p0 == o.p0; }
};

Product::Plan Product::MakePlan(size_t m, size_t n, size_t k) const {
  Plan p{};
  p.m = m, p.n = n, p.k = k;
  // All columns in one wide panel: each element of A is read once, where it lies.
  p.wide = !a_transposed_ && !b_transposed_ && wide_.rows != 0 && n <= wide_.panel &&
           n + wide_.lanes > wide_.panel;
  p.tile = p.wide ? wide_ : tile_;
  p.piece = p.wide ? kWidePieceStrips : kPieceStrips;
  p.strips = CeilDiv(m, p.tile.rows);
  p.panels = CeilDiv(n, p.tile.panel);
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  p.chunk = k, p.chunks = 1;
  p.row_tasks = p.column_tasks = 1;
  if (work > 2 * kTaskWork) {
    // Whether K is cut shows in the sums: it does not depend on the choice of the tile.
    if (m * n <= kSmallC && k >= 2 * kMinChunk) {
      p.chunk = std::max(kMinChunk, RoundUp(CeilDiv(k, kChunks), 64));
      p.chunks = CeilDiv(k, p.chunk);
    } else {
      const size_t most = static_cast<size_t>(work / kTaskWork);
      const size_t tasks = std::min({kTasks, most, p.strips * p.panels});
      if (p.panels >= OwnPanels(p.strips)) {
        // Each task has all rows, and packs its own part of B.
        p.column_tasks = std::max(std::min(tasks, p.panels), CeilDiv(p.panels, kPiecePanels));
      } else {
        // Blocks of rows past which all panels of B stream; of few rows, so many columns that
        // their copy of A is repaid.
        const bool many = p.panels >= 2 * kCopyPanels;
        p.row_tasks = std::min(tasks, CeilDiv(p.strips, many ? kTaskStrips : kFewStrips));
        if (many) {
          p.column_tasks = std::min(CeilDiv(tasks, p.row_tasks), p.panels / kCopyPanels);
        }
        if (p.wide && k * n > kLargeB) {
          p.row_tasks = std::min(p.row_tasks, CeilDiv(m, kWideTaskRows));
        }
      }
    }
  }
  const size_t slices = std::max<size_t>(1, CeilDiv(p.chunk, p.wide ? kWideSlice : kSlice));
  p.slice = std::max<size_t>(1, RoundUp(CeilDiv(p.chunk, slices), 4));
  p.pack_b = b_transposed_ || p.panels > kPlainPanels || (p.panels > 1 && p.strips > kPlainStrips);
  p.shared_b = p.pack_b && p.row_tasks > kOwnTasks;
  p.tail = !p.pack_b && n % p.tile.lanes != 0;
  return p;
}

Product::Product(Parallel& parallel, bool a_transposed, bool b_transposed, size_t m, size_t n,
                 size_t k)
    : parallel_(parallel),
      tile_(ActiveTileGeometry()),
      wide_(ActiveTileGeometry(/*wide=*/true)),
      a_transposed_(a_transposed),
      b_transposed_(b_transposed) {
  const size_t b_floats = kPiecePanels * tile_.panel * kSlice;
  parallel.ReserveScratch((AScratchFloats(tile_) + b_floats) * sizeof(float));
  if (m * n * k == 0) return;
  // Smaller m, n and k may be planned otherwise than the capacity: room for whatever they can need.
  const Plan plan = MakePlan(m, n, k);
  if (plan.pack_b && plan.strips > 1) {
    const size_t most = std::min(plan.panels, OwnPanels(plan.strips) - 1);
    // A small C is shared out by rows only while K is too short to be cut.
    shared_b_ = AlignedBuffer<float>(most * tile_.panel *
                                     (m * n <= kSmallC ? std::min(k, 2 * kMinChunk) : k));
  }
  if (k >= 2 * kMinChunk) slots_ = AlignedBuffer<float>(kChunks * std::min(m * n, kSmallC));
}

bool Product::SumsAtOnce(size_t m, size_t n, size_t k) const {
  return MakePlan(m, n, k).SumsAtOnce();
}

void Product::Run(size_t m, size_t n, size_t k, const ProductOperands& o) {
  if (m == 0 || n == 0) return;
  BATCHMARK_CHECK(tile_.panel == ActiveTileGeometry().panel);
  Plan plan = MakePlan(m, n, k);
  const bool same_set = (a_transposed_ ? plan.slice : plan.tile.rows) > HeldLines(o.a_row);
  const bool repaid = plan.panels >= kCopyPanels * plan.column_tasks;
  plan.copy_a =
      o.a_pending != nullptr || same_set || (!plan.wide && o.a_row >= kSpreadRow && repaid);
  plan.group_a = plan.copy_a && a_transposed_ && o.a_pending == nullptr && repaid;
  BATCHMARK_CHECK(o.sgd == nullptr || (a_transposed_ && plan.SumsAtOnce() && o.bias == nullptr &&
                                       o.act == Activation::kNone && !o.accumulate));
  const bool only_written = plan.SumsAtOnce() && !o.accumulate && o.sgd == nullptr;
  plan.past = only_written && m * n >= kPastFloats && n % tile_.lanes == 0 &&
              o.c_row % tile_.lanes == 0 &&
              reinterpret_cast<uintptr_t>(o.c) % (tile_.lanes * sizeof(float)) == 0;
  if (plan.shared_b) PackShared(plan, o);
  parallel_.For(plan.tasks(), [&](size_t task, int worker) { RunTask(plan, o, task, worker); });
  if (plan.chunks > 1) {
    const ChunkPlan rows = PlanChunks(m, m * n * plan.chunks);
    parallel_.For(rows, [&](size_t chunk, int) {
      const size_t row = rows.begin(chunk);
      MergeParts(rows.end(chunk) - row, n, slots_.data() + row * n, plan.chunks, m * n, o.bias,
                 o.act, o.accumulate, o.c + row * o.c_row, o.c_row);
    });
  }
}

// Slice by slice, so that what a step reads lies together: panels of full depth, a power of two
// apart, would fight for a few sets of the second cache.
void Product::PackShared(const Plan& plan, const ProductOperands& o) {
  BATCHMARK_CHECK(shared_b_.size() >= plan.panels * tile_.panel * plan.k);
  const size_t slices = CeilDiv(plan.k, plan.slice);
  const size_t floats = tile_.panel * plan.slice;
  const ChunkPlan cut{plan.panels, std::max<size_t>(1, kPackGrain / std::max<size_t>(1, floats))};
  parallel_.For(slices * cut.chunks(), [&](size_t chunk, int) {
    const size_t slice = chunk / cut.chunks(), group = chunk % cut.chunks();
    const size_t k = slice * plan.slice, depth = std::min(plan.slice, plan.k - k);
    const size_t j = cut.begin(group) * tile_.panel;
    const size_t columns = std::min(plan.n, cut.end(group) * tile_.panel) - j;
    float* dst = shared_b_.data() + tile_.panel * (plan.panels * k + cut.begin(group) * depth);
    if (b_transposed_) {
      PackPanelsTransposed(depth, columns, o.b + j * o.b_row + k, o.b_row, tile_.panel,
                           tile_.panel * depth, dst);
    } else {
      PackPanels(depth, columns, o.b + k * o.b_row + j, o.b_row, tile_.panel, tile_.panel * depth,
                 dst);
    }
  });
}

Product::Step Product::FirstStep(const Plan& plan, size_t task) const {
  const size_t chunk = task % plan.chunks;
  const size_t column = task / plan.chunks % plan.column_tasks;
  const size_t row = task / plan.chunks / plan.column_tasks;
  Step s{};
  s.task = task;
  s.s_begin = plan.strips * row / plan.row_tasks;
  s.s_end = plan.strips * (row + 1) / plan.row_tasks;
  s.p_begin = plan.panels * column / plan.column_tasks;
  s.p_end = plan.panels * (column + 1) / plan.column_tasks;
  s.k_begin = chunk * plan.chunk;
  s.k_end = std::min(plan.k, s.k_begin + plan.chunk);
  s.s0 = s.s_begin, s.s1 = std::min(s.s_end, s.s0 + plan.piece);
  s.p0 = s.p_begin, s.p1 = plan.StepEnd(s.p0, s.p_end);
  s.k0 = s.k_begin, s.k1 = std::min(s.k_end, s.k0 + plan.slice);
  return s;
}

// Panels, then pieces of rows, then slices of depth. False at the end of the task.
bool Product::Advance(const Plan& plan, Step& s) const {
  if (s.p1 < s.p_end) {
    s.p0 = s.p1, s.p1 = plan.StepEnd(s.p0, s.p_end);
    return true;
  }
  const Step first = FirstStep(plan, s.task);
  s.p0 = first.p0, s.p1 = first.p1;
  if (s.s1 < s.s_end) {
    s.s0 = s.s1, s.s1 = std::min(s.s_end, s.s0 + plan.piece);
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
  t.sgd = o.sgd;
  const float* const bias = in_slots ? nullptr : o.bias;
  float* const c = in_slots ? slots_.data() + task % plan.chunks * plan.m * plan.n : o.c;
  const TileStart first_start = o.accumulate && !in_slots ? TileStart::kLoad : TileStart::kBias;

  t.wide = plan.wide, t.past = plan.past;
  std::array<TileStrip, kWidePieceStrips> strips;
  Step step = FirstStep(plan, task);
  bool new_a = true, new_b = true;
  for (bool more = true; more;) {
    if (new_a) {
      const size_t group = LoadA(plan, o, step, a_scratch, t);
      const size_t row0 = plan.StripBegin(step.s0), depth = step.k1 - step.k0;
      for (size_t s = step.s0; s < step.s1; ++s) {
        const size_t row = plan.StripBegin(s);
        TileStrip& strip = strips[s - step.s0];
        strip.rows = static_cast<uint32_t>(plan.StripBegin(s + 1) - row);
        strip.segments = depth != 0;
        strip.depth = static_cast<uint32_t>(depth);
        strip.start = step.k0 == step.k_begin ? first_start : TileStart::kLoad;
        strip.finish = step.k1 == step.k_end;
        strip.a =
            static_cast<ptrdiff_t>(group != 0 ? (s - step.s0) * group : (row - row0) * t.a_row);
        strip.c = static_cast<ptrdiff_t>(row * t.c_row);
      }
    }
    const size_t j = step.p0 * plan.tile.panel;
    t.columns = std::min(plan.n, step.p1 * plan.tile.panel) - j;
    t.c = c + j;
    t.bias = bias == nullptr ? nullptr : bias + j;
    if (new_b) LoadB(plan, o, step, b_scratch, t);
    Step next = step;
    more = Advance(plan, next);
    if (!more && task + 1 < plan.tasks()) next = FirstStep(plan, task + 1);  // likely this worker's
    PrefetchNext(plan, o, step, next, t);
    RunTiles(strips.data(), step.s1 - step.s0, t);
    new_a = !next.SameA(step);
    new_b = !next.SameB(step);
    step = next;
  }
}

// A of the step: in place, or its value copied to the scratch. Returns how far apart the strips lie
// if a copy holds them one by one, else 0.
size_t Product::LoadA(const Plan& plan, const ProductOperands& o, const Step& step, float* scratch,
                      TileOperands& t) const {
  const size_t row0 = plan.StripBegin(step.s0), rows = plan.StripBegin(step.s1) - row0;
  const size_t depth = step.k1 - step.k0, strips = step.s1 - step.s0;
  if (plan.group_a) {
    const size_t group = PackedGroupFloats(depth, rows, strips);
    PackGroups(depth, rows, o.a + step.k0 * o.a_row + row0, o.a_row, strips, group, scratch);
    t.a = scratch, t.a_row = 1, t.a_depth = CeilDiv(rows, strips);
    return group;
  }
  size_t stride = o.a_row;
  if (plan.copy_a) {
    const Pending plain{.v = o.a, .positions = o.a_row, .channels = 1};
    const Pending& src = o.a_pending != nullptr ? *o.a_pending : plain;
    stride = a_transposed_ ? RoundUp(rows, 16) : CopyStride(depth);
    if (depth != 0 && a_transposed_) {
      ResolveSpans(src, step.k0, depth, row0, rows, scratch, stride);
    } else if (depth != 0) {
      ResolveSpans(src, row0, rows, step.k0, depth, scratch, stride);
    }
    t.a = scratch;
  } else {
    t.a = a_transposed_ ? o.a + step.k0 * o.a_row + row0 : o.a + row0 * o.a_row + step.k0;
  }
  t.a_row = a_transposed_ ? 1 : stride;
  t.a_depth = a_transposed_ ? stride : 1;
  return 0;
}

// B of the step: in place, in the panels that all tasks share, or in panels of the task's own.
void Product::LoadB(const Plan& plan, const ProductOperands& o, const Step& step, float* scratch,
                    TileOperands& t) const {
  const size_t j = step.p0 * plan.tile.panel, depth = step.k1 - step.k0;
  if (!plan.pack_b && !plan.PacksOwnB(step.p0)) {
    t.b = o.b + step.k0 * o.b_row + j;
    t.b_depth = o.b_row, t.b_panel = plan.tile.panel;
    return;
  }
  t.b_depth = plan.tile.panel;
  if (plan.shared_b) {
    t.b = shared_b_.data() + plan.tile.panel * (plan.panels * step.k0 + step.p0 * depth);
    t.b_panel = plan.tile.panel * depth;
    return;
  }
  t.b = scratch;
  t.b_panel = plan.tile.panel * depth;
  if (b_transposed_) {
    PackPanelsTransposed(depth, t.columns, o.b + j * o.b_row + step.k0, o.b_row, plan.tile.panel,
                         t.b_panel, scratch);
  } else {
    PackPanels(depth, t.columns, o.b + step.k0 * o.b_row + j, o.b_row, plan.tile.panel, t.b_panel,
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
  const size_t j = next.p0 * plan.tile.panel,
               columns = std::min(plan.n, next.p1 * plan.tile.panel) - j;
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
  if (plan.chunks == 1 && !plan.past && !next.SameC(step)) {
    t.prefetch[2] = {o.c + row0 * o.c_row + j, columns * kFloat, rows, o.c_row * kFloat};
  }
}

}  // namespace batchmark
