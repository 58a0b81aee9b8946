#include "core/ops/product.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/base/check.h"
#include "core/base/parts.h"
#include "core/ops/chunks.h"
#include "core/ops/pending_span.h"
#include "core/simd/gemm_pack.h"
#include "core/simd/gemm_sums.h"

namespace batchmark {
namespace {

// A C of this size is out of the caches before it is read: stored past them, it costs no read of
// what it replaces. Not where its rows are pages apart, since the lines of a tile then leave one by
// one (512 x 36864 x 64 NT, AVX2: 8 to 17 % slower than fetched and stored; 131072 x 64 x 64: 4 to
// 6 % faster).
constexpr size_t kPastFloats = size_t{1} << 23;
constexpr size_t kPastRow = 1024;
constexpr size_t kPackGrain = size_t{1} << 15;  // floats of a packing chunk

// Rows that touch are one long row: each row takes a turn of its own.
TilePrefetch FetchRange(const float* begin, size_t floats, size_t rows, size_t pitch) {
  constexpr size_t kFloat = sizeof(float);
  if (floats == pitch) return {begin, floats * rows * kFloat};
  return {begin, floats * kFloat, rows, pitch * kFloat};
}

}  // namespace

Product::Product(Parallel& parallel, Place place, bool a_transposed, bool b_transposed, size_t m,
                 size_t n, size_t k)
    : parallel_(parallel),
      form_{ActiveTileGeometry(), ActiveTileGeometry(/*wide=*/true), a_transposed, b_transposed,
            place},
      n_(n) {
  parallel.ReserveScratch(
      (AScratchFloats(form_.tile) + BScratchFloats(form_.tile) + SumsScratchFloats()) *
      sizeof(float));
  if (m * n * k == 0) return;
  const ProductPlan most = PlanProduct(form_, m, n, k);
  shared_b_ = AlignedBuffer<float>(most.MostSharedFloats());
  slots_ = AlignedBuffer<float>(most.MostSlotFloats());
}

bool Product::SumsAtOnce(size_t m, size_t n, size_t k) const {
  return PlanProduct(form_, m, n, k).SumsAtOnce();
}

ProductPlan Product::Plan(size_t m, size_t n, size_t k, size_t a_row, bool pending) const {
  ProductPlan plan = PlanProduct(form_, m, n, k, pending ? 0 : a_row);
  PlanA(form_, a_row, pending, plan);
  return plan;
}

size_t Product::Blocks(size_t m, size_t n, size_t k, size_t a_row, size_t multiple) const {
  if (m * n * k == 0) return 0;
  const ProductPlan plan = Plan(m, n, k, a_row, /*pending=*/false);
  return plan.MakesBlocks(multiple) ? plan.tasks() * plan.pieces() : 0;
}

void Product::Run(size_t m, size_t n, size_t k, const ProductOperands& o) {
  if (m == 0 || n == 0) return;
  BATCHMARK_CHECK(form_.tile.panel == ActiveTileGeometry().panel && n == n_);
  ProductPlan plan = Plan(m, n, k, o.a_row, o.a_pending != nullptr);
  BATCHMARK_CHECK(o.done == nullptr || plan.MakesBlocks(1));
  BATCHMARK_CHECK(o.sgd == nullptr ||
                  (form_.a_transposed && plan.SumsAtOnce() && o.bias == nullptr &&
                   o.act == Activation::kNone && !o.accumulate));
  const bool only_written = plan.SumsAtOnce() && !o.accumulate && o.sgd == nullptr;
  plan.past = only_written && m * n >= kPastFloats && o.c_row <= kPastRow &&
              n % form_.tile.lanes == 0 && o.c_row % form_.tile.lanes == 0 &&
              reinterpret_cast<uintptr_t>(o.c) % (form_.tile.lanes * sizeof(float)) == 0;
  if (plan.shared_b) PackShared(plan, o);
  BATCHMARK_CHECK(plan.chunks == 1 || slots_.size() >= plan.chunks * m * n);
  parallel_.For(plan.tasks(), [&](size_t task, int worker) { RunTask(plan, o, task, worker); });
  if (plan.chunks > 1) {
    const ChunkPlan rows = PlanChunks(m, m * n, plan.chunks);
    parallel_.For(rows, [&](size_t chunk, int) {
      const size_t row = rows.begin(chunk);
      MergeParts(rows.end(chunk) - row, n, slots_.data() + row * n, plan.chunks, m * n, o.bias,
                 o.act, o.accumulate, o.c + row * o.c_row, o.c_row);
    });
  }
}

// Slice by slice, so that what a step reads lies together: panels of full depth, a power of two
// apart, would fight for a few sets of the second cache.
void Product::PackShared(const ProductPlan& plan, const ProductOperands& o) {
  BATCHMARK_CHECK(shared_b_.size() >= plan.panels * form_.tile.panel * plan.k);
  const size_t slices = CeilDiv(plan.k, plan.slice);
  const size_t floats = form_.tile.panel * plan.slice;
  const ChunkPlan cut{plan.panels, std::max<size_t>(1, kPackGrain / std::max<size_t>(1, floats))};
  parallel_.For(slices * cut.chunks(), [&](size_t chunk, int) {
    const size_t slice = chunk / cut.chunks(), group = chunk % cut.chunks();
    const size_t k = slice * plan.slice, depth = std::min(plan.slice, plan.k - k);
    const size_t j = cut.begin(group) * form_.tile.panel;
    const size_t columns = std::min(plan.columns, cut.end(group) * form_.tile.panel) - j;
    PackB(o, k, depth, j, columns, form_.tile.panel,
          shared_b_.data() + form_.tile.panel * (plan.panels * k + cut.begin(group) * depth));
  });
}

void Product::PackB(const ProductOperands& o, size_t k, size_t depth, size_t j, size_t columns,
                    size_t panel, float* dst) const {
  if (form_.b_transposed) {
    PackPanelsTransposed(depth, columns, o.b + j * o.b_row + k, o.b_row, panel, panel * depth, dst);
  } else {
    PackPanels(depth, columns, o.b + k * o.b_row + j, o.b_row, panel, panel * depth, dst);
  }
}

void Product::RunTask(const ProductPlan& plan, const ProductOperands& o, size_t task, int worker) {
  float* const begin = static_cast<float*>(parallel_.Scratch(worker));
  const size_t a_floats = AScratchFloats(form_.tile), b_floats = BScratchFloats(form_.tile);
  const Scratch scratch{begin, begin + a_floats, begin + a_floats + b_floats};
  const Output out = plan.chunks == 1 ? Output{o.c, o.c_row, o.bias, o.act, o.accumulate}
                                      : Output{slots_.data() + task % plan.chunks * plan.m * plan.n,
                                               plan.n, nullptr, Activation::kNone, false};
  const TileStart first_start = out.accumulate ? TileStart::kLoad : TileStart::kBias;

  TileOperands t;
  t.c_row = out.c_row, t.act = out.act, t.sgd = o.sgd;
  t.wide = plan.wide, t.past = plan.past, t.a_spread = plan.spread_a;
  std::array<TileStrip, ProductPlan::kMostStrips> strips;
  ProductStep step = plan.FirstStep(task);
  bool new_a = true, new_b = true;
  for (bool more = true; more;) {
    if (new_a) {
      const size_t group = LoadA(plan, o, step, scratch.a, t);
      const size_t row0 = plan.rows().begin(step.s0), depth = step.k1 - step.k0;
      for (size_t s = step.s0; s < step.s1; ++s) {
        const size_t row = plan.rows().begin(s);
        TileStrip& strip = strips[s - step.s0];
        strip.rows = static_cast<uint32_t>(plan.rows().begin(s + 1) - row);
        strip.segments = depth != 0;
        strip.depth = static_cast<uint32_t>(depth);
        strip.start = step.k0 == step.k_begin ? first_start
                      : plan.hold             ? TileStart::kSums
                                              : TileStart::kLoad;
        strip.finish = step.k1 == step.k_end;
        strip.a =
            static_cast<ptrdiff_t>(group != 0 ? (s - step.s0) * group : (row - row0) * t.a_row);
        strip.c = static_cast<ptrdiff_t>(row * t.c_row);
        strip.sums = static_cast<ptrdiff_t>((s - step.s_begin) * plan.TileFloats());
      }
    }
    const size_t j = step.p0 * plan.tile.panel;
    t.columns = std::min(plan.columns, step.p1 * plan.tile.panel) - j;
    t.c = out.c + j;
    if (plan.hold) {
      t.sums_panel = (step.s_end - step.s_begin) * plan.TileFloats();
      t.sums = scratch.sums + (step.p0 - step.p_begin) * t.sums_panel;
    }
    t.bias = out.bias == nullptr ? nullptr : out.bias + j;
    if (new_b) LoadB(plan, o, step, scratch.b, t);
    ProductStep next = step;
    more = plan.Advance(next);
    if (!more && task + 1 < plan.tasks()) next = plan.FirstStep(task + 1);  // likely this worker's
    PrefetchNext(plan, o, step, next, t);
    RunTiles(strips.data(), step.s1 - step.s0, t);
    if (o.done != nullptr) {
      const size_t row = plan.rows().begin(step.s0);
      (*o.done)({task * plan.pieces() + step.s0 / plan.piece, row, plan.rows().begin(step.s1) - row,
                 j, t.columns});
    }
    new_a = !next.SameA(step);
    new_b = !next.SameB(step);
    step = next;
  }
  if (plan.columns != plan.n) RunFew(plan, o, plan.FirstStep(task), out, scratch);
}

// A of the step: in place, or its value copied to the scratch. Returns how far apart the strips lie
// if a copy holds them one by one, else 0.
size_t Product::LoadA(const ProductPlan& plan, const ProductOperands& o, const ProductStep& step,
                      float* scratch, TileOperands& t) const {
  const size_t row0 = plan.rows().begin(step.s0), rows = plan.rows().begin(step.s1) - row0;
  const size_t depth = step.k1 - step.k0, strips = step.s1 - step.s0;
  if (plan.group_a) {
    const size_t group = PackedGroupFloats(depth, rows, strips);
    PackGroups(depth, rows, o.a + step.k0 * o.a_row + row0, o.a_row, strips, group, scratch);
    t.a = scratch, t.a_row = 1, t.a_depth = PackedGroupWidth(rows, strips);
    return group;
  }
  size_t stride = o.a_row;
  if (plan.copy_a) {
    const Pending plain{.v = o.a, .positions = o.a_row, .channels = 1};
    const Pending& src = o.a_pending != nullptr ? *o.a_pending : plain;
    stride = CopyA(src, row0, rows, step.k0, depth, scratch);
    t.a = scratch;
  } else {
    t.a = form_.a_transposed ? o.a + step.k0 * o.a_row + row0 : o.a + row0 * o.a_row + step.k0;
  }
  t.a_row = form_.a_transposed ? 1 : stride;
  t.a_depth = form_.a_transposed ? stride : 1;
  return 0;
}

size_t Product::CopyA(const Pending& src, size_t row, size_t rows, size_t k, size_t depth,
                      float* to) const {
  const size_t stride = form_.a_transposed ? RoundUp(rows, 16) : CopyStride(depth);
  if (depth == 0) return stride;
  if (form_.a_transposed) {
    ResolveSpans(src, k, depth, row, rows, to, stride);
  } else {
    ResolveSpans(src, row, rows, k, depth, to, stride);
  }
  return stride;
}

const float* Product::SharedPanel(const ProductPlan& plan, const ProductStep& step) const {
  return shared_b_.data() +
         plan.tile.panel * (plan.panels * step.k0 + step.p0 * (step.k1 - step.k0));
}

// B of the step: in place, in the panels that all tasks share, or in panels of the task's own.
void Product::LoadB(const ProductPlan& plan, const ProductOperands& o, const ProductStep& step,
                    float* scratch, TileOperands& t) const {
  const size_t j = step.p0 * plan.tile.panel, depth = step.k1 - step.k0;
  if (!plan.pack_b && !plan.PacksOwnB(step.p0)) {
    t.b = o.b + step.k0 * o.b_row + j;
    t.b_depth = o.b_row, t.b_panel = plan.tile.panel;
    return;
  }
  // A last panel that is one vector wide is copied as that.
  const size_t panel =
      !plan.shared_b && t.columns <= plan.tile.lanes ? plan.tile.lanes : plan.tile.panel;
  t.b_depth = panel;
  t.b_panel = panel * depth;
  if (plan.shared_b) {
    t.b = SharedPanel(plan, step);
    return;
  }
  t.b = scratch;
  PackB(o, step.k0, depth, j, t.columns, panel, scratch);
}

// What the next step reads and writes and this one does not, and what is read behind this one.
void Product::PrefetchNext(const ProductPlan& plan, const ProductOperands& o,
                           const ProductStep& step, const ProductStep& next,
                           TileOperands& t) const {
  for (TilePrefetch& range : t.prefetch) range = {};
  if (!plan.fetch) return;
  const size_t depth = next.k1 - next.k0;
  const size_t row0 = plan.rows().begin(next.s0), rows = plan.rows().begin(next.s1) - row0;
  const size_t j = next.p0 * plan.tile.panel,
               columns = std::min(plan.columns, next.p1 * plan.tile.panel) - j;
  if (!next.SameA(step)) {
    t.prefetch[0] = form_.a_transposed
                        ? FetchRange(o.a + next.k0 * o.a_row + row0, rows, depth, o.a_row)
                        : FetchRange(o.a + row0 * o.a_row + next.k0, depth, rows, o.a_row);
  }
  if (plan.shared_b) {
    if (plan.PanelSteps() && !next.SameB(step)) {
      t.prefetch[1] = {SharedPanel(plan, next), depth * plan.tile.panel * sizeof(float)};
    }
  } else if (next.k0 != step.k0 || next.p0 != step.p0) {
    t.prefetch[1] = form_.b_transposed
                        ? FetchRange(o.b + j * o.b_row + next.k0, depth, columns, o.b_row)
                        : FetchRange(o.b + next.k0 * o.b_row + j, columns, depth, o.b_row);
  }
  if (plan.chunks == 1 && !plan.past && !plan.hold && !next.SameC(step)) {
    t.prefetch[2] = FetchRange(o.c + row0 * o.c_row + j, columns, rows, o.c_row);
  }
  if (o.beside != nullptr) {
    const size_t row = plan.rows().begin(step.s0);
    t.prefetch[3] = FetchRange(o.beside + row * o.c_row + step.p0 * plan.tile.panel, t.columns,
                               plan.rows().begin(step.s1) - row, o.c_row);
  }
}

}  // namespace batchmark
