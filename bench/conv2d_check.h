// Sampled float64 checks of a convolution's results, and the tensors they look at.
#pragma once

#include <string>

#include "core/base/aligned.h"
#include "core/ops/conv2d.h"

namespace batchmark::bench {

// Operands and results of every pass over one shape.
struct ConvTensors {
  Conv2dShape shape;
  AlignedBuffer<float> src, weights, bias, dz, z;  // dz: plain gradient, or dy of the fused form
  AlignedBuffer<float> src_scale, src_shift;       // fused: src = relu(scale v + shift)
  // fused: dz = scale dy [scale z + shift > 0] + slope z + base
  AlignedBuffer<float> scale, shift, slope, base;
  AlignedBuffer<float> dst, d_src, d_weights, d_bias;
  TileMoments moments;

  Pending Source(bool fused) const;
  PendingGrad Gradient(bool fused) const;
};

// Each recomputes a few dozen outputs (a few channel pairs for weights) in float64 with the maps
// applied, and returns "" or a sentence on the first that differs.
std::string CheckForward(const ConvTensors& t, bool fused);
// The moments of dst that a forward pass gathered, one tile a sample.
std::string CheckMoments(const ConvTensors& t, const TileMoments& moments);
std::string CheckBackwardData(const ConvTensors& t, bool fused);
std::string CheckBackwardWeights(const ConvTensors& t, bool fused);

}  // namespace batchmark::bench
