// The last columns of C where they are few beyond whole vectors (100 of 16 lanes: 4): rows of C
// take the lanes, C^T = B^T A^T. The sums are the same chains over K, so the bits are those of a
// panel.
#include <algorithm>

#include "core/base/parts.h"
#include "core/ops/product.h"
#include "core/simd/gemm_pack.h"
#include "core/simd/gemm_sums.h"

namespace batchmark {

void Product::RunFew(const ProductPlan& plan, const ProductOperands& o, const ProductStep& task,
                     const Output& out, const Scratch& scratch) const {
  if (task.p_end != plan.panels) return;  // another task has the last columns
  const size_t j = plan.columns, few = plan.n - j, lanes = plan.tile.lanes;
  const size_t at_once = plan.FewRows();
  const bool transposed = form_.a_transposed && o.a_pending == nullptr;

  TileStrip strip{.rows = static_cast<uint32_t>(few), .segments = 1, .start = TileStart::kLoad};
  TileOperands t;
  t.a_row = form_.b_transposed ? o.b_row : 1;
  t.a_depth = form_.b_transposed ? 1 : o.b_row;
  t.c = scratch.sums, t.c_row = at_once, t.act = out.act;
  const size_t end = plan.rows().begin(task.s_end);
  for (size_t row = plan.rows().begin(task.s_begin), rows; row < end; row += rows) {
    rows = std::min(at_once, end - row);
    // Rows of A^T lie in place as long as whole vectors of them end within A.
    const auto inside = [&] { return row + RoundUp(rows, lanes) <= plan.m; };
    if (transposed && !inside() && rows > lanes) rows -= rows % lanes;
    float* const c = out.c + row * out.c_row + j;
    for (size_t i = 0; i < few; ++i) {
      float* const start = scratch.sums + i * at_once;
      std::fill_n(start, at_once, out.bias == nullptr ? 0.0f : out.bias[j + i]);
      for (size_t r = 0; out.accumulate && r < rows; ++r) start[r] = c[r * out.c_row + i];
    }
    t.columns = RoundUp(rows, lanes);
    for (size_t k = task.k_begin; k < task.k_end; k += plan.slice) {
      const size_t depth = std::min(plan.slice, task.k_end - k);
      strip.depth = static_cast<uint32_t>(depth);
      strip.finish = k + depth == task.k_end;
      t.a = form_.b_transposed ? o.b + j * o.b_row + k : o.b + k * o.b_row + j;
      if (transposed && inside()) {
        t.b = o.a + k * o.a_row + row, t.b_depth = o.a_row, t.b_panel = plan.tile.panel;
      } else {
        LoadFew(o, row, rows, k, depth, scratch, t);
      }
      RunTiles(&strip, 1, t);
    }
    StoreColumns(rows, few, scratch.sums, at_once, o.sgd, c, out.c_row);
  }
}

void Product::LoadFew(const ProductOperands& o, size_t row, size_t rows, size_t k, size_t depth,
                      const Scratch& scratch, TileOperands& t) const {
  const size_t panel = form_.tile.panel;
  const float* a = form_.a_transposed ? o.a + k * o.a_row + row : o.a + row * o.a_row + k;
  size_t a_row = o.a_row;
  if (o.a_pending != nullptr) {
    a = scratch.a;
    a_row = CopyA(*o.a_pending, row, rows, k, depth, scratch.a);
  }
  t.b = scratch.b, t.b_depth = panel, t.b_panel = panel * depth;
  if (form_.a_transposed) {
    PackPanels(depth, rows, a, a_row, panel, panel * depth, scratch.b);
  } else {
    PackPanelsTransposed(depth, rows, a, a_row, panel, panel * depth, scratch.b);
  }
}

}  // namespace batchmark
