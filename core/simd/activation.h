// Activations, by the words of a net text. Here, below core/ops, because kernels apply them too.
#pragma once

namespace batchmark {

//   kNone     y = u
//   kRelu     y = max(u, 0)           dy/du = [y > 0]
//   kSigmoid  y = 1 / (1 + exp(-u))   dy/du = y (1 - y)
//   kTanh     y = tanh(u)             dy/du = 1 - y^2
// The derivative is always formed from the output y, so the input u need not be kept.
// NaN passes through every activation, so that divergence is never hidden.
enum class Activation { kNone, kRelu, kSigmoid, kTanh };

// Takes an exponential, which costs several times what it costs to read and store the element.
constexpr bool IsExponential(Activation act) {
  return act == Activation::kSigmoid || act == Activation::kTanh;
}

}  // namespace batchmark
