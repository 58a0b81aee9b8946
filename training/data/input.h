// From stored pixels to network input: scaling, and which samples a step sees.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "training/data/dataset.h"

namespace batchmark {

// raw: 0..255;  minmax: pixel / 255;  standardize: (pixel - mean) / sd, one mean and sd over all
// training pixels (validation images excluded);  binary: pixel >= 128 ? 1 : 0  (threshold .5).
enum class InputScaling { kRaw, kMinmax, kStandardize, kBinary };

// "raw", "minmax", "standardize", "binary"; anything else is Error kBadInput.
InputScaling ParseInputScaling(const std::string& text);

class InputScaler {
 public:
  // standardize: sd is the population's, sums are exact in integers. Error kBadInput if it is 0.
  InputScaler(InputScaling scaling, const ImageSet& train, size_t training_images);
  // dst [indices.size(), height * width] fp32.
  void Gather(const ImageSet& images, std::span<const int32_t> indices, float* dst) const;
  float Value(uint8_t pixel) const { return table_[pixel]; }

 private:
  float table_[256];  // value of each pixel byte
};

// "shuffled" -> 0, "sorted:K" -> K in 1..kClasses; anything else is Error kBadInput.
size_t ParseOrder(const std::string& order);

// The samples of every step, by counter: Indices(step) does not depend on what was asked before.
//   shuffled   each epoch is a permutation of the training images (Rng kEpochOrder, sub = epoch;
//   Fisher-Yates) sorted:K   every batch holds exactly K classes (non-iid batches), batch / K
//   images of each, the first
//              batch mod K of them one more; which classes meet, which images, their places in the
//              batch and the order of the batches are seeded. Images that fit in no such batch are
//              left out.
// Batches are always full: training_images mod batch samples are left out each epoch (sorted:
// more). train_size < training images: a fixed seeded subset (kSubset, sub 0), the same for every
// arm of one seed; a smaller subset of one seed lies within a larger one. train_size 0 means all.
// Nothing is allocated after construction, except by the first Wide of a size.
class BatchOrder {
 public:
  // labels: of the training file, at least training_images. Error kBadInput: batch is 0 or above
  // the samples, train_size above the training images, an unknown order, no batch of K classes
  // possible.
  BatchOrder(uint64_t seed, size_t training_images, size_t train_size, size_t batch,
             const std::string& order, std::span<const uint8_t> labels);
  size_t StepsPerEpoch() const { return steps_per_epoch_; }
  // The samples in use, ascending indices into the training file.
  std::span<const int32_t> Samples() const { return subset_; }
  // `batch` indices into the training file; the span stays valid until the next call. step counts
  // from 0.
  std::span<const int32_t> Indices(size_t step);
  // For bn.stats = wide:M: M - batch further samples of the step, distinct and none of them in the
  // step's batch (Rng kWideSamples, sub = step). Error kBadInput if M is below batch or above the
  // samples in use. Valid until the next call of Wide; prepares the epoch of the step as Indices
  // does.
  std::span<const int32_t> Wide(size_t step, size_t m);

 private:
  void PrepareEpoch(size_t epoch);
  void PrepareSortedEpoch(const Rng& rng);
  size_t ImagesInRow(size_t row) const {
    return batch_ / classes_per_batch_ + (row < batch_ % classes_per_batch_);
  }

  uint64_t seed_;
  size_t batch_, steps_per_epoch_;
  size_t classes_per_batch_ = 0;  // 0: shuffled
  std::vector<uint8_t> labels_;
  std::vector<int32_t> subset_, epoch_order_;
  size_t prepared_epoch_ = static_cast<size_t>(-1);

  // sorted:K. A unit is one class's share of a batch; line_ [K, steps per epoch] says whose share
  // it is.
  std::array<size_t, kClasses> class_count_{}, units_{};
  std::vector<uint8_t> line_;
  std::vector<int32_t> mixed_, by_class_;
  std::vector<uint32_t> place_;  // of each batch in the epoch

  // wide:M
  std::vector<int32_t> wide_;
  std::vector<uint64_t> taken_;  // [training images]: the last call of Wide that used the sample
  uint64_t wide_calls_ = 0;
};

}  // namespace batchmark
