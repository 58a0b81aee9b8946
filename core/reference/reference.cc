// Loops in the order of the formulas; nothing here is clever. libm is allowed: this is the truth,
// not the product.
#include "core/reference/reference.h"

#include <cmath>

namespace batchmark::reference {

double Activate(Act act, double u) {
  switch (act) {
    case Act::kNone:
      return u;
    case Act::kRelu:
      return u <= 0.0 ? 0.0 : u;  // NaN stays
    case Act::kSigmoid:
      return 1.0 / (1.0 + std::exp(-u));
    case Act::kTanh:
      return std::tanh(u);
  }
  return u;
}

double ActivateDerivative(Act act, double y) {
  switch (act) {
    case Act::kNone:
      return 1.0;
    case Act::kRelu:
      return y <= 0.0 ? 0.0 : 1.0;
    case Act::kSigmoid:
      return y * (1.0 - y);
    case Act::kTanh:
      return 1.0 - y * y;
  }
  return 1.0;
}

void Gemm(size_t m, size_t n, size_t k, const double* a, size_t a_rs, size_t a_cs, const double* b,
          size_t b_rs, size_t b_cs, double* c) {
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < n; ++j) {
      double sum = 0.0;
      for (size_t l = 0; l < k; ++l) sum += a[i * a_rs + l * a_cs] * b[l * b_rs + j * b_cs];
      c[i * n + j] = sum;
    }
  }
}

namespace {

// Calls body(output pixel, input pixel, tap) for each output pixel (n, y, x) and each weight (i, j)
// that meets a pixel of the image, (y + i - py, x + j - px); tap = i * KW + j.
template <class Body>
void ForEachTap(const ConvShape& s, const Body& body) {
  const size_t py = s.same ? (s.kh - 1) / 2 : 0;
  const size_t px = s.same ? (s.kw - 1) / 2 : 0;
  for (size_t n = 0; n < s.n; ++n) {
    for (size_t y = 0; y < s.out_h(); ++y) {
      for (size_t x = 0; x < s.out_w(); ++x) {
        for (size_t i = 0; i < s.kh; ++i) {
          for (size_t j = 0; j < s.kw; ++j) {
            if (y + i < py || y + i - py >= s.h || x + j < px || x + j - px >= s.w) continue;
            body((n * s.out_h() + y) * s.out_w() + x, (n * s.h + y + i - py) * s.w + x + j - px,
                 i * s.kw + j);
          }
        }
      }
    }
  }
}

}  // namespace

void ConvForward(const ConvShape& s, const double* src, const double* weights, const double* bias,
                 double* dst) {
  const size_t pixels = s.n * s.out_h() * s.out_w();
  for (size_t p = 0; p < pixels; ++p) {
    for (size_t o = 0; o < s.c_out; ++o) dst[p * s.c_out + o] = bias == nullptr ? 0.0 : bias[o];
  }
  ForEachTap(s, [&](size_t out, size_t in, size_t tap) {
    for (size_t c = 0; c < s.c_in; ++c) {
      for (size_t o = 0; o < s.c_out; ++o) {
        dst[out * s.c_out + o] += src[in * s.c_in + c] * weights[(tap * s.c_in + c) * s.c_out + o];
      }
    }
  });
}

void ConvBackwardData(const ConvShape& s, const double* dz, const double* weights, double* d_src) {
  for (size_t i = 0; i < s.n * s.h * s.w * s.c_in; ++i) d_src[i] = 0.0;
  ForEachTap(s, [&](size_t out, size_t in, size_t tap) {
    for (size_t c = 0; c < s.c_in; ++c) {
      for (size_t o = 0; o < s.c_out; ++o) {
        d_src[in * s.c_in + c] += dz[out * s.c_out + o] * weights[(tap * s.c_in + c) * s.c_out + o];
      }
    }
  });
}

void ConvBackwardWeights(const ConvShape& s, const double* src, const double* dz, double* d_weights,
                         double* d_bias) {
  for (size_t i = 0; i < s.kh * s.kw * s.c_in * s.c_out; ++i) d_weights[i] = 0.0;
  ForEachTap(s, [&](size_t out, size_t in, size_t tap) {
    for (size_t c = 0; c < s.c_in; ++c) {
      for (size_t o = 0; o < s.c_out; ++o) {
        d_weights[(tap * s.c_in + c) * s.c_out + o] += src[in * s.c_in + c] * dz[out * s.c_out + o];
      }
    }
  });
  if (d_bias == nullptr) return;
  for (size_t o = 0; o < s.c_out; ++o) d_bias[o] = 0.0;
  for (size_t p = 0; p < s.n * s.out_h() * s.out_w(); ++p) {
    for (size_t o = 0; o < s.c_out; ++o) d_bias[o] += dz[p * s.c_out + o];
  }
}

