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

// dz = scale dyn + slope v + base of a group of `rows` rows (core/ops/batch_norm.h):
//   slope = -scale rstd d_gamma / rows,  base = -scale d_beta / rows - slope mean, from the slope
// rounded to float so that slope (v - mean) cancels where mean >> sd.
void BackwardCoefficients(size_t channels, size_t rows, const double* mean, const double* rstd,
                          const float* scale, const double* d_beta, const double* d_gamma,
                          float* slope, float* base);

}  // namespace batchmark
