// A convolution with operands for its tests: pending as asked, and what all passes over it give.
#pragma once

#include "core/base/aligned.h"
#include "core/base/parallel.h"
#include "core/ops/conv2d.h"
#include "tests/core/product_util.h"

namespace batchmark::testing {

struct ConvProblem {
  ConvProblem(const Conv2dShape& shape, size_t samples, const LayerOptions& options = {})
      : s(shape),
        n(samples),
        o(options),
        groups{samples, options.group_size, options.groups},
        out_positions(s.OutHeight() * s.OutWidth()),
        src(MakePending(s.height * s.width, s.channels_in, groups, o.affine, o.in_act, 10)),
        dz(MakePendingGrad(out_positions, s.channels_out, groups, o.form, o.grad_act, 20)),
        weights(RandomFloats(s.kernel_h * s.kernel_w * s.channels_in * s.channels_out, 30)),
        bias(RandomFloats(s.channels_out, 31)) {}

  LayerOutputs Run(int threads) const {
    Parallel parallel(threads);
    Conv2d conv(parallel, s, true);
    LayerOutputs out;
    out.dst = AlignedBuffer<float>(dz.dy.size());
    out.d_src = AlignedBuffer<float>(src.v.size());
    out.d_weights = AlignedBuffer<float>(weights.size());
    out.d_bias = AlignedBuffer<float>(bias.size());
    out.moments = TileMoments(n, s.channels_out);
    conv.Forward(n, src.pending, weights.data(), bias.data(), o.out_act, out.dst.data(),
                 &out.moments);
    conv.Backward(n, src.pending, dz.pending, weights.data(), out.d_src.data(),
                  out.d_weights.data(), out.d_bias.data());
    return out;
  }

  Conv2dShape s;
  size_t n;
  LayerOptions o;
  SampleGroups groups;
  size_t out_positions;
  PendingData src;
  PendingGradData dz;
  AlignedBuffer<float> weights, bias;
};

}  // namespace batchmark::testing