BatchNormSaved BatchNormForward(size_t m, size_t c, const double* z, const double* gamma,
                                const double* beta, double eps, double* y) {
  BatchNormSaved saved;
  saved.mean.assign(c, 0.0);
  saved.var.assign(c, 0.0);
  saved.rstd.assign(c, 0.0);
  for (size_t k = 0; k < c; ++k) {
    for (size_t r = 0; r < m; ++r) saved.mean[k] += z[r * c + k];
    saved.mean[k] /= static_cast<double>(m);
    for (size_t r = 0; r < m; ++r) {
      const double d = z[r * c + k] - saved.mean[k];
      saved.var[k] += d * d;
    }
    saved.var[k] /= static_cast<double>(m);
    saved.rstd[k] = 1.0 / std::sqrt(saved.var[k] + eps);
    for (size_t r = 0; r < m; ++r) {
      y[r * c + k] = gamma[k] * (z[r * c + k] - saved.mean[k]) * saved.rstd[k] + beta[k];
    }
  }
  return saved;
}

void BatchNormBackward(size_t m, size_t c, const double* z, const BatchNormSaved& saved,
                       const double* gamma, const double* dy, double* dz, double* d_gamma,
                       double* d_beta) {
  const double rows = static_cast<double>(m);
  for (size_t k = 0; k < c; ++k) {
    d_beta[k] = d_gamma[k] = 0.0;
    for (size_t r = 0; r < m; ++r) {
      const double xhat = (z[r * c + k] - saved.mean[k]) * saved.rstd[k];
      d_beta[k] += dy[r * c + k];
      d_gamma[k] += dy[r * c + k] * xhat;
    }
    for (size_t r = 0; r < m; ++r) {
      const double xhat = (z[r * c + k] - saved.mean[k]) * saved.rstd[k];
      dz[r * c + k] =
          gamma[k] * saved.rstd[k] * (dy[r * c + k] - d_beta[k] / rows - xhat * d_gamma[k] / rows);
    }
  }
}

void MaxPool2Forward(size_t n, size_t h, size_t w, size_t c, const double* src, double* dst,
                     uint8_t* arg) {
  const size_t oh = h / 2, ow = w / 2;
  for (size_t s = 0; s < n; ++s) {
    for (size_t y = 0; y < oh; ++y) {
      for (size_t x = 0; x < ow; ++x) {
        for (size_t k = 0; k < c; ++k) {
          double best = 0.0;
          uint8_t best_arg = 0;
          for (size_t i = 0; i < 4; ++i) {
            const double v = src[((s * h + 2 * y + i / 2) * w + 2 * x + i % 2) * c + k];
            // The first maximum; a NaN beats every number and the first NaN stays.
            if (i == 0 || v > best || (std::isnan(v) && !std::isnan(best))) {
              best = v;
              best_arg = static_cast<uint8_t>(i);
            }
          }
          const size_t out = ((s * oh + y) * ow + x) * c + k;
          dst[out] = best;
          arg[out] = best_arg;
        }
      }
    }
  }
}

void MaxPool2Backward(size_t n, size_t h, size_t w, size_t c, const double* d_dst,
                      const uint8_t* arg, double* d_src) {
  const size_t oh = h / 2, ow = w / 2;
  for (size_t i = 0; i < n * h * w * c; ++i) d_src[i] = 0.0;
  for (size_t s = 0; s < n; ++s) {
    for (size_t y = 0; y < oh; ++y) {
      for (size_t x = 0; x < ow; ++x) {
        for (size_t k = 0; k < c; ++k) {
          const size_t out = ((s * oh + y) * ow + x) * c + k;
          const size_t i = arg[out];
          d_src[((s * h + 2 * y + i / 2) * w + 2 * x + i % 2) * c + k] = d_dst[out];
        }
      }
    }
  }
}

double SoftmaxCrossEntropy(size_t n, size_t classes, const double* logits, const uint8_t* labels,
                           double* d_logits) {
  double total = 0.0;
  for (size_t s = 0; s < n; ++s) {
    const double* row = logits + s * classes;
    double largest = row[0];
    for (size_t k = 1; k < classes; ++k) largest = row[k] > largest ? row[k] : largest;
    double sum = 0.0;
    for (size_t k = 0; k < classes; ++k) sum += std::exp(row[k] - largest);
    total += std::log(sum) + largest - row[labels[s]];
    if (d_logits == nullptr) continue;
    for (size_t k = 0; k < classes; ++k) {
      const double p = std::exp(row[k] - largest) / sum;
      d_logits[s * classes + k] = (p - (k == labels[s] ? 1.0 : 0.0)) / static_cast<double>(n);
    }
  }
  return total / static_cast<double>(n);
}

}  // namespace batchmark::reference
