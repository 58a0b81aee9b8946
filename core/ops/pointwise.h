// Everything that is not a product or a normalization: pooling, dropout, loss, optimizer, scans.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/parallel.h"
#include "core/ops/pending.h"

namespace batchmark {

// 2x2 max-pool, stride 2, valid (odd last row/column dropped), NHWC. The pending map of src is applied on load.
//   dst [n, H/2, W/2, C];  arg [same shape] = index 0..3 (row-major in the window) of the first maximum.
void MaxPool2Forward(Parallel& parallel, size_t n, size_t height, size_t width, const Pending& src,
                     float* dst, uint8_t* arg);
// d_src [n, H, W, C], overwritten; positions dropped by the forward pass get 0.
void MaxPool2Backward(Parallel& parallel, size_t n, size_t height, size_t width, size_t channels,
                      const float* d_dst, const uint8_t* arg, float* d_src);

// Inverted dropout: dst = keep ? src / (1 - rate) : 0, keep by Rng(seed, kDropout, sub) at the element's index.
// Backward is the same call on the gradient (plain pending). Source: Srivastava et al. 2014.
void Dropout(Parallel& parallel, size_t n, const Pending& src, float rate, uint64_t seed, uint64_t sub,
             float* dst);

// Softmax cross-entropy of logits [n, classes] with integer labels.
//   losses[s] = -log softmax(logits[s])[labels[s]];   d_logits = (softmax - onehot) / n     (d_logits may be null)
//   correct[s] = 1 if argmax (first maximum) is the label.
// Max-subtracted; exp and log are ours (same bits everywhere on one backend). Returns the mean loss
// (double, index order). NaN logits give a NaN loss and correct = 0.
double SoftmaxCrossEntropy(Parallel& parallel, size_t n, size_t classes, const float* logits,
                           const uint8_t* labels, float* d_logits, float* losses, uint8_t* correct);

// SGD with momentum and L2 weight decay (PyTorch's and Keras' common form, no dampening, no Nesterov):
//   g = grad + weight_decay w;   momentum > 0: velocity = momentum velocity + g, w -= lr velocity;   else w -= lr g
// velocity may be null when momentum == 0. weights, grad, velocity [size].
void SgdUpdate(Parallel& parallel, size_t size, float lr, float momentum, float weight_decay,
               const float* grad, float* velocity, float* weights);

// True if every element is finite (one pass; exits early).
bool AllFinite(Parallel& parallel, const float* x, size_t size);

}  // namespace batchmark
