// Linear (conv or dense) + Norm + Activation, the order given by the placement:
//   none  y = act(linear(x) + bias)                      activation in the linear op's epilogue
//   pre   y = act(BN(linear(x) + bias))                  BN and activation pending, applied by the consumer
//   post  y = BN(act(linear(x) + bias))                  activation in the epilogue, BN pending
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/base/aligned.h"
#include "core/ops/conv2d.h"
#include "core/ops/dense.h"
#include "training/net/block.h"
#include "training/net/norm.h"

namespace batchmark {

struct LinearBlockShape {
  size_t positions = 1;  // of the output
  size_t channels = 0;   // of the output
  std::vector<size_t> weight_shape;
};

template <class Linear>  // Conv2d or Dense
class LinearBlock : public Block {
 public:
  LinearBlock(Parallel& parallel, Linear linear, const LinearBlockShape& shape, size_t capacity, Activation act,
              std::optional<Norm> norm, Placement placement, double weight_decay, bool descend, bool first);

  Pending Forward(const Pending& in, const Pass& pass) override;
  void Backward(const Pending& in, float* dy, float* d_in, const Pass& pass, Block* before) override;
  Take BeginSamples(float* dy, const Pass& pass) override;
  void TakeSample(size_t sample, float* dy) override;
  const float* BeginBlocks(float* dy, const Pass& pass, size_t count) override;
  void TakeBlock(const MapBlock& block) override { norm_->GatherGradient(taken_, block); }
  std::vector<Tensor> Tensors() override;
  std::string NonFinite() const override;
  Pending Preactivation() const override;
  const Norm* norm() const override { return norm_ ? &*norm_ : nullptr; }
  void StartGather() override {
    if (norm_) norm_->StartGather();
  }
  void FinishGather() override {
    if (norm_) norm_->FinishGather();
  }

 protected:
  // The gradient of the linear output but for what the norm's sums decide.
  virtual PendingGrad Gradient(float* dy, size_t samples) const;
  // The same where act(z) was stored, without a norm behind it.
  PendingGrad ActivationGradient(float* dy, size_t samples) const;
  // What BeginSamples does where dy's gradient is `grad`.
  Take Begin(const PendingGrad& grad);
  // The linear op's gradients against `grad`, of whose samples `take` has been taken.
  void LinearGradient(const Pending& in, PendingGrad grad, Take take, float* d_in, const Pass& pass, Block* before);
  // What the linear op stored in the last Forward, and the norm's map of it; under pre the activation's input.
  Pending Normalized(size_t samples) const;

  Parallel& parallel_;
  Linear linear_;
  LinearBlockShape shape_;
  Activation act_;
  std::optional<Norm> norm_;
  Placement placement_;
  double weight_decay_;
  bool first_;  // nobody wants a gradient for the input
  AlignedBuffer<float> weights_, bias_, d_bias_;
  AlignedBuffer<float> d_weights_;  // empty: Backward updates the weights
  AlignedBuffer<float> out_;  // [capacity, positions, channels]: what the linear op stored
  // The same shape, under `pre` with an exponential in the activation: y itself. Left pending, y would
  // be formed four times (by the consumer, by its weight gradient and twice for the derivative); an
  // exponential costs more than the memory it saves.
  AlignedBuffer<float> activated_;
  Take take_ = Take::kNothing;  // of the samples of the next Backward's dy
  PendingGrad taken_;           // their gradient
  Pending in_;                  // of the last Forward
};

// first: no block in front wants a gradient.
std::unique_ptr<Block> MakeConvBlock(Parallel& parallel, const Conv2dShape& conv, Activation act,
                                     std::optional<Norm> norm, Placement placement, double weight_decay, bool first);
std::unique_ptr<Block> MakeDenseBlock(Parallel& parallel, const DenseShape& dense, Activation act,
                                      std::optional<Norm> norm, Placement placement, double weight_decay,
                                      bool descend);

}  // namespace batchmark
