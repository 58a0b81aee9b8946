// Matrix products of shapes::kGemm: ours on each SIMD target, OpenBLAS and oneDNN where built.
// FLOPs = 2 M N K; minimal traffic: A and B read once, C written once.
#include <cmath>
#include <map>
#include <memory>

#include "bench/bench_util.h"
#include "bench/peers/peers.h"
#include "bench/shapes.h"
#include "core/ops/gemm.h"
#include "core/reference/reference.h"

namespace batchmark::bench {
namespace {

struct Operands {
  AlignedBuffer<float> a, b, c;
};

const char* FormName(GemmForm form) {
  return form == GemmForm::kNN ? "NN" : form == GemmForm::kNT ? "NT" : "TN";
}

// 64 elements, corners first, each against the float64 product of its row and column.
std::string Check(const shapes::NamedGemm& s, const Operands& x) {
  std::vector<double> row(s.k), column(s.k);
  for (size_t sample = 0; sample < 64; ++sample) {
    const size_t i = sample < 4 ? (sample & 1) * (s.m - 1) : sample * 7919 % s.m;
    const size_t j = sample < 4 ? (sample >> 1) * (s.n - 1) : sample * 104729 % s.n;
    double magnitudes = 0, expected = 0;
    for (size_t p = 0; p < s.k; ++p) {
      row[p] = s.form == GemmForm::kTN ? x.a[p * s.m + i] : x.a[i * s.k + p];
      column[p] = s.form == GemmForm::kNT ? x.b[j * s.k + p] : x.b[p * s.n + j];
      magnitudes += std::abs(row[p] * column[p]);
    }
    reference::Gemm(1, 1, s.k, row.data(), s.k, 1, column.data(), 1, 1, &expected);
    const std::string wrong = Mismatch("C[" + std::to_string(i) + "," + std::to_string(j) + "]",
                                       x.c[i * s.n + j], expected, SumTolerance(s.k, magnitudes));
    if (!wrong.empty()) return wrong;
  }
  return "";
}

Subject MakeSubject(const shapes::NamedGemm& s, std::shared_ptr<Operands> x,
                    std::function<void()> run) {
  x->c[0] = std::nanf("");  // a run that writes nothing is seen
  return {std::move(run),
          [s, x] { return Check(s, *x); },
          {{x->a.data(), x->a.size()}, {x->b.data(), x->b.size()}, {x->c.data(), x->c.size()}}};
}

void RegisterShape(const shapes::NamedGemm& s) {
  const auto slot = std::make_shared<std::weak_ptr<Operands>>();
  const auto operands = [s, slot] {
    return Shared(*slot, [&] {
      return Operands{RandomFloats(s.m * s.k, 1), RandomFloats(s.k * s.n, 2),
                      AlignedBuffer<float>(s.m * s.n)};
    });
  };
  Case one;
  one.name = std::string("gemm/") + FormName(s.form) + "/" + s.name;
  one.work = {2.0 * static_cast<double>(s.m * s.n) * static_cast<double>(s.k),
              4.0 * static_cast<double>(s.m * s.k + s.k * s.n),
              4.0 * static_cast<double>(s.m * s.n)};
  ForEachVariant([&](const std::string& backend, int threads) {
    one.backend = backend, one.threads = threads;
    one.make = [=] {
      const auto x = operands();
      const auto gemm = std::make_shared<Gemm>(SharedParallel(threads), s.form, s.m, s.n, s.k);
      const size_t lda = s.form == GemmForm::kTN ? s.m : s.k;
      const size_t ldb = s.form == GemmForm::kNT ? s.k : s.n;
      return MakeSubject(s, x,
                         [=] { gemm->Run(x->a.data(), lda, x->b.data(), ldb, x->c.data(), s.n); });
    };
    Register(one);
  });
  ForEachPeerVariant([&](const std::string& backend, int threads) {
    one.backend = backend, one.threads = threads;
    for (const Peer& peer : Peers()) {
      if (peer.gemm == nullptr) continue;
      one.peer = peer.name;
      one.make = [=, make = peer.gemm] {
        const auto x = operands();
        return MakeSubject(
            s, x, make(s.form, s.m, s.n, s.k, {x->a.data(), x->b.data(), x->c.data()}).run);
      };
      Register(one);
    }
  });
}

void RegisterAll() {
  for (const shapes::NamedGemm& shape : shapes::kGemm) RegisterShape(shape);
}

}  // namespace
}  // namespace batchmark::bench

BATCHMARK_BENCH_MAIN(batchmark::bench::RegisterAll)
