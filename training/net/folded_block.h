// The first convolution under `pre`, with its batch norm folded into its weights in training too:
//   y = act(BN(x W + b)) = act(x (scale W) + (scale b + shift))
// since the statistics follow from the input's (core/ops/patch_moments.h). What a step then moves is
// what it moves without the norm. Without a gradient for x, backward needs dy act'(y) alone.
#pragma once

#include "core/ops/patch_moments.h"
#include "training/net/linear_block.h"

namespace batchmark {

class FoldedConvBlock : public LinearBlock<Conv2d> {
 public:
  FoldedConvBlock(Parallel& parallel, const Conv2dShape& conv, const LinearBlockShape& shape, Activation act, Norm norm,
                  double weight_decay);

  Pending Forward(const Pending& in, const Pass& pass) override;
  void Backward(const Pending& in, float* dy, float* d_in, const Pass& pass, Block* before) override;
  Take BeginSamples(float* dy, const Pass& pass) override;
  Pending Preactivation() const override { return folded_ ? Pending{} : LinearBlock::Preactivation(); }

 private:
  PendingGrad Gradient(float* dy, size_t samples) const override;

  PatchMoments patches_;
  AlignedBuffer<float> folded_weights_, folded_bias_;
  std::vector<double> mean_z_, sums_;  // of Backward, [C]
  bool folded_ = false;                // the last Forward: not where groups have statistics of their own
};

}  // namespace batchmark
