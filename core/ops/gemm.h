// General matrix product, fp32, row-major:  C = op(A) op(B) [+ C]
//   kNN  A [M,K] lda >= K   B [K,N] ldb >= N
//   kNT  A [M,K] lda >= K   B [N,K] ldb >= K
//   kTN  A [K,M] lda >= M   B [K,N] ldb >= N
//   C [M,N] ldc >= N; must not alias A or B.
// Sums: K is cut into chunks that depend on (M,N,K) only, partial sums merge in chunk order; threads
// share M, N and whole K chunks, never a part of one. Bits do not depend on threads.
// Error: |C - float64| <= GemmTolerance(K, |A| |B|), tests/support/tolerance.h.
// K == 0 gives C = 0 (or C unchanged when accumulating). M == 0 or N == 0 is a no-op.
#pragma once

#include <cstddef>
#include <memory>

#include "core/base/parallel.h"

namespace batchmark {

enum class GemmForm { kNN, kNT, kTN };

// An operation is built once for a shape (allocates packing, slots and, of a large kTN, a turned A),
// then run many times without allocating.
class Gemm {
 public:
  Gemm(Parallel& parallel, GemmForm form, size_t m, size_t n, size_t k);
  ~Gemm();
  Gemm(Gemm&&) noexcept;

  void Run(const float* a, size_t lda, const float* b, size_t ldb, float* c, size_t ldc,
           bool accumulate = false);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace batchmark
