// jitter:S, noise whose distribution changes at every step and unit: the "noisy batch norm" of Santurkar et al.
// 2018 (arXiv 1805.11604), which makes the next layer's inputs unstable on purpose. With S = 1, per step and unit
//   mu ~ U(-0.5 S, 0.5 S),  sigma ~ U(1, 1 + 0.25 S)
// and per sample
//   y = s x + m,   m ~ U(mu - 0.1 S, mu + 0.1 S),   s ~ N(sigma, (0.1 S)^2)
// in training passes and those that read one (probes). A unit is a channel at a position. The constants are the
// paper's as remembered; they are printed here, and S scales them all. Gradient: d_x = s d_y.
#include <algorithm>

#include "core/base/aligned.h"
#include "core/base/rng.h"
#include "core/ops/batch_norm.h"
#include "training/net/shape_blocks.h"

namespace batchmark {
namespace {

bool Acts(const Pass& pass) { return pass.mode == PassMode::kTrain || pass.mode == PassMode::kReadTrain; }

constexpr double kMeanRange = 0.5, kScaleRange = 0.25, kSampleRange = 0.1;

class JitterBlock : public Block {
 public:
  JitterBlock(Parallel& parallel, size_t layer, size_t capacity, size_t values, double strength)
      : parallel_(parallel), layer_(layer), values_(values), strength_(strength), out_(capacity * values) {}

  Pending Forward(const Pending& in, const Pass& pass) override {
    if (!Acts(pass)) return in;
    Resolve(parallel_, pass.samples, in, out_.data());
    ForEach(pass, [this](size_t i, double scale, double shift) {
      out_[i] = static_cast<float>(scale * out_[i] + shift);
    });
    return PlainPending(out_.data(), in.positions, in.channels, pass.samples);
  }

  void Backward(const Pending&, float* dy, float* d_in, const Pass& pass, Block*) override {
    if (d_in == nullptr) return;
    if (!Acts(pass)) {
      std::copy_n(dy, pass.samples * values_, d_in);
      return;
    }
    ForEach(pass, [&](size_t i, double scale, double) { d_in[i] = static_cast<float>(scale * dy[i]); });
  }

 private:
  // visit(element, s, m), the same numbers in both directions.
  template <class Visit>
  void ForEach(const Pass& pass, const Visit& visit) {
    const Rng rng(pass.seed, RngStream::kNoise, RandomSub(pass, layer_));
    parallel_.For(pass.samples, [&](size_t sample, int) {
      for (size_t u = 0; u < values_; ++u) {
        const size_t i = sample * values_ + u;
        const uint64_t draw = 2 * (values_ + i);  // behind the draws of the units
        const double mu = strength_ * kMeanRange * (2.0 * rng.Uniform(2 * u) - 1.0);
        const double sigma = 1.0 + strength_ * kScaleRange * rng.Uniform(2 * u + 1);
        visit(i, sigma + strength_ * kSampleRange * rng.Normal(draw),
              mu + strength_ * kSampleRange * (2.0 * rng.Uniform(draw + 1) - 1.0));
      }
    });
  }

  Parallel& parallel_;
  size_t layer_, values_;
  double strength_;
  AlignedBuffer<float> out_;
};

}  // namespace

std::unique_ptr<Block> MakeJitterBlock(Parallel& parallel, size_t layer, size_t capacity, size_t values,
                                       double strength) {
  return std::make_unique<JitterBlock>(parallel, layer, capacity, values, strength);
}

}  // namespace batchmark
