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
constexpr size_t kSmallTiles = 48;  // tiles of C below which a long K is cut

}  // namespace

struct Product::Plan {
  size_t m, n, k;
  size_t strips, panels;            // of C
  size_t chunk, chunks;             // of K
  size_t slices, slice;             // of a chunk
  size_t task_strips, task_panels;  // of a task
  size_t row_tasks, column_tasks;
  bool shared_b;
  size_t tasks() const { return row_tasks * column_tasks * chunks; }

  // Strips share out the rows evenly: the first m % strips of them have one more.
  size_t StripBegin(size_t strip) const {
    return strip * (m / strips) + std::min(strip, m % strips);
  }
};

struct Product::Task {
  size_t strip_begin, strip_end, panel_begin, panel_end, chunk;
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
  p.slices = std::max<size_t>(1, CeilDiv(p.chunk, kSlice));
  p.slice = std::max<size_t>(1, RoundUp(CeilDiv(p.chunk, p.slices), 4));
  p.row_tasks = CeilDiv(p.strips, p.task_strips);
  p.column_tasks = CeilDiv(p.panels, p.task_panels);
  p.shared_b = p.row_tasks > 1;
  return p;
}

// In place, whole vectors of B are read: its columns must be a multiple of lanes. Many columns
// would spread a slice over too many pages.
bool Product::PacksB(size_t n) const {
  return b_transposed_ || n % tile_.lanes != 0 || n > 4 * tile_.panel;
}

Product::Product(Parallel& parallel, bool a_transposed, bool b_transposed, size_t m, size_t n,
                 size_t k)
    : parallel_(parallel),
      tile_(ActiveTileGeometry()),
      a_transposed_(a_transposed),
      b_transposed_(b_transposed) {
  const size_t piece_rows = kPieceStrips * tile_.rows;
  const size_t a_floats = (kSlice + 16) * (piece_rows + 16);
  const size_t b_floats = kPiecePanels * tile_.panel * kSlice;
  parallel.ReserveScratch((a_floats + b_floats) * sizeof(float));
  // Smaller m and k may be planned otherwise than the capacity: room for whatever they can need.
  const size_t strips = CeilDiv(m, tile_.rows), panels = CeilDiv(n, tile_.panel);
  if (PacksB(n) && (strips > kPieceStrips || strips > panels)) {
    shared_b_ = AlignedBuffer<float>(panels * tile_.panel * k);
  }
  if (n > 0 && panels <= kSmallTiles && k >= 2 * kMinChunk) {
    slots_ = AlignedBuffer<float>(kChunks * std::min(m, kSmallTiles / panels * tile_.rows) * n);
  }
}

void Product::Run(size_t m, size_t n, size_t k, const ProductOperands& o) {
  if (m == 0 || n == 0) return;
  BATCHMARK_CHECK(tile_.panel == ActiveTileGeometry().panel);
  const Plan plan = MakePlan(m, n, k);
  if (PacksB(n) && plan.shared_b) PackShared(plan, o);
  parallel_.For(plan.tasks(), [&](size_t i, int worker) {
    const size_t chunk = i % plan.chunks;
    const size_t column = i / plan.chunks % plan.column_tasks;
    const size_t row = i / plan.chunks / plan.column_tasks;
    const Task task{row * plan.task_strips, std::min(plan.strips, (row + 1) * plan.task_strips),
                    column * plan.task_panels,
                    std::min(plan.panels, (column + 1) * plan.task_panels), chunk};
    RunTask(plan, o, task, worker);
  });
  if (plan.chunks > 1) {
    MergeParts(m, n, slots_.data(), plan.chunks, m * n, o.bias, o.act, o.accumulate, o.c, o.c_row);
  }
}

