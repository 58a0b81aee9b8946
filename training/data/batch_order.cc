#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "training/data/input.h"

namespace batchmark {
namespace {

// Fisher-Yates with draws first, first + 1, ... of rng; returns the next unused draw.
template <class T>
uint64_t Shuffle(std::span<T> values, const Rng& rng, uint64_t first) {
  for (size_t left = values.size(); left > 1; --left) {
    std::swap(values[left - 1], values[rng.Below(first++, static_cast<uint32_t>(left))]);
  }
  return first;
}

// The first `size` of a seeded permutation, ascending.
std::vector<int32_t> SeededSubset(uint64_t seed, size_t training_images, size_t size) {
  std::vector<int32_t> all(training_images);
  std::iota(all.begin(), all.end(), 0);
  if (size == training_images) return all;
  const Rng rng(seed, RngStream::kSubset);
  for (size_t i = 0; i < size; ++i) {
    std::swap(all[i], all[i + rng.Below(i, static_cast<uint32_t>(training_images - i))]);
  }
  all.resize(size);
  std::sort(all.begin(), all.end());
  return all;
}

// The most batches that can each take one unit from K different classes, class c having units[c]:
// the largest T with sum of min(units[c], T) >= K T. Enough too: laid on a line of length K T and
// cut into K rows of T, no class meets itself in a column, because none is longer than T.
size_t MostBatches(const std::array<size_t, kClasses>& units, size_t k) {
  size_t batches = 0;
  for (;; ++batches) {
    size_t supply = 0;
    for (const size_t u : units) supply += std::min(u, batches + 1);
    if (supply < k * (batches + 1)) return batches;
  }
}

}  // namespace

size_t ParseOrder(const std::string& order) {
  if (order == "shuffled") return 0;
  constexpr std::string_view kPrefix = "sorted:";
  size_t k = 0;
  if (order.starts_with(kPrefix)) {
    const char* begin = order.data() + kPrefix.size();
    const char* end = order.data() + order.size();
    const auto [stop, error] = std::from_chars(begin, end, k);
    if (error != std::errc() || stop != end) k = 0;
  }
  if (k >= 1 && k <= kClasses) return k;
  throw InputError("order=" + order + ": expected shuffled or sorted:K with K in 1.." +
                   std::to_string(kClasses));
}

BatchOrder::BatchOrder(uint64_t seed, size_t training_images, size_t train_size, size_t batch,
                       const std::string& order, std::span<const uint8_t> labels)
    : seed_(seed), batch_(batch), steps_per_epoch_(0), classes_per_batch_(ParseOrder(order)) {
  BATCHMARK_CHECK(labels.size() >= training_images && training_images < (uint64_t{1} << 31));
  if (train_size > training_images) {
    throw InputError("train_size=" + std::to_string(train_size) + ": the data has " +
                     std::to_string(training_images) + " training images");
  }
  const size_t samples = train_size == 0 ? training_images : train_size;
  if (batch == 0 || batch > samples) {
    throw InputError("batch=" + std::to_string(batch) + ": expected 1.." + std::to_string(samples) +
                     ", the number of training samples");
  }
  labels_.assign(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(training_images));
  subset_ = SeededSubset(seed, training_images, samples);
  epoch_order_ = subset_;
  taken_.assign(training_images, 0);
  steps_per_epoch_ = samples / batch;
  if (classes_per_batch_ == 0) return;

  if (batch < classes_per_batch_) {
    throw InputError("order=" + order + ": a batch of " + std::to_string(batch) +
                     " cannot hold so many classes");
  }
  for (const int32_t i : subset_) ++class_count_[labels_[static_cast<size_t>(i)]];
  for (size_t c = 0; c < kClasses; ++c) units_[c] = class_count_[c] / ImagesInRow(0);
  steps_per_epoch_ = MostBatches(units_, classes_per_batch_);
  if (steps_per_epoch_ == 0) {
    throw InputError("order=" + order + ": the training samples do not make one batch of " +
                     std::to_string(batch) + " with so many classes");
  }
  mixed_ = by_class_ = subset_;
  epoch_order_.resize(steps_per_epoch_ * batch_);
  place_.resize(steps_per_epoch_);
  line_.resize(steps_per_epoch_ * classes_per_batch_);
}

std::span<const int32_t> BatchOrder::Indices(size_t step) {
  PrepareEpoch(step / steps_per_epoch_);
  return std::span<const int32_t>(epoch_order_).subspan(step % steps_per_epoch_ * batch_, batch_);
}

void BatchOrder::PrepareEpoch(size_t epoch) {
  if (epoch == prepared_epoch_) return;
  prepared_epoch_ = epoch;
  const Rng rng(seed_, RngStream::kEpochOrder, epoch);
  if (classes_per_batch_ == 0) {
    std::copy(subset_.begin(), subset_.end(), epoch_order_.begin());
    Shuffle(std::span(epoch_order_), rng, 0);
  } else {
    PrepareSortedEpoch(rng);
  }
}

void BatchOrder::PrepareSortedEpoch(const Rng& rng) {
  // Images by class, in seeded order within each.
  std::copy(subset_.begin(), subset_.end(), mixed_.begin());
  uint64_t draw = Shuffle(std::span(mixed_), rng, 0);
  std::array<size_t, kClasses> next{};  // the next image of each class in by_class_
  for (size_t c = 1; c < kClasses; ++c) next[c] = next[c - 1] + class_count_[c - 1];
  const std::array<size_t, kClasses> first = next;
  for (const int32_t i : mixed_) by_class_[next[labels_[static_cast<size_t>(i)]]++] = i;
  next = first;

  // The line of units (see MostBatches), classes in seeded order; what sticks out at its end is
  // left out.
  std::array<uint8_t, kClasses> classes;
  std::iota(classes.begin(), classes.end(), uint8_t{0});
  draw = Shuffle(std::span<uint8_t>(classes), rng, draw);
  size_t filled = 0;
  for (const uint8_t c : classes) {
    const size_t n = std::min({units_[c], steps_per_epoch_, line_.size() - filled});
    std::fill_n(line_.begin() + static_cast<std::ptrdiff_t>(filled), n, c);
    filled += n;
  }
  BATCHMARK_CHECK(filled == line_.size());

  std::iota(place_.begin(), place_.end(), 0u);
  draw = Shuffle(std::span(place_), rng, draw);
  for (size_t t = 0; t < steps_per_epoch_; ++t) {
    const auto batch = std::span(epoch_order_).subspan(place_[t] * batch_, batch_);
    size_t put = 0;
    for (size_t row = 0; row < classes_per_batch_; ++row) {
      const uint8_t c = line_[row * steps_per_epoch_ + t];
      for (size_t i = 0; i < ImagesInRow(row); ++i) batch[put++] = by_class_[next[c]++];
    }
    draw = Shuffle(batch, rng, draw);
  }
}

std::span<const int32_t> BatchOrder::Wide(size_t step, size_t m) {
  if (m < batch_ || m > subset_.size()) {
    throw InputError("bn.stats=wide:" + std::to_string(m) + ": expected " + std::to_string(batch_) +
                     " (the batch) to " + std::to_string(subset_.size()) +
                     " (the training samples)");
  }
  wide_.resize(m - batch_);
  ++wide_calls_;
  for (const int32_t i : Indices(step)) taken_[static_cast<size_t>(i)] = wide_calls_;
  // Draws that meet a taken sample are skipped: the same as drawing from the others only.
  const Rng rng(seed_, RngStream::kWideSamples, step);
  uint64_t draw = 0;
  for (int32_t& sample : wide_) {
    do {
      sample = subset_[rng.Below(draw++, static_cast<uint32_t>(subset_.size()))];
    } while (taken_[static_cast<size_t>(sample)] == wide_calls_);
    taken_[static_cast<size_t>(sample)] = wide_calls_;
  }
  return wide_;
}

}  // namespace batchmark
