// Loops of pooling, dropout, loss, optimizer and scans, on plain rows. Elementwise results have the
// same bits in a vector and in a tail. Threads and chunks are chosen in core/ops/pointwise.h, which
// has the formulas.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/rng.h"
#include "core/simd/activation.h"

namespace batchmark {

// One image: src [height, width, channels] -> dst, arg [height/2, width/2, channels] of act(scale v
// + shift); scale == nullptr: act(v). The first maximum wins; the first NaN beats every number.
void MaxPool2Image(size_t height, size_t width, size_t channels, const float* src,
                   const float* scale, const float* shift, Activation act, float* dst,
                   uint8_t* arg);
// d_src [height, width, channels] is overwritten.
void MaxPool2BackwardImage(size_t height, size_t width, size_t channels, const float* d_dst,
                           const uint8_t* arg, float* d_src);

// dst[i] = rng.UniformFloat(first + i) >= rate ? src[i] / (1 - rate) : 0;  first divisible by 4;
// 0 <= rate < 1. May alias.
void DropoutRow(const Rng& rng, uint64_t first, size_t size, float rate, const float* src,
                float* dst);

// Rows of softmax cross-entropy; d_logits = (softmax - onehot) * gradient_scale, or null.
void SoftmaxCrossEntropyRows(size_t rows, size_t classes, const float* logits,
                             const uint8_t* labels, float gradient_scale, float* d_logits,
                             float* losses, uint8_t* correct);

// One SGD step of a stretch of parameters; velocity null: no momentum.
void SgdRow(size_t size, float lr, float momentum, float weight_decay, const float* grad,
            float* velocity, float* weights);

// True if no element is infinite or NaN.
bool AllFiniteRow(const float* x, size_t size);

}  // namespace batchmark
