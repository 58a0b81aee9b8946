// Loss and accuracy of a net over a range of images, in passes of a fixed size.
#pragma once

#include <cstddef>
#include <vector>

#include "core/base/aligned.h"
#include "core/base/parallel.h"
#include "training/data/input.h"
#include "training/net/net.h"

namespace batchmark {

struct Score {
  double loss = 0;      // mean cross-entropy
  double accuracy = 0;  // share of images whose largest logit is the label
};

class Evaluator {
 public:
  Evaluator(Parallel& parallel, Net& net, const InputScaler& scaler, size_t pixels, size_t classes);

  // Images [begin, end) of the set. mode kEval, or kBatchStats for the train-versus-population gap.
  Score Run(const ImageSet& images, size_t begin, size_t end, PassMode mode);
  // Forward passes only (bn.eval = precise:K), over the given training images.
  void Gather(const ImageSet& images, std::span<const int32_t> indices);

 private:
  Parallel& parallel_;
  Net& net_;
  const InputScaler& scaler_;
  size_t classes_;
  AlignedBuffer<float> x_, losses_;
  AlignedBuffer<uint8_t> labels_, correct_;
  std::vector<int32_t> indices_;
};

}  // namespace batchmark
