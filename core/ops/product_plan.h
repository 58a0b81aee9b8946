// How a matrix product is cut: for the threads, for the caches, and which operands are copied.
// Every choice follows from (M, N, K), the product's place, the register tile and how far apart the
// rows of A are; never from the number of threads.
#pragma once

#include <cstddef>

#include "core/base/parts.h"
#include "core/ops/place.h"
#include "core/simd/gemm_tile.h"

namespace batchmark {

// What one call of the tile computes: strips [s0, s1) x panels [p0, p1) over depth [k0, k1) of a
// task.
struct ProductStep {
  size_t task;
  size_t s_begin, s_end, p_begin, p_end, k_begin, k_end;  // the task
  size_t s0, s1, p0, p1, k0, k1;

  bool SameA(const ProductStep& o) const { return s0 == o.s0 && s1 == o.s1 && k0 == o.k0; }
  bool SameB(const ProductStep& o) const { return p0 == o.p0 && p1 == o.p1 && k0 == o.k0; }
  bool SameC(const ProductStep& o) const { return s0 == o.s0 && p0 == o.p0; }
};

struct ProductPlan {
  // Of a step: strips, and panels where it packs its own (8 x 36 KiB).
  static constexpr size_t kMostStrips = 37, kMostPanels = 8;

  size_t m, n, k;
  bool wide;
  TileGeometry tile;
  size_t columns;                  // in panels; the n - columns few behind them: Product::RunFew
  size_t strips, panels;           // of C
  size_t piece;                    // strips of a step
  size_t chunk, chunks;            // of K
  size_t slice;                    // of a chunk
  size_t row_tasks, column_tasks;  // strips and panels, shared out evenly
  bool pack_b, shared_b;           // shared_b: once, for all tasks
  bool tail;   // B is read where it lies, but for the last panel: its columns end within a vector
  bool narrow;  // a few columns a task, with B of its own
  bool fetch;  // the next step's operands; else they are near already
  bool spread_a;  // A, transposed, is read where it lies though its rows are far apart: see the tile
  bool copy_a = false, group_a = false;  // group_a: strip by strip
  bool past = false;                     // C is stored past the caches
  bool hold = false;                     // sums of a task stay in its scratch from slice to slice

  size_t TileFloats() const { return tile.rows * tile.panel; }
  size_t tasks() const { return row_tasks * column_tasks * chunks; }
  EvenParts rows() const { return {m, strips}; }  // strip s has the rows of part s
  bool SumsAtOnce() const { return chunks == 1 && (slice >= k || hold); }
  bool PacksOwnB(size_t p0) const { return pack_b ? !shared_b : tail && p0 + 1 == panels; }
  // Rows, whole panels of them, whose few last columns are formed at once: a worker's scratch holds
  // their copies.
  size_t FewRows() const;

  // Whether every step of a task completes another part of C, a multiple of `multiple` columns
  // wide; tasks then have all rows, in so many pieces.
  bool MakesBlocks(size_t multiple) const;
  size_t pieces() const { return CeilDiv(strips, piece); }

  // Panels that all tasks share go one a step, each fetched while the one before it is used: what is
  // fetched too early would push others out of the second cache.
  bool PanelSteps() const;
  ProductStep FirstStep(size_t task) const;
  // Panels, then pieces of rows, then slices of depth. False at the end of the task.
  bool Advance(ProductStep& step) const;

  // Room for what this plan and that of any smaller m or k, which may be cut otherwise, can need.
  size_t MostSharedFloats() const;
  size_t MostSlotFloats() const;

 private:
  size_t StepEnd(size_t p0, size_t p_end) const;  // panels [p0, result) make one step
};

struct ProductForm {
  TileGeometry tile, wide;
  bool a_transposed, b_transposed;
  Place place = Place::kAlone;
};
// a_row: how far apart the rows of A are if they are read where they lie, else 0.
ProductPlan PlanProduct(const ProductForm& form, size_t m, size_t n, size_t k, size_t a_row = 0);
// Whether A, with rows a_row floats apart, is copied: a pending one always, the columns of one whose
// rows share a few sets of the first cache, and what lies far apart and repays it.
void PlanA(const ProductForm& form, size_t a_row, bool pending, ProductPlan& plan);
// Whether a caller with a transposed A should turn it, and form the product of what it gets.
bool TurnsA(const ProductForm& form, size_t m, size_t n, size_t k);

// Copied rows are so far apart that they use all sets of the first cache.
constexpr size_t CopyStride(size_t depth) { return RoundUp(depth, 16) + 16; }
// Of a worker: copies of the A and the B of one step.
size_t AScratchFloats(const TileGeometry& tile);
size_t BScratchFloats(const TileGeometry& tile);
// Of a worker: the sums that a task holds.
size_t SumsScratchFloats();

}  // namespace batchmark
