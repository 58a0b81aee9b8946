// The blocked, threaded matrix product behind Gemm and Dense:
//   C = act(bias + op(A) op(B)) [+ C]         C [M, N]; A may be pending, formed as it is copied
// Loops, from outside: tasks (blocks of C, or chunks of K) / slices of K / pieces of rows / panels
// of B / strips of rows. A is read where it lies, if the caches hold what a strip reads of it (see
// PlanA). Blocks of C are shared out by the thread scheduler; the cut never depends on the number of
// threads.
//
// Sums: an element of C is one chain over all of K. Between slices a task holds its sums in its
// scratch; those of a task too large for that, or of a wide tile, go through C. Only when C is small
// and K long is K cut into chunks with a slot each, merged in chunk order.
#pragma once

#include <cstddef>
#include <functional>

#include "core/base/aligned.h"
#include "core/base/parallel.h"
#include "core/ops/pending.h"
#include "core/ops/product_plan.h"
#include "core/simd/gemm_tile.h"

namespace batchmark {

// A part of C whose sums are complete.
struct ProductBlock {
  size_t index;  // of Product::Blocks
  size_t row, rows, column, columns;
};

struct ProductOperands {
  // A(r, k) = a[r * a_row + k], or a[k * a_row + r] when a_transposed; or of a pending tensor with
  // samples as rows (a_row = positions * channels).
  const float* a = nullptr;
  const Pending* a_pending = nullptr;
  size_t a_row = 0;
  const float* b = nullptr;  // B(k, j) = b[k * b_row + j], or b[j * b_row + k] when b_transposed
  size_t b_row = 0;
  float* c = nullptr;
  size_t c_row = 0;
  const float* bias = nullptr;
  Activation act = Activation::kNone;
  bool accumulate = false;  // not with bias or act
  // C holds weights whose gradient the sums are: they take the step instead. With a_transposed and
  // SumsAtOnce, without bias, act or accumulate.
  const SgdStep* sgd = nullptr;
  // Null, or called for each of Product::Blocks, which must not be 0, while it lies in the caches
  // of the worker that made it.
  const std::function<void(const ProductBlock&)>* done = nullptr;
  const float* beside = nullptr;  // null, or what done reads beside C: stored as C, fetched with it
};

class Product {
 public:
  // Run takes any m and k up to these, and this n.
  Product(Parallel& parallel, Place place, bool a_transposed, bool b_transposed, size_t m,
          size_t n, size_t k);

  void Run(size_t m, size_t n, size_t k, const ProductOperands& operands);

  // Whether the sums of a tile are complete before any of them is written to C.
  bool SumsAtOnce(size_t m, size_t n, size_t k) const;

  // How many blocks C is made of, each at once, of `multiple` columns or a multiple of that; 0:
  // parts of C are complete in another way, and `done` cannot tell. A plain, a_row apart.
  size_t Blocks(size_t m, size_t n, size_t k, size_t a_row, size_t multiple) const;

 private:
  // Where a task's sums go, C or its slot, and what is done to them there.
  struct Output {
    float* c;
    size_t c_row;
    const float* bias;
    Activation act;
    bool accumulate;
  };
  // Of a worker: for copies of A and of B, and for the sums that a task holds.
  struct Scratch {
    float *a, *b, *sums;
  };

  ProductPlan Plan(size_t m, size_t n, size_t k, size_t a_row, bool pending) const;
  void PackShared(const ProductPlan& plan, const ProductOperands& operands);
  // Rows [k, k + depth) and columns [j, j + columns) of op(B) as panels.
  void PackB(const ProductOperands& operands, size_t k, size_t depth, size_t j, size_t columns,
             size_t panel, float* dst) const;
  void RunTask(const ProductPlan& plan, const ProductOperands& operands, size_t task, int worker);
  size_t LoadA(const ProductPlan& plan, const ProductOperands& operands, const ProductStep& step,
               float* scratch, TileOperands& tile) const;
  // The value of rows [row, row + rows) and depth [k, k + depth) of A, stored as A is; returns the
  // distance of its rows.
  size_t CopyA(const Pending& src, size_t row, size_t rows, size_t k, size_t depth,
               float* to) const;
  const float* SharedPanel(const ProductPlan& plan, const ProductStep& step) const;
  void LoadB(const ProductPlan& plan, const ProductOperands& operands, const ProductStep& step,
             float* scratch, TileOperands& tile) const;
  // The columns of the task that are in no panel.
  void RunFew(const ProductPlan& plan, const ProductOperands& operands, const ProductStep& task,
              const Output& out, const Scratch& scratch) const;
  // A^T of rows [row, row + rows) and depth [k, k + depth), copied as the tile's B.
  void LoadFew(const ProductOperands& operands, size_t row, size_t rows, size_t k, size_t depth,
               const Scratch& scratch, TileOperands& tile) const;
  void PrefetchNext(const ProductPlan& plan, const ProductOperands& operands,
                    const ProductStep& step, const ProductStep& next, TileOperands& tile) const;

  Parallel& parallel_;
  ProductForm form_;
  size_t n_;
  AlignedBuffer<float> shared_b_;  // all of B in panels, when several tasks use each
  AlignedBuffer<float> slots_;     // [chunks of K, M, N]
};

}  // namespace batchmark
