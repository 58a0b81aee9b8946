// OpenBLAS: products only.
#include <cblas.h>

#include <cstring>

#include "bench/peers/peers.h"
#include "core/simd/backend.h"

namespace batchmark::bench {
namespace {

std::string Version() {
  // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...": the second word.
  const std::string config = openblas_get_config();
  const size_t begin = config.find(' ') + 1;
  return config.substr(begin, config.find(' ', begin) - begin) + " (" + openblas_get_corename() +
         ")";
}

PeerCall MakeGemm(GemmForm form, size_t m, size_t n, size_t k, const GemmOperands& operands) {
  const auto M = static_cast<blasint>(m), N = static_cast<blasint>(n), K = static_cast<blasint>(k);
  const CBLAS_TRANSPOSE trans_a = form == GemmForm::kTN ? CblasTrans : CblasNoTrans;
  const CBLAS_TRANSPOSE trans_b = form == GemmForm::kNT ? CblasTrans : CblasNoTrans;
  const blasint lda = form == GemmForm::kTN ? M : K;
  const blasint ldb = form == GemmForm::kNT ? K : N;
  return {[=] {
            cblas_sgemm(CblasRowMajor, trans_a, trans_b, M, N, K, 1.0f, operands.a, lda, operands.b,
                        ldb, 0.0f, operands.c, N);
          },
          nullptr};
}

}  // namespace

const char* OpenBlasWantedCore() {
  const std::string core = openblas_get_corename();
  const bool sse_only =
      core == "Prescott" || core == "Core2" || core == "Penryn" || core == "Nehalem";
  if (!sse_only) return nullptr;
  const std::string best = BackendNames().front();
  return best == "avx3" ? "SKYLAKEX" : best == "avx2" ? "HASWELL" : nullptr;
}

Peer OpenBlasPeer() {
  return {"openblas", Version(), [](int threads) { openblas_set_num_threads(threads); },
          MakeGemm,   nullptr,   nullptr};
}

}  // namespace batchmark::bench
