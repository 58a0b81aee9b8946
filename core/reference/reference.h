// The truth: every operation in float64, scalar, serial, loops in the order of the formulas, forward
// beside backward. For tests and self-checking benches only. Slow and obvious.
// Layouts as in core/ops; all arrays double, contiguous.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace batchmark::reference {

enum class Act { kNone, kRelu, kSigmoid, kTanh };

double Activate(Act act, double u);
double ActivateDerivative(Act act, double y);  // from the output y

// C[m,n] = sum_k A(m,k) B(k,n) with A(m,k) = a[m * a_rs + k * a_cs], B(k,n) = b[k * b_rs + n * b_cs].
void Gemm(size_t m, size_t n, size_t k, const double* a, size_t a_rs, size_t a_cs, const double* b,
          size_t b_rs, size_t b_cs, double* c);

struct ConvShape {
  size_t n, h, w, c_in, kh, kw, c_out;
  bool same;
  size_t out_h() const { return same ? h : h - kh + 1; }
  size_t out_w() const { return same ? w : w - kw + 1; }
};
void ConvForward(const ConvShape& s, const double* src, const double* weights, const double* bias,
                 double* dst);
void ConvBackwardData(const ConvShape& s, const double* dz, const double* weights, double* d_src);
void ConvBackwardWeights(const ConvShape& s, const double* src, const double* dz, double* d_weights,
                         double* d_bias);

// Batch norm over rows [m, c] of one statistics group (no activation).
struct BatchNormSaved {
  std::vector<double> mean, var, rstd;  // biased variance
};
BatchNormSaved BatchNormForward(size_t m, size_t c, const double* z, const double* gamma,
                                const double* beta, double eps, double* y);
void BatchNormBackward(size_t m, size_t c, const double* z, const BatchNormSaved& saved,
                       const double* gamma, const double* dy, double* dz, double* d_gamma,
                       double* d_beta);

void MaxPool2Forward(size_t n, size_t h, size_t w, size_t c, const double* src, double* dst,
                     uint8_t* arg);
void MaxPool2Backward(size_t n, size_t h, size_t w, size_t c, const double* d_dst, const uint8_t* arg,
                      double* d_src);

// Mean loss; d_logits (may be null) = (softmax - onehot) / n.
double SoftmaxCrossEntropy(size_t n, size_t classes, const double* logits, const uint8_t* labels,
                           double* d_logits);

}  // namespace batchmark::reference
