#include "training/net/folded_block.h"

#include <utility>

#include "core/base/check.h"

namespace batchmark {

FoldedConvBlock::FoldedConvBlock(Parallel& parallel, const Conv2dShape& conv, const LinearBlockShape& shape,
                                 Activation act, Norm norm, double weight_decay)
    : LinearBlock(parallel, Conv2d(parallel, conv, true, Place::kLayer), shape, conv.samples, act, std::move(norm),
                  Placement::kPre, weight_decay, /*descend=*/false, /*first=*/true),
      patches_(parallel, conv),
      folded_weights_(weights_.size()),
      folded_bias_(shape.channels),
      mean_z_(shape.channels),
      sums_(shape.channels) {}

Pending FoldedConvBlock::Forward(const Pending& in, const Pass& pass) {
  TileMoments* const moments = norm_->Prepare(pass);
  folded_ = in.IsPlain() && norm_->groups().count == 1;
  if (!folded_) return LinearBlock::Forward(in, pass);
  if (moments != nullptr) patches_.Gather(pass.samples, in.v, weights_.data(), bias_.data(), *moments);
  in_ = in;
  norm_->FormStatistics(pass);
  const float *scale = norm_->scale(), *shift = norm_->shift();
  const size_t channels = shape_.channels;
  for (size_t i = 0; i < weights_.size(); ++i) folded_weights_[i] = scale[i % channels] * weights_[i];
  for (size_t c = 0; c < channels; ++c) folded_bias_[c] = scale[c] * bias_[c] + shift[c];
  linear_.Forward(pass.samples, in, folded_weights_.data(), folded_bias_.data(), act_, out_.data(), nullptr);
  return PlainPending(out_.data(), shape_.positions, channels, pass.samples);
}

PendingGrad FoldedConvBlock::Gradient(float* dy, size_t samples) const {
  return folded_ ? ActivationGradient(dy, samples) : LinearBlock::Gradient(dy, samples);
}

Block::Take FoldedConvBlock::BeginSamples(float* dy, const Pass& pass) {
  return folded_ ? Begin(Gradient(dy, pass.samples)) : LinearBlock::BeginSamples(dy, pass);
}

void FoldedConvBlock::Backward(const Pending& in, float* dy, float* d_in, const Pass& pass, Block* before) {
  if (!folded_) return LinearBlock::Backward(in, dy, d_in, pass, before);
  BATCHMARK_CHECK(d_in == nullptr);  // would need dz
  LinearGradient(in, Gradient(dy, pass.samples), std::exchange(take_, Take::kNothing), nullptr, pass, nullptr);
  patches_.SumGradient(weights_.data(), bias_.data(), d_weights_.data(), d_bias_.data(), mean_z_.data(), sums_.data());
  norm_->FormGradient(d_bias_.data(), sums_.data(), mean_z_.data());
  patches_.MapGradient(weights_.data(), mean_z_.data(), norm_->scale(), norm_->slope(), norm_->base(),
                       d_weights_.data(), d_bias_.data());
}

}  // namespace batchmark
