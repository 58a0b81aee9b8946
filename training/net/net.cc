#include "training/net/net.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "training/net/linear_block.h"
#include "training/net/shape_blocks.h"

namespace batchmark {
namespace {

// init = glorot[*s] | he[*s] (both uniform) | normal:sd. Sources: Glorot & Bengio 2010; He et al. 2015.
struct Initializer {
  enum class Kind { kGlorot, kHe, kNormal } kind;
  double factor = 1.0;  // s, or sd

  double Draw(const Rng& rng, uint64_t index, double fan_in, double fan_out) const {
    if (kind == Kind::kNormal) return factor * rng.Normal(index);
    const double limit = std::sqrt(6.0 / (kind == Kind::kHe ? fan_in : fan_in + fan_out));
    return factor * limit * (2.0 * rng.Uniform(index) - 1.0);
  }
};

Initializer ParseInitializer(const std::string& text) {
  const auto number_after = [&](size_t prefix) -> std::optional<double> {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data() + prefix, text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if (!std::isfinite(value) || value < 0.0) return std::nullopt;
    return value;
  };
  using Kind = Initializer::Kind;
  for (const auto& [name, kind] : {std::pair{std::string("glorot"), Kind::kGlorot}, {std::string("he"), Kind::kHe}}) {
    if (text == name) return {kind, 1.0};
    if (text.rfind(name + "*", 0) == 0) {
      if (const auto s = number_after(name.size() + 1)) return {kind, *s};
    }
  }
  if (text.rfind("normal:", 0) == 0) {
    if (const auto sd = number_after(7)) return {Kind::kNormal, *sd};
  }
  throw InputError("init '" + text + "': wants glorot, glorot*S, he, he*S or normal:SD");
}

// A statistics group needs two rows: the variance of one value is 0 and its gradient vanishes.
void CheckGroups(const NormSpec& norm, size_t samples, size_t positions, const std::string& layer) {
  if (positions > 1 || norm.stats.kind == NormStats::Kind::kPopulation ||
      norm.stats.kind == NormStats::Kind::kPopulationGauss) {
    return;
  }
  const SampleGroups groups = MakeGroups(norm.stats, samples, positions);
  for (size_t g = 0; g < groups.count; ++g) {
    if (groups.End(g) - groups.Begin(g) < 2) {
      throw InputError("batch norm on '" + layer + "' would take statistics over 1 value (bn.stats=" +
                       ToText(norm.stats) + ", " + std::to_string(samples) +
                       " samples): use 2 or more samples a group, bn.placement=none, or bn.stats=population");
    }
  }
}

}  // namespace

Net::Net(Parallel& parallel, const NetSpec& spec, const NetOptions& options)
    : parallel_(parallel),
      capacity_(std::max(options.train_samples, options.eval_samples)),
      eval_samples_(options.eval_samples) {
  size_t height = options.height, width = options.width, channels = options.channels;
  image_.positions = height * width;
  image_.channels = channels;
  size_t widest = 0;  // largest input of a block that needs a gradient
  for (size_t layer = 0; layer < spec.size(); ++layer) {
    const LayerSpec& l = spec[layer];
    const std::string text = ToText(l);
    const bool hidden = layer + 1 < spec.size();
    if (!stages_.empty()) widest = std::max(widest, height * width * channels);
    const auto make_norm = [&](size_t positions) -> std::optional<Norm> {
      if (!hidden || options.norm.placement == Placement::kNone) return std::nullopt;
      CheckGroups(options.norm, options.train_samples, positions, text);
      return Norm(parallel, options.norm, layer, capacity_, positions, l.outputs);
    };
    std::unique_ptr<Block> block;
    switch (l.kind) {
      case LayerSpec::Kind::kFlatten:
        continue;
      case LayerSpec::Kind::kConv: {
        if (!l.same && (l.kernel_h > height || l.kernel_w > width)) {
          throw InputError("net layer '" + text + "': the image is only " + std::to_string(height) + "x" +
                           std::to_string(width) + " there");
        }
        const Conv2dShape conv{capacity_,    height,     width,     channels,  l.kernel_h,
                               l.kernel_w, l.outputs, l.same, options.conv};
        height = conv.OutHeight(), width = conv.OutWidth(), channels = l.outputs;
        block = MakeConvBlock(parallel, conv, l.act, make_norm(height * width), options.norm.placement,
                              options.weight_decay, /*first=*/stages_.empty());
        break;
      }
      case LayerSpec::Kind::kDense: {
        const DenseShape dense{capacity_, height * width * channels, l.outputs};
        height = width = 1, channels = l.outputs;
        block = MakeDenseBlock(parallel, dense, l.act, make_norm(1), options.norm.placement, options.weight_decay,
                               options.descend);
        break;
      }
      case LayerSpec::Kind::kMaxPool2:
        if (height < 2 || width < 2) {
          throw InputError("net layer '" + text + "': the image is only " + std::to_string(height) + "x" +
                           std::to_string(width) + " there");
        }
        block = MakeMaxPool2Block(parallel, capacity_, height, width, channels);
        height /= 2, width /= 2;
        break;
      case LayerSpec::Kind::kDropout:
        block = MakeDropoutBlock(parallel, layer, capacity_, height * width * channels, l.rate);
        break;
      case LayerSpec::Kind::kJitter:
        block = MakeJitterBlock(parallel, layer, capacity_, height * width * channels, l.rate);
        break;
    }
    for (Tensor& tensor : block->Tensors()) tensors_.push_back({layer, text, std::move(tensor)});
    stages_.push_back({layer, text, std::move(block), l.IsLinear(), height * width, channels});
  }
  if (channels != options.classes) {
    throw InputError("the net ends in " + std::to_string(channels) + " outputs, the data has " +
                     std::to_string(options.classes) + " classes");
  }
  inputs_.resize(stages_.size());
  for (auto& gradient : gradient_) gradient = AlignedBuffer<float>(capacity_ * widest);
  InitializeWeights(options.init, options.seed);
}

void Net::InitializeWeights(const std::string& init, uint64_t seed) {
  const Initializer initializer = ParseInitializer(init);
  const Rng rng(seed, RngStream::kWeights);
  uint64_t index = 0;
  for (NetTensor& t : tensors_) {
    if (t.tensor.name != "weight") continue;  // biases, gamma, beta have their values already
    const auto& shape = t.tensor.shape;
    size_t receptive = 1;  // kernel positions of a convolution
    for (size_t i = 0; i + 2 < shape.size(); ++i) receptive *= shape[i];
    const double fan_in = static_cast<double>(receptive * shape[shape.size() - 2]);
    const double fan_out = static_cast<double>(receptive * shape.back());
    for (size_t i = 0; i < t.tensor.size; ++i) {
      t.tensor.value[i] = static_cast<float>(initializer.Draw(rng, index++, fan_in, fan_out));
    }
  }
}

const float* Net::Forward(const float* x, const Pass& pass) {
  BATCHMARK_CHECK(pass.samples > 0 && pass.samples <= capacity_);
  Pending value = image_;
  value.v = x;
  value.groups.samples = pass.samples;
  for (size_t i = 0; i < stages_.size(); ++i) {
    inputs_[i] = value;
    value = stages_[i].block->Forward(value, pass);
    if (pass.after_block != nullptr) (*pass.after_block)();
  }
  logits_ = value;
  return value.v;  // the last linear layer has neither norm nor activation
}

void Net::Backward(float* d_logits, const Pass& pass) {
  float* dy = d_logits;
  for (size_t i = stages_.size(); i-- > 0;) {
    float* const d_in = i == 0 ? nullptr : gradient_[i % 2].data();
    Block* const before = i == 0 ? nullptr : stages_[i - 1].block.get();
    stages_[i].block->Backward(inputs_[i], dy, d_in, pass, before);
    if (pass.after_block != nullptr) (*pass.after_block)();
    dy = d_in;
  }
}

std::vector<NetStage> Net::stages() const {
  std::vector<NetStage> stages;
  for (const Stage& stage : stages_) stages.push_back({stage.layer, stage.linear, stage.block->norm()});
  return stages;
}

void Net::StartGather() {
  for (Stage& stage : stages_) stage.block->StartGather();
}

void Net::FinishGather() {
  for (Stage& stage : stages_) stage.block->FinishGather();
}

std::string Net::NonFinite() const {
  for (const Stage& stage : stages_) {
    const std::string what = stage.block->NonFinite();
    if (!what.empty()) return "layer " + std::to_string(stage.layer) + " " + stage.text + ": " + what;
  }
  return "";
}

std::string Net::FindNonFinite() const {
  for (const NetTensor& t : tensors_) {
    for (const bool grad : {false, true}) {
      const float* x = grad ? t.tensor.grad : t.tensor.value;
      if (x == nullptr || std::all_of(x, x + t.tensor.size, [](float v) { return std::isfinite(v); })) continue;
      return "layer " + std::to_string(t.layer) + " " + t.layer_text + ": " + (grad ? "gradient of " : "") +
             t.tensor.name;
    }
  }
  return "";
}

}  // namespace batchmark
