// Batch norm behind a convolution of few taps, without a pass over the convolution's output.
// z = x W + b, x the patches that the convolution reads (rows r of T taps), is linear, so that over
// any rows, with m = mean of x and C = sum (x - m)(x - m)^T,
//   mean_z = b + m W     sum (z - mean_z)^2 = diag(W^T C W)     sum (x - m)(z - mean_z) = C W
// Forward: the statistics are known before the convolution, whose weights and bias then take in
// scale and shift. Backward, with g the gradient of the normalized output (dyn of batch_norm.h) and
// the sums that a weight gradient forms of it, P[t, c] = sum x_t g_c and S[c] = sum g_c:
//   sum g (z - mean_z) = sum_t W[t, c] (P - m S)[t, c]
//   dz = scale g + slope z + base:  d_bias  = sum dz     = scale S + n (slope mean_z + base)
//                                   d_W     = sum x dz   = scale (P - m S) + slope C W + m d_bias
// so that dz itself, which only a gradient with respect to x would need, is never formed.
#pragma once

#include <cstddef>
#include <vector>

#include "core/base/parallel.h"
#include "core/ops/conv2d.h"
#include "core/ops/moments.h"
#include "core/simd/patch_moments.h"

namespace batchmark {

class PatchMoments {
 public:
  // One channel of input, no padding, more than one position, and at most as many taps as outputs:
  // what the comoments cost is then at most half of the convolution.
  static bool Serves(const Conv2dShape& shape);

  PatchMoments(Parallel& parallel, const Conv2dShape& shape);

  // src [n, H, W], n <= shape.samples; weights [T, C], bias [C] as Conv2d's. out: the moments of z,
  // one tile a sample.
  void Gather(size_t n, const float* src, const float* weights, const float* bias,
              TileMoments& out);

  // Over all samples of the last Gather, merged in their order, in double. p [T, C], s [C] are P
  // and S; sums[c] = sum g (z - mean_z[c]).
  void SumGradient(const float* weights, const float* bias, const float* p, const float* s,
                   double* mean_z, double* sums);
  // p, s to d_W, d_bias, with the coefficients [C] of one statistics group; behind SumGradient.
  void MapGradient(const float* weights, const double* mean_z, const float* scale,
                   const float* slope, const float* base, float* p, float* s) const;

 private:
  Parallel& parallel_;
  PatchGrid grid_;
  size_t channels_;
  size_t samples_ = 0;              // of the last Gather
  std::vector<double> means_;       // [samples, T]
  std::vector<double> comoments_;   // [samples, T, T]
  std::vector<double> mean_, all_;  // of all samples: [T], [T, T]
};

}  // namespace batchmark
