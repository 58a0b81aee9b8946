// A network as text that round-trips: presets or
//   conv3x3[same]:N act, maxpool2, flatten, dropout:p, jitter:S, dense:N [act]   act = relu|sigmoid|tanh|none
// The last layer is a dense without a word: its outputs are the logits of softmax cross-entropy.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/ops/activation.h"

namespace batchmark {

struct LayerSpec {
  enum class Kind { kConv, kMaxPool2, kFlatten, kDropout, kJitter, kDense };
  Kind kind;
  size_t kernel_h = 0, kernel_w = 0;  // conv
  bool same = false;                  // conv
  size_t outputs = 0;                 // conv: channels; dense: units
  Activation act = Activation::kNone;
  double rate = 0.0;  // dropout; strength of jitter
  bool IsLinear() const { return kind == Kind::kConv || kind == Kind::kDense; }
};

using NetSpec = std::vector<LayerSpec>;  // position in the vector = position in the text

// text: a preset (seed-cnn, ioffe-mlp, mlp-r, cnn-deep:D) or a net text. Throws Error(kBadInput) that
// names the word and what is accepted.
NetSpec ParseNet(const std::string& text);
std::string ToText(const NetSpec& net);
std::string ToText(const LayerSpec& layer);
std::string ToText(Activation act);
// Preset names, for help.
std::vector<std::string> NetPresets();

}  // namespace batchmark
