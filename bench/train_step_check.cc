#include "bench/train_step_check.h"

#include <string>

#include "core/base/check.h"
#include "core/reference/reference.h"

namespace batchmark::bench {
namespace {

reference::Act ToReference(Activation act) {
  switch (act) {
    case Activation::kRelu:
      return reference::Act::kRelu;
    case Activation::kSigmoid:
      return reference::Act::kSigmoid;
    case Activation::kTanh:
      return reference::Act::kTanh;
    case Activation::kNone:
      break;
  }
  return reference::Act::kNone;
}

std::vector<double> Parameter(const Net& net, size_t layer, const std::string& name) {
  for (const NetTensor& t : net.tensors()) {
    if (t.layer == layer && t.tensor.name == name)
      return {t.tensor.value, t.tensor.value + t.tensor.size};
  }
  return {};
}

struct Image {
  size_t height, width, channels;
};

void Normalize(const Net& net, size_t layer, double eps, size_t channels, std::vector<double>& v) {
  const std::vector<double> gamma = Parameter(net, layer, "gamma"),
                            beta = Parameter(net, layer, "beta");
  if (gamma.empty()) return;
  std::vector<double> y(v.size());
  reference::BatchNormForward(v.size() / channels, channels, v.data(), gamma.data(), beta.data(),
                              eps, y.data());
  v.swap(y);
}

}  // namespace

std::vector<double> ReferenceLogits(const Net& net, const NetSpec& spec, const NetOptions& options,
                                    const float* x, size_t samples) {
  Image image = {options.height, options.width, options.channels};
  std::vector<double> v(x, x + samples * image.height * image.width * image.channels);
  for (size_t layer = 0; layer < spec.size(); ++layer) {
    const LayerSpec& l = spec[layer];
    if (l.kind == LayerSpec::Kind::kFlatten) continue;  // NHWC order is the dense layer's order
    BATCHMARK_CHECK_MSG(l.IsLinear(), "layer " + ToText(l));
    const std::vector<double> weight = Parameter(net, layer, "weight"),
                              bias = Parameter(net, layer, "bias");
    std::vector<double> z;
    if (l.kind == LayerSpec::Kind::kConv) {
      const reference::ConvShape s = {samples,    image.height, image.width, image.channels,
                                      l.kernel_h, l.kernel_w,   l.outputs,   l.same};
      image = {s.out_h(), s.out_w(), l.outputs};
      z.resize(samples * image.height * image.width * image.channels);
      reference::ConvForward(s, v.data(), weight.data(), bias.data(), z.data());
    } else {
      const size_t in = v.size() / samples;
      z.resize(samples * l.outputs);
      reference::Gemm(samples, l.outputs, in, v.data(), in, 1, weight.data(), l.outputs, 1,
                      z.data());
      for (size_t i = 0; i < z.size(); ++i) z[i] += bias[i % l.outputs];
    }
    const bool last = layer + 1 == spec.size();
    if (options.norm.placement == Placement::kPre && !last)
      Normalize(net, layer, options.norm.eps, l.outputs, z);
    for (double& value : z) value = reference::Activate(ToReference(l.act), value);
    if (options.norm.placement == Placement::kPost && !last)
      Normalize(net, layer, options.norm.eps, l.outputs, z);
    v.swap(z);
  }
  return v;
}

}  // namespace batchmark::bench
