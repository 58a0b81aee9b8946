// Values of pending tensors and gradients (core/ops/pending.h), formed for a block of rows:
// elementwise maps whose coefficients repeat with the channels.
//   element i of a row belongs to channel (first + i) % channels
// One call handles one statistics group: scale ... base point at the group's coefficients.
#pragma once

#include <cstddef>

#include "core/simd/activation.h"

namespace batchmark {

struct RowBlock {
  size_t rows = 0, columns = 0;  // columns may be a part of a row, or many positions
  size_t src_stride = 0, dst_stride = 0;
  size_t channels = 1, first = 0;
  bool far = false;   // one row of whole positions, too large for the near caches: prefetch it
  bool past = false;  // with far: dst is stored past the caches; it and its strides are multiples
                      // of 64 bytes, and so are channels
};

// dst = act(scale v + shift);  scale == nullptr: dst = act(v). May alias v when the strides agree.
void MapRows(const RowBlock& block, const float* v, const float* scale, const float* shift,
             Activation act, float* dst);

enum class GradForm { kActivation, kNormAct, kActNorm };

// The three non-plain forms of PendingGrad; dy and v share src_stride. dst may be dy when the
// strides agree.
//   kActivation  dst = dy act'(v)
//   kNormAct     dst = scale (dy act'(y)) + slope v + base,   y = act(scale v + shift)
//   kActNorm     dst = (scale dy + slope v + base) act'(v)
struct GradCoefficients {
  const float* scale = nullptr;
  const float* shift = nullptr;
  const float* slope = nullptr;
  const float* base = nullptr;
};
void GradRows(const RowBlock& block, GradForm form, Activation act, const float* dy, const float* v,
              const GradCoefficients& coefficients, float* dst);

}  // namespace batchmark
