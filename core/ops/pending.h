// Pending tensors: what travels between blocks so that batch norm can cost almost no extra pass over
// memory. A producer hands on what it stored plus the map still to be applied; the consumer applies
// the map while it packs or loads.
//
// Layout everywhere: NHWC, [samples, positions, channels], contiguous fp32, 64-byte aligned base;
// positions = H * W (1 for dense), "row" = one (sample, position).
#pragma once

#include <cstddef>

#include "core/ops/activation.h"

namespace batchmark {

// Groups of consecutive samples that share batch-norm statistics: a function of the batch only (law 2).
// Sample s belongs to group min(s / group_size, count - 1). `batch` statistics: one group.
// A last group may be larger than group_size (a remainder that joined it) or smaller.
struct SampleGroups {
  size_t samples = 0;
  size_t group_size = 0;  // 0 means: one group of all samples
  size_t count = 1;

  size_t Of(size_t sample) const {
    if (count == 1) return 0;
    const size_t g = sample / group_size;
    return g < count ? g : count - 1;
  }
  size_t Begin(size_t group) const { return group * group_size; }
  size_t End(size_t group) const { return group + 1 == count ? samples : (group + 1) * group_size; }
};

// Positions [position, position + positions) of samples [sample, sample + samples): block `index` of those that a
// map is made of.
struct MapBlock {
  size_t index = 0;
  size_t sample = 0, samples = 0;
  size_t position = 0, positions = 0;
};

// Forward value:  y[s,p,c] = act(scale[g(s),c] * v[s,p,c] + shift[g(s),c]);  scale == nullptr: y = act(v).
// Zero padding of a consumer is zero in y, i.e. inserted after the map.
struct Pending {
  const float* v = nullptr;
  const float* scale = nullptr;  // [groups.count, channels]
  const float* shift = nullptr;  // [groups.count, channels]
  Activation act = Activation::kNone;
  size_t positions = 1;
  size_t channels = 0;
  SampleGroups groups;

  bool IsPlain() const { return scale == nullptr && act == Activation::kNone; }
};

// y = v: nothing is left to be applied.
inline Pending PlainPending(const float* v, size_t positions, size_t channels, size_t samples) {
  return {.v = v, .positions = positions, .channels = channels, .groups = {.samples = samples}};
}

// Gradient with respect to the producer's linear output z = linear(x) + bias, not yet formed:
//   kPlain       dz = dy
//   kActivation  dz = dy * act'(v)                               v = act(z)            (placement none)
//   kNormAct     dz = scale * (dy * act'(y)) + slope * v + base  v = z, y = act(scale * v + shift)   (pre)
//   kActNorm     dz = (scale * dy + slope * v + base) * act'(v)  v = act(z)            (post)
// scale, slope, base [groups.count, channels] carry batch norm's backward (see core/ops/batch_norm.h).
struct PendingGrad {
  enum class Form { kPlain, kActivation, kNormAct, kActNorm };
  Form form = Form::kPlain;
  const float* dy = nullptr;
  const float* v = nullptr;
  const float* scale = nullptr;
  const float* shift = nullptr;
  const float* slope = nullptr;
  const float* base = nullptr;
  Activation act = Activation::kNone;
  size_t positions = 1;
  size_t channels = 0;
  SampleGroups groups;
  float* own = nullptr;  // dy, where who resolves the gradient may leave dz in its place
};

}  // namespace batchmark
