#include "training/trainer/evaluation.h"

#include <algorithm>
#include <numeric>

#include "core/ops/pointwise.h"

namespace batchmark {

Evaluator::Evaluator(Parallel& parallel, Net& net, const InputScaler& scaler, size_t pixels, size_t classes)
    : parallel_(parallel),
      net_(net),
      scaler_(scaler),
      classes_(classes),
      x_(net.eval_samples() * pixels),
      losses_(net.eval_samples()),
      labels_(net.eval_samples()),
      correct_(net.eval_samples()),
      indices_(net.eval_samples()) {}

Score Evaluator::Run(const ImageSet& images, size_t begin, size_t end, PassMode mode) {
  double loss = 0;
  size_t correct = 0;
  const size_t pass_size = net_.eval_samples();
  for (size_t first = begin; first < end; first += pass_size) {
    const size_t n = std::min(pass_size, end - first);
    std::iota(indices_.begin(), indices_.begin() + static_cast<std::ptrdiff_t>(n), static_cast<int32_t>(first));
    scaler_.Gather(images, {indices_.data(), n}, x_.data());
    std::copy_n(images.labels.data() + first, n, labels_.data());
    const float* logits = net_.Forward(x_.data(), {.mode = mode, .samples = n});
    loss += static_cast<double>(n) * SoftmaxCrossEntropy(parallel_, n, classes_, logits, labels_.data(), nullptr,
                                                         losses_.data(), correct_.data());
    correct += static_cast<size_t>(std::count(correct_.data(), correct_.data() + n, 1));
  }
  const double count = static_cast<double>(end - begin);
  return {loss / count, static_cast<double>(correct) / count};
}

void Evaluator::Gather(const ImageSet& images, std::span<const int32_t> indices) {
  net_.StartGather();
  for (size_t first = 0; first < indices.size(); first += net_.eval_samples()) {
    const auto part = indices.subspan(first, std::min(net_.eval_samples(), indices.size() - first));
    scaler_.Gather(images, part, x_.data());
    net_.Forward(x_.data(), {.mode = PassMode::kGather, .samples = part.size()});
  }
  net_.FinishGather();
}

}  // namespace batchmark
