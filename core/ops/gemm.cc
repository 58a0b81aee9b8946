#include "core/ops/gemm.h"

#include "core/base/aligned.h"
#include "core/base/check.h"
#include "core/ops/product.h"
#include "core/simd/gemm_pack.h"

namespace batchmark {
namespace {

constexpr size_t kTurnRows = 256;  // of A, of a turning chunk

bool Turns(GemmForm form, size_t m, size_t n, size_t k) {
  const ProductForm product{ActiveTileGeometry(), ActiveTileGeometry(/*wide=*/true),
                            form == GemmForm::kTN, form == GemmForm::kNT, Place::kAlone};
  return TurnsA(product, m, n, k);
}

}  // namespace

struct Gemm::State {
  State(Parallel& p, GemmForm f, size_t rows, size_t columns, size_t depth)
      : parallel(p),
        form(f),
        m(rows),
        n(columns),
        k(depth),
        turns(Turns(f, m, n, k)),
        turned(turns ? m * CopyStride(k) : 0),
        product(p, Place::kAlone, f == GemmForm::kTN && !turns, f == GemmForm::kNT, m, n, k) {}

  // turned(r, k) = a[k * lda + r], its rows CopyStride(k) apart.
  void TurnA(const float* a, size_t lda) {
    const ChunkPlan cut{m, kTurnRows};
    const size_t stride = CopyStride(k);
    parallel.For(cut.chunks(), [&](size_t chunk, int) {
      const size_t row = cut.begin(chunk), count = cut.end(chunk) - row;
      PackPanelsTransposed(count, k, a + row, lda, stride, count * stride,
                           turned.data() + row * stride);
    });
  }

  Parallel& parallel;
  GemmForm form;
  size_t m, n, k;
  bool turns;
  AlignedBuffer<float> turned;
  Product product;
};

Gemm::Gemm(Parallel& parallel, GemmForm form, size_t m, size_t n, size_t k)
    : state_(new State(parallel, form, m, n, k)) {}
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
  if (s.turns) {
    s.TurnA(a, lda);
    o.a = s.turned.data(), o.a_row = CopyStride(s.k);
  }
  o.b = b, o.b_row = ldb;
  o.c = c, o.c_row = ldc;
  o.accumulate = accumulate;
  s.product.Run(s.m, s.n, s.k, o);
}

}  // namespace batchmark
