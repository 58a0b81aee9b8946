// From stored pixels to network input: scaling, and which samples a step sees.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "training/data/dataset.h"

namespace batchmark {

// raw: 0..255;  minmax: pixel / 255;  standardize: (pixel - mean) / sd, one mean and sd over all
// training pixels (validation images excluded);  binary: pixel >= 128 ? 1 : 0  (threshold .5).
enum class InputScaling { kRaw, kMinmax, kStandardize, kBinary };

class InputScaler {
 public:
  InputScaler(InputScaling scaling, const ImageSet& train, size_t training_images);
  // dst [indices.size(), height * width] fp32.
  void Gather(const ImageSet& images, std::span<const int32_t> indices, float* dst) const;

 private:
  float table_[256];  // value of each pixel byte
};

// The samples of every step, by counter: Indices(step) does not depend on what was asked before.
//   shuffled   each epoch is a permutation of the training images (Rng kEpochOrder, sub = epoch; Fisher-Yates)
//   sorted:K   batches of K classes each (non-iid batches), classes and images in seeded order
// Batches are always full: training_images mod batch samples are left out each epoch.
// train_size < training images: a fixed seeded subset (kSubset), the same for every arm of one seed.
class BatchOrder {
 public:
  BatchOrder(uint64_t seed, size_t training_images, size_t train_size, size_t batch, const std::string& order,
             std::span<const uint8_t> labels);
  size_t StepsPerEpoch() const { return steps_per_epoch_; }
  // `batch` indices into the training file; the span stays valid until the next call. step counts from 0.
  std::span<const int32_t> Indices(size_t step);

 private:
  void PrepareEpoch(size_t epoch);
  uint64_t seed_;
  size_t batch_, steps_per_epoch_;
  size_t classes_per_batch_ = 0;  // 0: shuffled
  std::vector<uint8_t> labels_;
  std::vector<int32_t> subset_, epoch_order_;
  size_t prepared_epoch_ = static_cast<size_t>(-1);
};

}  // namespace batchmark
