// Fully connected layer on the GEMM tile.
//   forward   dst[s,o] = act(bias[o] + sum_i src[s,i] * weights[i,o])
//   backward  d_weights = src^T dz;  d_bias = column sums of dz;  d_src = dz weights^T
//   descend   backward, and weights -= lr (d_weights + weight_decay weights), with d_weights never in memory
// src [n, in] pending; for a flattened image in = positions * channels of the pending map.
// weights [in, out]. Same contract as Conv2d otherwise.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "core/base/parallel.h"
#include "core/ops/moments.h"
#include "core/ops/pending.h"
#include "core/simd/gemm_tile.h"

namespace batchmark {

struct DenseShape {
  size_t samples = 0;  // capacity
  size_t in = 0, out = 0;
};

// Who wants d_src block by block: done is called for each of Dense::Blocks, complete and still in cache, by the worker
// that made it. beside: null, or what done reads beside d_src, stored as that and fetched with it.
struct GradientBlocks {
  std::function<void(const MapBlock& block)> done;
  const float* beside = nullptr;
};

class Dense {
 public:
  Dense(Parallel& parallel, const DenseShape& shape, bool training);
  ~Dense();
  Dense(Dense&&) noexcept;

  // moments: nullptr, or receives the moments of dst over MomentTiles(groups, 1).
  void Forward(size_t n, const Pending& src, const float* weights, const float* bias, Activation act,
               float* dst, const SampleGroups& groups, TileMoments* moments);
  void Backward(size_t n, const Pending& src, const PendingGrad& dz, const float* weights, float* d_src,
                float* d_weights, float* d_bias, const GradientBlocks& blocks = {});

  // How many blocks d_src of n samples is made of, a map of `channels` channels; 0: it is made in another way, and
  // blocks must be empty.
  size_t Blocks(size_t n, size_t channels) const;

  // Backward and SgdUpdate without momentum (pointwise.h) in one, same bits; d_src is of the weights before
  // the step. CHECKs CanDescend(n).
  void Descend(size_t n, const Pending& src, const PendingGrad& dz, const SgdStep& sgd, float* weights,
               float* d_src, float* d_bias, const GradientBlocks& blocks = {});
  bool CanDescend(size_t n) const;  // up to some hundreds of samples

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace batchmark
