// Moments of the patches that a convolution reads, and what they tell of its output before it is
// formed: z = x W + b is linear, so that its mean and spread follow from those of x. Loops only.
#pragma once

#include <cstddef>

namespace batchmark {

// Patches of an image of one channel: a kernel at every position where it lies inside.
//   x_t(y, x) = image[y + i, x + j],  t = i * kernel_w + j < taps,  (y, x) < (out_h, out_w)
struct PatchGrid {
  size_t image_h, image_w, kernel_h, kernel_w;
  size_t out_h() const { return image_h - kernel_h + 1; }
  size_t out_w() const { return image_w - kernel_w + 1; }
  size_t taps() const { return kernel_h * kernel_w; }
  size_t positions() const { return out_h() * out_w(); }
};
inline constexpr size_t kMostTaps = 25;

// Over the positions of one image, for taps t, u <= kMostTaps:
//   mean[t] = sum x_t / positions     comoments[t * taps + u] = sum (x_t - mean[t]) (x_u - mean[u])
// Deviations are taken from the image's mean, so that mean >> sd costs nothing; floats are summed
// over at most 64 vectors and handed on to doubles.
void ImagePatchMoments(const PatchGrid& grid, const float* image, double* mean, double* comoments);

// Moments of z_c = bias[c] + sum_t x_t weights[t, c] from those of x:
//   mean_z[c] = bias[c] + sum_t mean[t] weights[t, c]
//   m2_z[c]   = sum_{t, u} weights[t, c] comoments[t, u] weights[u, c], not below zero; NaN stays
void LinearMoments(size_t taps, size_t channels, const double* mean, const double* comoments,
                   const float* weights, const float* bias, double* mean_z, double* m2_z);

}  // namespace batchmark
