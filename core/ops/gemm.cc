#include "core/ops/gemm.h"

#include "core/base/check.h"
#include "core/ops/product.h"

namespace batchmark {

struct Gemm::State {
  GemmForm form;
  size_t m, n, k;
  Product product;
};

Gemm::Gemm(Parallel& parallel, GemmForm form, size_t m, size_t n, size_t k)
    : state_(new State{form, m, n, k,
                       Product(parallel, Place::kAlone, form == GemmForm::kTN,
                               form == GemmForm::kNT, m, n, k)}) {}
Gemm::~Gemm() = default;
Gemm::Gemm(Gemm&&) noexcept = default;

void Gemm::Run(const float* a, size_t lda, const float* b, size_t ldb, float* c, size_t ldc,
               bool accumulate) {
  State& s = *state_;
  BATCHMARK_CHECK(lda >= (s.form == GemmForm::kTN ? s.m : s.k));
  BATCHMARK_CHECK(ldb >= (s.form == GemmForm::kNT ? s.k : s.n));
  BATCHMARK_CHECK(ldc >= s.n);
  ProductOperands o;
  o.a = a, o.a_row = lda;
  o.b = b, o.b_row = ldb;
  o.c = c, o.c_row = ldc;
  o.accumulate = accumulate;
  s.product.Run(s.m, s.n, s.k, o);
}

}  // namespace batchmark
