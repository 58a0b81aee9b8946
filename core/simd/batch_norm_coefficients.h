// What batch norm applies, made of merged sums: one number a channel, in double until it is stored.
#pragma once

#include <cstddef>

namespace batchmark {

// rstd = 1 / sqrt(var + eps),  scale = gamma rstd,  shift = beta - mean scale, from the scale
// rounded to float so that scale * mean cancels where mean >> sd. mean, var, rstd [channels]
// double.
void NormalizeCoefficients(size_t channels, const double* mean, const double* var,
                           const float* gamma, const float* beta, double eps, double* rstd,
                           float* scale, float* shift);

// dz = c1 dyn + c2 v + c3 of a group of `rows` rows (core/ops/batch_norm.h):
//   c1 = gamma rstd,  c2 = -c1 rstd d_gamma / rows,  c3 = -c1 d_beta / rows - c2 mean
void BackwardCoefficients(size_t channels, size_t rows, const double* mean, const double* rstd,
                          const float* gamma, const double* d_beta, const double* d_gamma,
                          float* c1, float* c2, float* c3);

}  // namespace batchmark
