// Parts of pending tensors and gradients as plain numbers: how products load their operands.
#pragma once

#include <cstddef>

#include "core/ops/pending.h"

namespace batchmark {

// dst[s, i] = value of element first + i of sample sample + s;  s < samples, i < count.
// Elements of a sample are numbered over positions and channels. dst in rows of dst_stride.
void ResolveSpans(const Pending& src, size_t sample, size_t samples, size_t first, size_t count,
                  float* dst, size_t dst_stride);
void ResolveSpans(const PendingGrad& src, size_t sample, size_t samples, size_t first, size_t count,
                  float* dst, size_t dst_stride);

// Where a result goes: kNear stays in a second cache and needs no prefetch; kPast is stored past the
// caches (RowBlock::past).
enum class Reach { kNear, kFar, kPast };

// Whole samples [sample, sample + samples), contiguous, as one pass over memory: dst is the value
// of sample `sample` on, and may be v (or dy) itself.
void ResolveSamples(const Pending& src, size_t sample, size_t samples, float* dst,
                    Reach reach = Reach::kFar);
void ResolveSamples(const PendingGrad& src, size_t sample, size_t samples, float* dst,
                    Reach reach = Reach::kFar);

}  // namespace batchmark
