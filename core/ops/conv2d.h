// 2-D convolution (cross-correlation, as in every framework), NHWC, stride 1, fp32.
//   forward   dst[n,y,x,o] = act(bias[o] + sum_{i,j,c} src[n, y+i-py, x+j-px, c] * weights[i,j,c,o])
//   weights   [KH, KW, Cin, Cout];  valid: py = px = 0, OH = H-KH+1;  same: py = (KH-1)/2, px = (KW-1)/2, OH = H
//   src       [n, H, W, Cin] pending: its map is applied on load; padding is zero after the map
//   backward  d_weights[i,j,c,o] = sum_{n,y,x} src[..] * dz[n,y,x,o];  d_bias[o] = sum dz
//             d_src[n,y,x,c]     = sum_{i,j,o} dz[n, y-i+py, x-j+px, o] * weights[i,j,c,o]   (w.r.t. the mapped src)
// dz is the pending gradient of the linear output, resolved on load.
// Weight gradients: partial sums over fixed runs of samples, merged in index order.
// Direct: register-blocked tiles, no im2col matrix in memory; or, where it takes less time, Winograd's minimal
// filtering (core/ops/winograd.h), with other roundings of about the same size.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "core/base/parallel.h"
#include "core/ops/moments.h"
#include "core/ops/pending.h"
#include "core/ops/place.h"

namespace batchmark {

enum class ConvAlgorithm {
  kAuto,    // Winograd's where it serves, else direct
  kDirect,  // the sums of the definition
};

struct Conv2dShape {
  size_t samples = 0;  // capacity; Forward and Backward take n <= samples
  size_t height = 0, width = 0, channels_in = 0;
  size_t kernel_h = 0, kernel_w = 0, channels_out = 0;
  bool same = false;  // zero padding that keeps H x W; else valid
  ConvAlgorithm algorithm = ConvAlgorithm::kAuto;

  size_t OutHeight() const { return same ? height : height - kernel_h + 1; }
  size_t OutWidth() const { return same ? width : width - kernel_w + 1; }
};

class Conv2d {
 public:
  // training = false leaves out the storage of Backward. CHECKs sizes > 0 and kernel <= image when valid.
  Conv2d(Parallel& parallel, const Conv2dShape& shape, bool training, Place place = Place::kAlone);
  ~Conv2d();
  Conv2d(Conv2d&&) noexcept;

  // Whether the passes over such a shape are Winograd's on the active backend.
  static bool IsWinograd(const Conv2dShape& shape);

  // moments: nullptr, or receives the moments of dst, one tile a sample (MomentTiles rule), gathered
  // while the output is still in cache.
  void Forward(size_t n, const Pending& src, const float* weights, const float* bias, Activation act,
               float* dst, TileMoments* moments);

  // Called once for each sample of d_src, complete and still in cache, by the worker that made it. Any two
  // convolutions cut n samples into the same runs; those of a run come in ascending order from one worker. A
  // vector may be read behind d_src.
  using SampleDone = std::function<void(size_t sample, float* d_src)>;

  // d_src may be null (first layer); with done, its samples then have no place but the worker's, and are gone
  // after done. d_weights, d_bias are overwritten; both may be null (data only). done may be empty, and
  // change its sample of d_src.
  void Backward(size_t n, const Pending& src, const PendingGrad& dz, const float* weights, float* d_src,
                float* d_weights, float* d_bias, const SampleDone& done = {});

  // The weight gradient by parts, from any worker, where AddsSamples says so: AddSample for each of n samples as
  // SampleDone gives them, then MergeSamples. src: as Backward's, plain; dz [OH, OW, Cout] of the one sample,
  // behind which a vector may be read.
  bool AddsSamples() const;
  void AddSample(size_t n, size_t sample, const Pending& src, const float* dz);
  void MergeSamples(size_t n, float* d_weights, float* d_bias);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace batchmark
