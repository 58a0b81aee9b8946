#include "training/net/net_spec.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "core/base/check.h"

namespace batchmark {
namespace {

constexpr const char* kForms =
    "conv3x3[same]:N act, maxpool2, flatten, dropout:p, jitter:S, dense:N [act] with act relu, sigmoid, tanh or none";
constexpr size_t kMaxOutputs = 65536;
constexpr size_t kMaxDepth = 256;

std::string Repeat(size_t times, const std::string& text) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::optional<size_t> ParseCount(std::string_view text) {
  size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0) return std::nullopt;
  return value;
}

// D convolutions with a pool after the first and after the second quarter of them.
std::string DeepCnn(size_t depth) {
  std::string text;
  for (size_t i = 1; i <= depth; ++i) {
    text += "conv3x3same:32 relu, ";
    if (i == (depth + 3) / 4 || i == (depth + 1) / 2) text += "maxpool2, ";
  }
  return text + "flatten, dense:10";
}

std::string ExpandPreset(const std::string& text) {
  if (text == "seed-cnn") return "conv3x3:32 relu, conv3x3:64 relu, flatten, dense:64 relu, dense:10";
  if (text == "ioffe-mlp") return "flatten, " + Repeat(3, "dense:100 sigmoid, ") + "dense:10";
  if (text == "mlp-r") return "flatten, " + Repeat(5, "dense:512 relu, ") + "dense:10";
  constexpr std::string_view kDeep = "cnn-deep:";
  if (text.rfind(kDeep, 0) == 0) {
    const auto depth = ParseCount(std::string_view(text).substr(kDeep.size()));
    if (!depth || *depth > kMaxDepth) {
      throw InputError("net '" + text + "': cnn-deep takes a depth from 1 to " + std::to_string(kMaxDepth));
    }
    return DeepCnn(*depth);
  }
  return text;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

[[noreturn]] void Refuse(std::string_view layer, const std::string& why) {
  throw InputError("net layer '" + std::string(layer) + "': " + why);
}

Activation ParseActivation(std::string_view layer, std::string_view word) {
  if (word == "relu") return Activation::kRelu;
  if (word == "sigmoid") return Activation::kSigmoid;
  if (word == "tanh") return Activation::kTanh;
  if (word == "none") return Activation::kNone;
  Refuse(layer, "unknown activation '" + std::string(word) + "' (relu, sigmoid, tanh or none)");
}

size_t ParseOutputs(std::string_view layer, std::string_view text) {
  const auto value = ParseCount(text);
  if (!value || *value > kMaxOutputs) Refuse(layer, "wants a size from 1 to " + std::to_string(kMaxOutputs));
  return *value;
}

LayerSpec ParseConv(std::string_view layer, std::string_view head, std::string_view outputs) {
  LayerSpec spec{.kind = LayerSpec::Kind::kConv};
  head.remove_prefix(4);  // "conv"
  spec.same = head.size() > 4 && head.substr(head.size() - 4) == "same";
  if (spec.same) head.remove_suffix(4);
  const size_t x = head.find('x');
  const auto height = ParseCount(head.substr(0, x));
  const auto width = x == head.npos ? std::nullopt : ParseCount(head.substr(x + 1));
  if (!height || !width || *height > 31 || *width > 31) Refuse(layer, "wants a kernel like conv3x3");
  if (spec.same && (*height % 2 == 0 || *width % 2 == 0)) Refuse(layer, "same padding wants an odd kernel");
  spec.kernel_h = *height, spec.kernel_w = *width;
  spec.outputs = ParseOutputs(layer, outputs);
  return spec;
}

LayerSpec ParseLayer(std::string_view layer) {
  const size_t space = layer.find(' ');
  const std::string_view head = layer.substr(0, space);
  const std::string_view word = space == layer.npos ? "" : Trim(layer.substr(space));
  const size_t colon = head.find(':');
  const std::string_view name = head.substr(0, colon);
  const std::string_view argument = colon == head.npos ? "" : head.substr(colon + 1);

  LayerSpec spec{.kind = LayerSpec::Kind::kFlatten};
  if (name == "dense") {
    spec.kind = LayerSpec::Kind::kDense;
    spec.outputs = ParseOutputs(layer, argument);
  } else if (name.rfind("conv", 0) == 0) {
    spec = ParseConv(layer, name, argument);
    if (word.empty()) Refuse(layer, "a convolution names its activation (relu, sigmoid, tanh or none)");
  } else if (name == "dropout" || name == "jitter") {
    const bool dropout = name == "dropout";
    spec.kind = dropout ? LayerSpec::Kind::kDropout : LayerSpec::Kind::kJitter;
    const auto [end, error] =
        std::from_chars(argument.data(), argument.data() + argument.size(), spec.rate);
    if (error != std::errc() || end != argument.data() + argument.size() ||
        !(spec.rate >= 0.0 && spec.rate < (dropout ? 1.0 : 100.0))) {
      Refuse(layer, dropout ? "wants a rate in [0, 1)" : "wants a strength in [0, 100)");
    }
  } else if (head == "maxpool2") {
    spec.kind = LayerSpec::Kind::kMaxPool2;
  } else if (head != "flatten") {
    Refuse(layer, std::string("unknown; a net is a preset (seed-cnn, ioffe-mlp, mlp-r, cnn-deep:D) or a list of ") +
                      kForms);
  }
  if (!word.empty()) {
    if (!spec.IsLinear()) Refuse(layer, "takes no activation");
    spec.act = ParseActivation(layer, word);
  }
  return spec;
}

// Layers must follow each other in a way that has a meaning.
void CheckOrder(const NetSpec& net) {
  using Kind = LayerSpec::Kind;
  if (net.empty() || net.back().kind != Kind::kDense || net.back().act != Activation::kNone) {
    throw InputError("a net ends in 'dense:N' without an activation (its outputs are the logits)");
  }
  bool flat = false;
  for (const LayerSpec& layer : net) {
    if (layer.kind == Kind::kFlatten) flat = true;
    if (layer.kind == Kind::kDense && !flat) throw InputError("net: 'flatten' must come before the first dense layer");
    if (flat && (layer.kind == Kind::kConv || layer.kind == Kind::kMaxPool2)) {
      throw InputError("net layer '" + ToText(layer) + "': no image is left after 'flatten'");
    }
  }
}

}  // namespace

NetSpec ParseNet(const std::string& text) {
  const std::string expanded = ExpandPreset(text);
  NetSpec net;
  std::string_view rest = expanded;
  for (;;) {
    const size_t comma = rest.find(',');
    const std::string_view layer = Trim(rest.substr(0, comma));
    if (layer.empty()) throw InputError("net '" + text + "': a layer between commas is empty");
    net.push_back(ParseLayer(layer));
    if (comma == rest.npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (net.size() > 2 * kMaxDepth) throw InputError("net: more than " + std::to_string(2 * kMaxDepth) + " layers");
  CheckOrder(net);
  return net;
}

std::string ToText(Activation act) {
  switch (act) {
    case Activation::kRelu: return "relu";
    case Activation::kSigmoid: return "sigmoid";
    case Activation::kTanh: return "tanh";
    case Activation::kNone: break;
  }
  return "none";
}

std::string ToText(const LayerSpec& layer) {
  switch (layer.kind) {
    case LayerSpec::Kind::kMaxPool2: return "maxpool2";
    case LayerSpec::Kind::kFlatten: return "flatten";
    case LayerSpec::Kind::kDropout:
    case LayerSpec::Kind::kJitter: {
      char digits[32];
      const auto end = std::to_chars(digits, digits + sizeof(digits), layer.rate).ptr;
      return (layer.kind == LayerSpec::Kind::kDropout ? "dropout:" : "jitter:") + std::string(digits, end);
    }
    case LayerSpec::Kind::kConv:
      return "conv" + std::to_string(layer.kernel_h) + "x" + std::to_string(layer.kernel_w) +
             (layer.same ? "same" : "") + ":" + std::to_string(layer.outputs) + " " + ToText(layer.act);
    case LayerSpec::Kind::kDense: break;
  }
  return "dense:" + std::to_string(layer.outputs) +
         (layer.act == Activation::kNone ? "" : " " + ToText(layer.act));
}

std::string ToText(const NetSpec& net) {
  std::string text;
  for (const LayerSpec& layer : net) text += (text.empty() ? "" : ", ") + ToText(layer);
  return text;
}

std::vector<std::string> NetPresets() { return {"seed-cnn", "ioffe-mlp", "mlp-r", "cnn-deep:D"}; }

}  // namespace batchmark