void Product::PackShared(const Plan& plan, const ProductOperands& o) {
  BATCHMARK_CHECK(shared_b_.size() >= plan.panels * tile_.panel * plan.k);
  const size_t stride = tile_.panel * plan.k;
  // At least 32 K elements a chunk.
  const ChunkPlan cut{plan.panels,
                      std::max<size_t>(1, (size_t{1} << 15) / std::max<size_t>(1, stride))};
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

void Product::RunTask(const Plan& plan, const ProductOperands& o, const Task& task, int worker) {
  float* const a_scratch = static_cast<float*>(parallel_.Scratch(worker));
  float* const b_scratch = a_scratch + (kSlice + 16) * (kPieceStrips * tile_.rows + 16);
  const bool pack_b = PacksB(plan.n);
  const bool own_b = pack_b && !plan.shared_b;
  // Rows whose distance is a multiple of 1 KiB fight for a few sets of the first cache; many panels
  // repay a copy as well.
  const bool pack_a = o.a_pending != nullptr || o.a_row % 256 == 0 || plan.panels > 8;
  const bool in_slots = plan.chunks > 1;

  TileOperands t;
  t.c_row = in_slots ? plan.n : o.c_row;
  float* const c = in_slots ? slots_.data() + task.chunk * plan.m * plan.n : o.c;
  t.act = in_slots ? Activation::kNone : o.act;
  const float* const bias = in_slots ? nullptr : o.bias;
  const TileStart first_start = o.accumulate && !in_slots ? TileStart::kLoad : TileStart::kBias;
  const size_t k_begin = task.chunk * plan.chunk;
  const size_t k_end = std::min(plan.k, k_begin + plan.chunk);

  std::array<TileStrip, kPieceStrips> strips;
  size_t k0 = k_begin;
  do {  // once even for k == 0: C is started
    const size_t depth = std::min(plan.slice, k_end - k0);
    const bool last = k0 + depth == k_end;
    for (size_t s0 = task.strip_begin; s0 < task.strip_end; s0 += kPieceStrips) {
      const size_t s1 = std::min(task.strip_end, s0 + kPieceStrips);
      const size_t row0 = plan.StripBegin(s0), rows = plan.StripBegin(s1) - row0;
      size_t a_row = o.a_row;
      const float* a = a_transposed_ ? o.a + k0 * o.a_row + row0 : o.a + row0 * o.a_row + k0;
      if (pack_a && depth != 0) {
        Pending plain{.v = o.a, .positions = o.a_row, .channels = 1};
        const Pending& src = o.a_pending != nullptr ? *o.a_pending : plain;
        if (a_transposed_) {
          a_row = RoundUp(rows, 16);
          ResolveSpans(src, k0, depth, row0, rows, a_scratch, a_row);
        } else {
          a_row = RoundUp(depth, 16) + 16;
          if (a_row % 256 == 0) a_row += 16;
          ResolveSpans(src, row0, rows, k0, depth, a_scratch, a_row);
        }
        a = a_scratch;
      }
      t.a = a;
      t.a_row = a_transposed_ ? 1 : a_row;
      t.a_depth = a_transposed_ ? a_row : 1;
      for (size_t s = s0; s < s1; ++s) {
        TileStrip& strip = strips[s - s0];
        const size_t row = plan.StripBegin(s);
        strip.rows = static_cast<uint32_t>(plan.StripBegin(s + 1) - row);
        strip.segments = depth != 0;
        strip.depth = static_cast<uint32_t>(depth);
        strip.start = k0 == k_begin ? first_start : TileStart::kLoad;
        strip.finish = last;
        strip.a = static_cast<ptrdiff_t>((row - row0) * (a_transposed_ ? 1 : a_row));
        strip.c = static_cast<ptrdiff_t>(row * t.c_row);
      }
      const size_t step = own_b ? kPiecePanels : task.panel_end - task.panel_begin;
      for (size_t p0 = task.panel_begin; p0 < task.panel_end; p0 += step) {
        const size_t p1 = std::min(task.panel_end, p0 + step);
        const size_t j = p0 * tile_.panel;
        t.columns = std::min(plan.n, p1 * tile_.panel) - j;
        t.c = c + j;
        t.bias = bias == nullptr ? nullptr : bias + j;
        if (!pack_b) {
          t.b = o.b + k0 * o.b_row + j;
          t.b_depth = o.b_row, t.b_panel = tile_.panel;
        } else if (!own_b) {
          t.b = shared_b_.data() + p0 * tile_.panel * plan.k + k0 * tile_.panel;
          t.b_depth = tile_.panel, t.b_panel = tile_.panel * plan.k;
        } else {
          t.b = b_scratch;
          t.b_depth = tile_.panel, t.b_panel = tile_.panel * depth;
          if (b_transposed_) {
            PackPanelsTransposed(depth, t.columns, o.b + j * o.b_row + k0, o.b_row, tile_.panel,
                                 t.b_panel, b_scratch);
          } else {
            PackPanels(depth, t.columns, o.b + k0 * o.b_row + j, o.b_row, tile_.panel, t.b_panel,
                       b_scratch);
          }
        }
        RunTiles(strips.data(), s1 - s0, t);
      }
    }
    k0 += depth;
  } while (k0 < k_end);
}

}  // namespace batchmark
