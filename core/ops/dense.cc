#include "core/ops/dense.h"

#include <algorithm>

#include "core/base/aligned.h"
#include "core/base/check.h"
#include "core/ops/batch_norm.h"
#include "core/ops/product.h"
#include "core/simd/batch_norm_rows.h"
#include "core/simd/gemm_sums.h"

namespace batchmark {
namespace {

// The tiles of MomentTiles(groups, 1), without building a list.
void GatherRows(const float* x, const SampleGroups& groups, size_t channels, TileMoments& out) {
  size_t tile = 0;
  for (size_t group = 0; group < groups.count; ++group) {
    const size_t end = groups.End(group);
    for (size_t row = groups.Begin(group); row < end; row += MomentTiles::kDenseTileRows, ++tile) {
      const size_t rows = std::min(MomentTiles::kDenseTileRows, end - row);
      TileMomentsRows(x + row * channels, rows, channels, out.mean.data() + tile * channels,
                      out.m2.data() + tile * channels);
    }
  }
}

}  // namespace

struct Dense::State {
  State(Parallel& p, const DenseShape& s, bool training)
      : parallel(p),
        shape(s),
        forward(p, Place::kLayer, false, false, s.samples, s.out, s.in),
        weights(p, Place::kLayer, true, false, training ? s.in : 0, training ? s.out : 0,
                training ? s.samples : 0),
        data(p, Place::kLayer, false, true, training ? s.samples : 0, training ? s.in : 0,
             training ? s.out : 0),
        dz(training ? s.samples * s.out : 0) {}

  // The gradient of the linear output, in memory; its column sums are d_bias.
  const float* FormGradient(size_t n, const Pending& src, const PendingGrad& pending,
                            float* d_bias) {
    BATCHMARK_CHECK(n <= shape.samples && dz.size() >= n * shape.out);
    BATCHMARK_CHECK(src.positions * src.channels == shape.in);
    BATCHMARK_CHECK(pending.positions * pending.channels == shape.out);
    const float* grad = pending.dy;
    if (pending.form != PendingGrad::Form::kPlain) {
      Resolve(parallel, n, pending, dz.data());
      grad = dz.data();
    }
    ColumnSums(n, shape.out, grad, shape.out, false, d_bias);
    return grad;
  }

  void InputGradient(size_t n, const float* grad, const float* w, float* d_src, size_t channels,
                     const GradientBlocks& blocks) {
    const std::function<void(const ProductBlock&)> done = [&blocks, channels](const auto& b) {
      blocks.done({b.index, b.row, b.rows, b.column / channels, b.columns / channels});
    };
    ProductOperands o;
    if (blocks.done) o.done = &done, o.beside = blocks.beside;
    o.a = grad, o.a_row = shape.out;
    o.b = w, o.b_row = shape.out;
    o.c = d_src, o.c_row = shape.in;
    data.Run(n, shape.in, shape.out, o);
  }

  // to: the gradient, or with sgd the weights.
  void WeightGradient(size_t n, const Pending& src, const float* grad, const SgdStep* sgd,
                      float* to) {
    ProductOperands o;
    o.a = src.v, o.a_row = shape.in;
    o.a_pending = src.IsPlain() ? nullptr : &src;
    o.b = grad, o.b_row = shape.out;
    o.c = to, o.c_row = shape.out;
    o.sgd = sgd;
    weights.Run(shape.in, shape.out, n, o);
  }

  Parallel& parallel;
  DenseShape shape;
  Product forward, weights, data;
  AlignedBuffer<float> dz;  // the resolved gradient: every task reads all of it
};

Dense::Dense(Parallel& parallel, const DenseShape& shape, bool training) {
  BATCHMARK_CHECK(shape.samples > 0 && shape.in > 0 && shape.out > 0);
  state_ = std::make_unique<State>(parallel, shape, training);
}
Dense::~Dense() = default;
Dense::Dense(Dense&&) noexcept = default;

void Dense::Forward(size_t n, const Pending& src, const float* weights, const float* bias,
                    Activation act, float* dst, const SampleGroups& groups, TileMoments* moments) {
  State& s = *state_;
  BATCHMARK_CHECK(n <= s.shape.samples && src.positions * src.channels == s.shape.in);
  ProductOperands o;
  o.a = src.v, o.a_row = s.shape.in;
  o.a_pending = src.IsPlain() ? nullptr : &src;
  o.b = weights, o.b_row = s.shape.out;
  o.c = dst, o.c_row = s.shape.out;
  o.bias = bias, o.act = act;
  s.forward.Run(n, s.shape.out, s.shape.in, o);
  if (moments != nullptr) GatherRows(dst, groups, s.shape.out, *moments);
}

void Dense::Backward(size_t n, const Pending& src, const PendingGrad& dz, const float* weights,
                     float* d_src, float* d_weights, float* d_bias, const GradientBlocks& blocks) {
  State& s = *state_;
  const float* grad = s.FormGradient(n, src, dz, d_bias);
  if (d_src != nullptr) s.InputGradient(n, grad, weights, d_src, src.channels, blocks);
  if (d_weights != nullptr) s.WeightGradient(n, src, grad, nullptr, d_weights);
}

void Dense::Descend(size_t n, const Pending& src, const PendingGrad& dz, const SgdStep& sgd,
                    float* weights, float* d_src, float* d_bias, const GradientBlocks& blocks) {
  State& s = *state_;
  const float* grad = s.FormGradient(n, src, dz, d_bias);
  if (d_src != nullptr) s.InputGradient(n, grad, weights, d_src, src.channels, blocks);
  s.WeightGradient(n, src, grad, &sgd, weights);
}

size_t Dense::Blocks(size_t n, size_t channels) const {
  const DenseShape& s = state_->shape;
  return state_->data.Blocks(n, s.in, s.out, s.out, channels);
}

bool Dense::CanDescend(size_t n) const {
  return state_->weights.SumsAtOnce(state_->shape.in, state_->shape.out, n);
}

}  // namespace batchmark
