#include "core/ops/dense.h"

#include <algorithm>

#include "core/base/aligned.h"
#include "core/base/check.h"
#include "core/ops/batch_norm.h"
#include "core/ops/product.h"
#include "core/simd/batch_norm_rows.h"
#include "core/simd/gemm_pack.h"

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
        forward(p, false, false, s.samples, s.out, s.in),
        weights(p, true, false, training ? s.in : 0, training ? s.out : 0,
                training ? s.samples : 0),
        data(p, false, true, training ? s.samples : 0, training ? s.in : 0, training ? s.out : 0),
        dz(training ? s.samples * s.out : 0) {}
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
                     float* d_src, float* d_weights, float* d_bias) {
  State& s = *state_;
  const size_t in = s.shape.in, out = s.shape.out;
  BATCHMARK_CHECK(n <= s.shape.samples && s.dz.size() >= n * out);
  BATCHMARK_CHECK(src.positions * src.channels == in && dz.positions * dz.channels == out);
  const float* grad = dz.dy;
  if (dz.form != PendingGrad::Form::kPlain) {
    Resolve(s.parallel, n, dz, s.dz.data());
    grad = s.dz.data();
  }
  ColumnSums(n, out, grad, out, false, d_bias);
  if (d_weights != nullptr) {
    ProductOperands o;
    o.a = src.v, o.a_row = in;
    o.a_pending = src.IsPlain() ? nullptr : &src;
    o.b = grad, o.b_row = out;
    o.c = d_weights, o.c_row = out;
    s.weights.Run(in, out, n, o);
  }
  if (d_src != nullptr) {
    ProductOperands o;
    o.a = grad, o.a_row = out;
    o.b = weights, o.b_row = out;
    o.c = d_src, o.c_row = in;
    s.data.Run(n, in, out, o);
  }
}

}  // namespace batchmark
