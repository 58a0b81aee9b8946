#include "training/net/shape_blocks.h"

#include <algorithm>

#include "core/base/aligned.h"
#include "core/ops/pointwise.h"

namespace batchmark {
namespace {

class MaxPool2Block : public Block {
 public:
  MaxPool2Block(Parallel& parallel, size_t capacity, size_t height, size_t width, size_t channels)
      : parallel_(parallel),
        height_(height),
        width_(width),
        channels_(channels),
        out_(capacity * (height / 2) * (width / 2) * channels),
        arg_(out_.size()) {}

  Pending Forward(const Pending& in, const Pass& pass) override {
    MaxPool2Forward(parallel_, pass.samples, height_, width_, in, out_.data(), arg_.data());
    return PlainPending(out_.data(), (height_ / 2) * (width_ / 2), channels_, pass.samples);
  }
  void Backward(const Pending&, float* dy, float* d_in, const Pass& pass, Block*) override {
    if (d_in == nullptr) return;
    MaxPool2Backward(parallel_, pass.samples, height_, width_, channels_, dy, arg_.data(), d_in);
  }

 private:
  Parallel& parallel_;
  size_t height_, width_, channels_;
  AlignedBuffer<float> out_;
  AlignedBuffer<uint8_t> arg_;
};

class DropoutBlock : public Block {
 public:
  DropoutBlock(Parallel& parallel, size_t layer, size_t capacity, size_t values, double rate)
      : parallel_(parallel), layer_(layer), rate_(static_cast<float>(rate)), out_(capacity * values) {}

  Pending Forward(const Pending& in, const Pass& pass) override {
    if (pass.mode != PassMode::kTrain) return in;
    Dropout(parallel_, pass.samples, in, rate_, pass.seed, RandomSub(pass, layer_), out_.data());
    return PlainPending(out_.data(), in.positions, in.channels, pass.samples);
  }
  void Backward(const Pending& in, float* dy, float* d_in, const Pass& pass, Block*) override {
    if (d_in == nullptr) return;
    if (pass.mode != PassMode::kTrain) {
      std::copy_n(dy, pass.samples * in.positions * in.channels, d_in);
      return;
    }
    Dropout(parallel_, pass.samples, PlainPending(dy, in.positions, in.channels, pass.samples), rate_, pass.seed,
            RandomSub(pass, layer_), d_in);
  }

 private:
  Parallel& parallel_;
  size_t layer_;
  float rate_;
  AlignedBuffer<float> out_;
};

}  // namespace

std::unique_ptr<Block> MakeMaxPool2Block(Parallel& parallel, size_t capacity, size_t height, size_t width,
                                         size_t channels) {
  return std::make_unique<MaxPool2Block>(parallel, capacity, height, width, channels);
}

std::unique_ptr<Block> MakeDropoutBlock(Parallel& parallel, size_t layer, size_t capacity, size_t values,
                                        double rate) {
  return std::make_unique<DropoutBlock>(parallel, layer, capacity, values, rate);
}

}  // namespace batchmark
