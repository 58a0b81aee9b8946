#include "core/ops/pending_span.h"

#include <algorithm>
#include <cstring>

#include "core/simd/pending_rows.h"

namespace batchmark {
namespace {

void CopyRows(size_t rows, size_t count, const float* src, size_t src_stride, float* dst,
              size_t dst_stride) {
  for (size_t r = 0; r < rows; ++r) {
    std::memcpy(dst + r * dst_stride, src + r * src_stride, count * sizeof(float));
  }
}

// Calls run(sample, samples, group) for each stretch of samples of one group.
template <class Run>
void ForGroups(const SampleGroups& groups, size_t sample, size_t samples, const Run& run) {
  for (const size_t end = sample + samples; sample < end;) {
    const size_t group = groups.Of(sample);
    const size_t stop = group + 1 >= groups.count ? end : std::min(end, groups.End(group));
    run(sample, stop - sample, group);
    sample = stop;
  }
}

const float* OfGroup(const float* coefficients, size_t group, size_t channels) {
  return coefficients == nullptr ? nullptr : coefficients + group * channels;
}

GradForm FormOf(const PendingGrad& src) {
  switch (src.form) {
    case PendingGrad::Form::kNormAct:
      return GradForm::kNormAct;
    case PendingGrad::Form::kActNorm:
      return GradForm::kActNorm;
    default:
      return GradForm::kActivation;
  }
}

GradCoefficients CoefficientsOf(const PendingGrad& src, size_t group) {
  return {OfGroup(src.scale, group, src.channels), OfGroup(src.shift, group, src.channels),
          OfGroup(src.slope, group, src.channels), OfGroup(src.base, group, src.channels)};
}

RowBlock WholeRow(size_t columns, size_t channels, Reach reach) {
  return {1, columns, 0, 0, channels, 0, reach != Reach::kNear, reach == Reach::kPast};
}

}  // namespace

void ResolveSpans(const Pending& src, size_t sample, size_t samples, size_t first, size_t count,
                  float* dst, size_t dst_stride) {
  const size_t stride = src.positions * src.channels;
  if (src.IsPlain()) {
    CopyRows(samples, count, src.v + sample * stride + first, stride, dst, dst_stride);
    return;
  }
  ForGroups(src.groups, sample, samples, [&](size_t begin, size_t rows, size_t group) {
    const RowBlock block{rows, count, stride, dst_stride, src.channels, first};
    MapRows(block, src.v + begin * stride + first, OfGroup(src.scale, group, src.channels),
            OfGroup(src.shift, group, src.channels), src.act, dst + (begin - sample) * dst_stride);
  });
}

void ResolveSpans(const PendingGrad& src, size_t sample, size_t samples, size_t first, size_t count,
                  float* dst, size_t dst_stride) {
  const size_t stride = src.positions * src.channels;
  if (src.form == PendingGrad::Form::kPlain) {
    CopyRows(samples, count, src.dy + sample * stride + first, stride, dst, dst_stride);
    return;
  }
  ForGroups(src.groups, sample, samples, [&](size_t begin, size_t rows, size_t group) {
    const RowBlock block{rows, count, stride, dst_stride, src.channels, first};
    const size_t at = begin * stride + first;
    GradRows(block, FormOf(src), src.act, src.dy + at, src.v + at, CoefficientsOf(src, group),
             dst + (begin - sample) * dst_stride);
  });
}

void ResolveSamples(const Pending& src, size_t sample, size_t samples, float* dst, Reach reach) {
  const size_t stride = src.positions * src.channels;
  if (src.IsPlain()) {
    if (src.v + sample * stride != dst) {
      std::memcpy(dst, src.v + sample * stride, samples * stride * sizeof(float));
    }
    return;
  }
  ForGroups(src.groups, sample, samples, [&](size_t begin, size_t count, size_t group) {
    const RowBlock block = WholeRow(count * stride, src.channels, reach);
    MapRows(block, src.v + begin * stride, OfGroup(src.scale, group, src.channels),
            OfGroup(src.shift, group, src.channels), src.act, dst + (begin - sample) * stride);
  });
}

void ResolveSamples(const PendingGrad& src, size_t sample, size_t samples, float* dst,
                    Reach reach) {
  const size_t stride = src.positions * src.channels;
  if (src.form == PendingGrad::Form::kPlain) {
    if (src.dy + sample * stride != dst) {
      std::memcpy(dst, src.dy + sample * stride, samples * stride * sizeof(float));
    }
    return;
  }
  ForGroups(src.groups, sample, samples, [&](size_t begin, size_t count, size_t group) {
    const RowBlock block = WholeRow(count * stride, src.channels, reach);
    const size_t at = begin * stride;
    GradRows(block, FormOf(src), src.act, src.dy + at, src.v + at, CoefficientsOf(src, group),
             dst + (begin - sample) * stride);
  });
}

}  // namespace batchmark
