// Chunks for the loops of core/simd/pointwise_rows.h.
#include "core/ops/pointwise.h"

#include <atomic>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/ops/chunks.h"
#include "core/ops/pending_span.h"
#include "core/simd/pointwise_rows.h"

namespace batchmark {

void MaxPool2Forward(Parallel& parallel, size_t n, size_t height, size_t width, const Pending& src,
                     float* dst, uint8_t* arg) {
  const size_t channels = src.channels;
  BATCHMARK_CHECK(src.positions == height * width);
  const size_t in = height * width * channels, out = (height / 2) * (width / 2) * channels;
  const ChunkPlan plan = PlanChunks(n, n * in);
  parallel.For(plan, [&](size_t chunk, int) {
    for (size_t s = plan.begin(chunk); s < plan.end(chunk); ++s) {
      const size_t c = src.scale == nullptr ? 0 : src.groups.Of(s) * channels;
      MaxPool2Image(
          height, width, channels, src.v + s * in, src.scale == nullptr ? nullptr : src.scale + c,
          src.scale == nullptr ? nullptr : src.shift + c, src.act, dst + s * out, arg + s * out);
    }
  });
}

void MaxPool2Backward(Parallel& parallel, size_t n, size_t height, size_t width, size_t channels,
                      const float* d_dst, const uint8_t* arg, float* d_src) {
  const size_t in = height * width * channels, out = (height / 2) * (width / 2) * channels;
  const ChunkPlan plan = PlanChunks(n, n * in);
  parallel.For(plan, [&](size_t chunk, int) {
    for (size_t s = plan.begin(chunk); s < plan.end(chunk); ++s) {
      MaxPool2BackwardImage(height, width, channels, d_dst + s * out, arg + s * out,
                            d_src + s * in);
    }
  });
}

void Dropout(Parallel& parallel, size_t n, const Pending& src, float rate, uint64_t seed,
             uint64_t sub, float* dst) {
  BATCHMARK_CHECK(rate >= 0.0f && rate < 1.0f);
  const size_t stride = src.positions * src.channels;
  const Rng rng(seed, RngStream::kDropout, sub);
  const ChunkPlan plan = PlanChunks(n, n * stride);
  parallel.For(plan, [&](size_t chunk, int) {
    const size_t begin = plan.begin(chunk), samples = plan.end(chunk) - begin;
    float* to = dst + begin * stride;
    const float* from = src.v + begin * stride;
    if (!src.IsPlain()) {
      ResolveSamples(src, begin, samples, to);
      from = to;
    }
    DropoutRow(rng, begin * stride, samples * stride, rate, from, to);
  });
}

double SoftmaxCrossEntropy(Parallel& parallel, size_t n, size_t classes, const float* logits,
                           const uint8_t* labels, float* d_logits, float* losses,
                           uint8_t* correct) {
  BATCHMARK_CHECK(n >= 1 && classes >= 1);
  for (size_t s = 0; s < n; ++s) BATCHMARK_CHECK(labels[s] < classes);
  const float gradient_scale = 1.0f / static_cast<float>(n);
  constexpr size_t kWeight = 16;  // what an exponential and the rest cost, in elements only moved
  const ChunkPlan plan = PlanChunks(n, n * classes, kWeight);
  parallel.For(plan, [&](size_t chunk, int) {
    const size_t s = plan.begin(chunk), at = s * classes;
    SoftmaxCrossEntropyRows(plan.end(chunk) - s, classes, logits + at, labels + s, gradient_scale,
                            d_logits == nullptr ? nullptr : d_logits + at, losses + s, correct + s);
  });
  double sum = 0.0;
  for (size_t s = 0; s < n; ++s) sum += double{losses[s]};
  return sum / static_cast<double>(n);
}

void SgdUpdate(Parallel& parallel, size_t size, float lr, float momentum, float weight_decay,
               const float* grad, float* velocity, float* weights) {
  BATCHMARK_CHECK(velocity != nullptr || momentum == 0.0f);
  const ChunkPlan plan = PlanChunks(size, size);
  parallel.For(plan, [&](size_t chunk, int) {
    const size_t i = plan.begin(chunk);
    SgdRow(plan.end(chunk) - i, lr, momentum, weight_decay, grad + i,
           momentum == 0.0f ? nullptr : velocity + i, weights + i);
  });
}

bool AllFinite(Parallel& parallel, const float* x, size_t size) {
  std::atomic<bool> finite{true};  // only ever cleared: the answer does not depend on the order
  const ChunkPlan plan = PlanChunks(size, size);
  parallel.For(plan, [&](size_t chunk, int) {
    if (!finite.load(std::memory_order_relaxed)) return;
    const size_t i = plan.begin(chunk);
    if (!AllFiniteRow(x + i, plan.end(chunk) - i)) finite.store(false, std::memory_order_relaxed);
  });
  return finite.load();
}

}  // namespace batchmark
