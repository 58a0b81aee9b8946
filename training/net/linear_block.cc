#include "training/net/linear_block.h"

#include <cmath>
#include <type_traits>
#include <utility>

#include "core/ops/batch_norm.h"
#include "core/ops/pending_span.h"
#include "training/net/folded_block.h"

namespace batchmark {

template <class Linear>
LinearBlock<Linear>::LinearBlock(Parallel& parallel, Linear linear, const LinearBlockShape& shape,
                                 size_t capacity, Activation act, std::optional<Norm> norm,
                                 Placement placement, double weight_decay, bool descend, bool first)
    : parallel_(parallel),
      linear_(std::move(linear)),
      shape_(shape),
      act_(act),
      norm_(std::move(norm)),
      placement_(norm_ ? placement : Placement::kNone),
      weight_decay_(weight_decay),
      first_(first),
      bias_(shape.channels),
      d_bias_(shape.channels),
      out_(capacity * shape.positions * shape.channels) {
  size_t weights = 1;
  for (size_t extent : shape.weight_shape) weights *= extent;
  weights_ = AlignedBuffer<float>(weights);
  if (!descend) d_weights_ = AlignedBuffer<float>(weights);
  if (placement_ == Placement::kPre && IsExponential(act)) activated_ = AlignedBuffer<float>(out_.size());
}

template <class Linear>
Pending LinearBlock<Linear>::Forward(const Pending& in, const Pass& pass) {
  in_ = in;
  const Activation epilogue = placement_ == Placement::kPre ? Activation::kNone : act_;
  TileMoments* moments = norm_ ? norm_->Prepare(pass) : nullptr;
  if constexpr (std::is_same_v<Linear, Dense>) {
    const SampleGroups groups = norm_ ? norm_->groups() : SampleGroups{.samples = pass.samples};
    linear_.Forward(pass.samples, in, weights_.data(), bias_.data(), epilogue, out_.data(), groups, moments);
  } else {
    // A convolution gathers one tile a sample, the rule of images; a 1 x 1 map follows the rule of rows.
    TileMoments* own = shape_.positions > 1 ? moments : nullptr;
    linear_.Forward(pass.samples, in, weights_.data(), bias_.data(), epilogue, out_.data(), own);
    if (moments != own) GatherMoments(parallel_, out_.data(), norm_->tiles(), *moments);
  }
  if (norm_) norm_->FormStatistics(pass);
  Pending out = Normalized(pass.samples);
  if (placement_ == Placement::kPre) out.act = act_;
  if (activated_.size() != 0) {
    Resolve(parallel_, pass.samples, out, activated_.data());
    return {.v = activated_.data(), .positions = out.positions, .channels = out.channels, .groups = out.groups};
  }
  return out;
}

template <class Linear>
PendingGrad LinearBlock<Linear>::ActivationGradient(float* dy, size_t samples) const {
  using Form = PendingGrad::Form;
  return {.form = act_ == Activation::kNone ? Form::kPlain : Form::kActivation, .dy = dy, .v = out_.data(),
          .act = act_, .positions = shape_.positions, .channels = shape_.channels, .groups = {.samples = samples},
          .own = dy};
}

template <class Linear>
PendingGrad LinearBlock<Linear>::Gradient(float* dy, size_t samples) const {
  using Form = PendingGrad::Form;
  PendingGrad grad = ActivationGradient(dy, samples);
  if (norm_) {
    grad.form = placement_ == Placement::kPre ? Form::kNormAct : Form::kActNorm;
    grad.scale = norm_->scale(), grad.shift = norm_->shift();
  }
  return grad;
}

template <class Linear>
Block::Take LinearBlock<Linear>::BeginSamples(float* dy, const Pass& pass) {
  const bool by_sample = shape_.positions > 1;  // as the norm's tiles are
  if (!by_sample || activated_.size() != 0) return take_ = Take::kNothing;
  return Begin(Gradient(dy, pass.samples));
}

template <class Linear>
Block::Take LinearBlock<Linear>::Begin(const PendingGrad& grad) {
  taken_ = grad;
  if constexpr (std::is_same_v<Linear, Conv2d>) {
    const bool wants_sums = grad.scale != nullptr;
    if (first_ && !wants_sums && in_.IsPlain() && linear_.AddsSamples()) return take_ = Take::kAll;
  }
  return take_ = grad.form == PendingGrad::Form::kPlain ? Take::kNothing : Take::kPart;
}

// With a norm, its sums over the sample; else dy times the derivative, after which nothing is pending.
template <class Linear>
void LinearBlock<Linear>::TakeSample(size_t sample, float* dy) {
  if (taken_.scale != nullptr) {
    norm_->GatherGradient(taken_, sample);
    return;
  }
  if (taken_.form != PendingGrad::Form::kPlain) {
    PendingGrad one = taken_;
    one.dy = dy, one.v += sample * one.positions * one.channels, one.groups.samples = 1;
    ResolveSamples(one, 0, 1, dy, Reach::kNear);
  }
  if constexpr (std::is_same_v<Linear, Conv2d>) {
    if (take_ == Take::kAll) linear_.AddSample(taken_.groups.samples, sample, in_, dy);
  }
}

// With a norm its sums over the block.
template <class Linear>
const float* LinearBlock<Linear>::BeginBlocks(float* dy, const Pass& pass, size_t count) {
  if (!norm_ || norm_->groups().count != 1 || activated_.size() != 0) return nullptr;
  const PendingGrad grad = Gradient(dy, pass.samples);
  if (grad.scale == nullptr) return nullptr;
  Begin(grad);
  norm_->StartBlocks(count);
  return grad.v;
}

template <class Linear>
void LinearBlock<Linear>::Backward(const Pending& in, float* dy, float* d_in, const Pass& pass, Block* before) {
  const Take take = std::exchange(take_, Take::kNothing);
  PendingGrad grad = Gradient(dy, pass.samples);
  if (activated_.size() != 0) {  // dy times the derivative now; the activation is none from here on
    const PendingGrad derivative{.form = PendingGrad::Form::kActivation, .dy = dy, .v = activated_.data(), .act = act_,
                                 .positions = grad.positions, .channels = grad.channels, .groups = grad.groups};
    Resolve(parallel_, pass.samples, derivative, dy);
    grad.act = Activation::kNone;
  }
  if (norm_) norm_->FormGradient(grad, take == Take::kPart);
  LinearGradient(in, grad, take, d_in, pass, before);
}

template <class Linear>
void LinearBlock<Linear>::LinearGradient(const Pending& in, PendingGrad grad, Take take, float* d_in, const Pass& pass,
                                         Block* before) {
  if constexpr (std::is_same_v<Linear, Dense>) {
    GradientBlocks blocks;
    const size_t count = d_in == nullptr || before == nullptr ? 0 : linear_.Blocks(pass.samples, in.channels);
    if (count != 0) blocks.beside = before->BeginBlocks(d_in, pass, count);
    if (blocks.beside != nullptr) blocks.done = [before](const MapBlock& block) { before->TakeBlock(block); };
    if (d_weights_.empty()) {
      const SgdStep sgd{.lr = pass.lr, .weight_decay = static_cast<float>(weight_decay_)};
      linear_.Descend(pass.samples, in, grad, sgd, weights_.data(), d_in, d_bias_.data(), blocks);
    } else {
      linear_.Backward(pass.samples, in, grad, weights_.data(), d_in, d_weights_.data(), d_bias_.data(),
                       blocks);
    }
  } else {
    if (take == Take::kAll) return linear_.MergeSamples(pass.samples, d_weights_.data(), d_bias_.data());
    if (take == Take::kPart && grad.scale == nullptr) grad.form = PendingGrad::Form::kPlain;
    Conv2d::SampleDone done;
    const Take taking = d_in != nullptr && before != nullptr ? before->BeginSamples(d_in, pass) : Take::kNothing;
    if (taking != Take::kNothing) done = [before](size_t sample, float* dy) { before->TakeSample(sample, dy); };
    if (taking == Take::kAll) d_in = nullptr;
    linear_.Backward(pass.samples, in, grad, weights_.data(), d_in, d_weights_.data(), d_bias_.data(), done);
  }
}

template <class Linear>
std::vector<Tensor> LinearBlock<Linear>::Tensors() {
  std::vector<Tensor> tensors = {
      {"weight", shape_.weight_shape, weights_.size(), weights_.data(), d_weights_.data(), weight_decay_},
      {"bias", {bias_.size()}, bias_.size(), bias_.data(), d_bias_.data()}};
  if (norm_) {
    for (Tensor& tensor : norm_->Tensors()) tensors.push_back(std::move(tensor));
  }
  return tensors;
}

template <class Linear>
std::string LinearBlock<Linear>::NonFinite() const {
  if (norm_ && !norm_->NonFinite().empty()) return norm_->NonFinite();
  // d_bias is the column sum of dz: one non-finite gradient anywhere shows in it.
  for (float value : d_bias_) {
    if (!std::isfinite(value)) return "gradient (d_bias)";
  }
  return "";
}

template <class Linear>
Pending LinearBlock<Linear>::Normalized(size_t samples) const {
  Pending u = PlainPending(out_.data(), shape_.positions, shape_.channels, samples);
  if (norm_) u.scale = norm_->scale(), u.shift = norm_->shift(), u.groups = norm_->groups();
  return u;
}

template <class Linear>
Pending LinearBlock<Linear>::Preactivation() const {
  return placement_ == Placement::kPre ? Normalized(norm_->groups().samples) : Pending{};
}

template class LinearBlock<Conv2d>;
template class LinearBlock<Dense>;

std::unique_ptr<Block> MakeConvBlock(Parallel& parallel, const Conv2dShape& conv, Activation act,
                                     std::optional<Norm> norm, Placement placement, double weight_decay, bool first) {
  const LinearBlockShape shape{.positions = conv.OutHeight() * conv.OutWidth(),
                               .channels = conv.channels_out,
                               .weight_shape = {conv.kernel_h, conv.kernel_w, conv.channels_in, conv.channels_out}};
  if (first && norm && placement == Placement::kPre && PatchMoments::Serves(conv)) {
    return std::make_unique<FoldedConvBlock>(parallel, conv, shape, act, *std::move(norm), weight_decay);
  }
  return std::make_unique<LinearBlock<Conv2d>>(parallel, Conv2d(parallel, conv, true, Place::kLayer), shape,
                                               conv.samples, act, std::move(norm), placement, weight_decay,
                                               /*descend=*/false, first);
}

std::unique_ptr<Block> MakeDenseBlock(Parallel& parallel, const DenseShape& dense, Activation act,
                                      std::optional<Norm> norm, Placement placement, double weight_decay,
                                      bool descend) {
  const LinearBlockShape shape{.positions = 1, .channels = dense.out, .weight_shape = {dense.in, dense.out}};
  Dense linear(parallel, dense, true);
  descend = descend && linear.CanDescend(dense.samples);
  return std::make_unique<LinearBlock<Dense>>(parallel, std::move(linear), shape, dense.samples, act,
                                              std::move(norm), placement, weight_decay, descend, /*first=*/false);
}

}  // namespace batchmark
