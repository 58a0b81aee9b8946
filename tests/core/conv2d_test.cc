// Conv2d against float64: shapes around the tile, valid and same, pending operands of every form,
// bias, activations, moments, runs of samples, and equal bits for any number of threads.
#include "core/ops/conv2d.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "core/simd/gemm_tile.h"
#include "tests/core/conv2d_util.h"
#include "tests/support/catch.h"
#include "tests/support/draws.h"
#include "tests/support/for_each_backend.h"
#include "tests/support/tolerance.h"

namespace batchmark {
namespace {

using testing::Absolute;
using testing::Bound;
using testing::Compare;
using testing::kActivations;
using testing::kGradForms;
using testing::SameBits;
using testing::Sizes;
using testing::ToDouble;
using Form = PendingGrad::Form;
using Options = testing::LayerOptions;
using Outputs = testing::LayerOutputs;

struct Problem : testing::ConvProblem {
  using ConvProblem::ConvProblem;

  void Check() const {
    const Outputs out = Run(1);
    const reference::ConvShape shape{n,          s.height,   s.width,        s.channels_in,
                                     s.kernel_h, s.kernel_w, s.channels_out, s.same};
    const std::vector<double> x = src.Value(), g = dz.Value();
    const std::vector<double> w = ToDouble(weights.data(), weights.size()),
                              b = ToDouble(bias.data(), bias.size());
    const std::vector<double> x_size = Sizes(x, !src.pending.IsPlain());
    const std::vector<double> g_size = Sizes(g, o.form != Form::kPlain);
    const std::vector<double> w_size = Absolute(w), b_size = Absolute(b);
    const double in_map = src.pending.IsPlain() ? 0.0 : 1.0,
                 grad_map = o.form == Form::kPlain ? 0.0 : 1.0;
    const size_t taps = s.kernel_h * s.kernel_w;

    std::vector<double> dst(out.dst.size()), size(out.dst.size());
    reference::ConvForward(shape, x.data(), w.data(), b.data(), dst.data());
    reference::ConvForward(shape, x_size.data(), w_size.data(), b_size.data(), size.data());
    for (double& value : dst) value = reference::Activate(testing::ReferenceAct(o.out_act), value);
    for (double& value : size) value += 1.0;  // an activation's own rounding
    CHECK(Compare(out.dst.data(), dst, Bound(taps * s.channels_in, size, in_map)) == "");

    std::vector<double> d_src(out.d_src.size()), d_src_size(out.d_src.size());
    reference::ConvBackwardData(shape, g.data(), w.data(), d_src.data());
    reference::ConvBackwardData(shape, g_size.data(), w_size.data(), d_src_size.data());
    CHECK(Compare(out.d_src.data(), d_src, Bound(taps * s.channels_out, d_src_size, grad_map)) ==
          "");

    std::vector<double> d_weights(w.size()), d_bias(b.size()), dw_size(w.size()), db_size(b.size());
    reference::ConvBackwardWeights(shape, x.data(), g.data(), d_weights.data(), d_bias.data());
    reference::ConvBackwardWeights(shape, x_size.data(), g_size.data(), dw_size.data(),
                                   db_size.data());
    const size_t k = n * out_positions;
    CHECK(Compare(out.d_weights.data(), d_weights, Bound(k, dw_size, in_map + grad_map)) == "");
    CHECK(Compare(out.d_bias.data(), d_bias, Bound(k, db_size, grad_map)) == "");
    for (size_t t = 0; t < n; ++t) {
      const size_t channels = s.channels_out;
      testing::CheckTileMoments(out.dst.data() + t * out_positions * channels, out_positions,
                                channels, out.moments.mean.data() + t * channels,
                                out.moments.m2.data() + t * channels);
    }
  }
};

std::string Name(const Conv2dShape& s) {
  std::ostringstream out;
  out << s.height << "x" << s.width << "x" << s.channels_in << " k" << s.kernel_h << "x"
      << s.kernel_w << " o" << s.channels_out << (s.same ? " same" : " valid");
  return out.str();
}

void CheckShape(Conv2dShape s, size_t n, const Options& options = {}) {
  s.samples = n + 1;  // fewer samples than the capacity
  INFO(Name(s) << " n=" << n);
  Problem(s, n, options).Check();
}

TEST_CASE("conv2d: channels around the vectors, widths around the tile") {
  ForEachBackend([] {
    const TileGeometry tile = ActiveTileGeometry();
    for (const bool same : {false, true}) {
      for (size_t out = 1; out <= tile.panel + 2; out += out < 3 ? 1 : 5) {
        CheckShape({0, 5, 6, 3, 3, 3, out, same}, 2);
      }
      for (size_t in = 1; in <= tile.panel + 2; in += in < 4 ? 1 : 7) {
        CheckShape({0, 4, 5, in, 3, 3, tile.lanes, same}, 2);
      }
      for (size_t width = 3; width <= 2 * tile.rows + 2; ++width) {
        CheckShape({0, 3, width, 2, 3, 3, 4, same}, 1);
      }
    }
  });
}

TEST_CASE("conv2d: kernels of all sizes, also larger than what they meet") {
  ForEachBackend([] {
    for (const bool same : {false, true}) {
      for (size_t kh = 1; kh <= 5; ++kh) {
        for (size_t kw = 1; kw <= 5; ++kw) {
          CheckShape({0, 6, 7, 2, kh, kw, 3, same}, 1);
          CheckShape({0, 6, 7, 2, kh, kw, 3, same}, 1, {.out_act = Activation::kRelu});
        }
      }
    }
    CheckShape({0, 2, 2, 3, 5, 7, 4, true}, 2);
    CheckShape({0, 1, 1, 3, 3, 3, 4, true}, 2);
    CheckShape({0, 5, 5, 3, 5, 5, 4, false}, 2);
  });
}

TEST_CASE("conv2d: pending sources and gradients, in groups with a remainder") {
  ForEachBackend([] {
    for (const bool same : {false, true}) {
      for (const Activation act : kActivations) {
        for (const Form form : kGradForms) {
          Options o;
          o.affine = form != Form::kActivation;
          o.in_act = act, o.out_act = act, o.grad_act = act, o.form = form;
          o.group_size = 2, o.groups = 2;  // the last group takes the remainder: 2 + 3
          CheckShape({0, 4, 6, 5, 3, 3, 18, same}, 5, o);
        }
      }
    }
  });
}

TEST_CASE("conv2d: more samples than runs, and the shapes of the seed network") {
  CheckShape({0, 4, 4, 2, 3, 3, 5, false}, 37);
  CheckShape({0, 28, 28, 1, 3, 3, 32, false}, 2);
  Options pending;
  pending.affine = true, pending.in_act = Activation::kRelu, pending.form = Form::kNormAct;
  CheckShape({0, 26, 26, 32, 3, 3, 64, false}, 2, pending);
}

TEST_CASE("conv2d: weight gradients of copied bands, groups of unequal width") {
  ForEachBackend([] {
    const TileGeometry tile = ActiveTileGeometry();
    const size_t out = tile.panel + 3;  // two panels: copied from nine strips on
    for (const bool same : {false, true}) {
      for (size_t in = tile.rows - 1; in <= 2 * tile.rows + 1; in += 2) {
        CheckShape({0, 20, 19, in, 3, 3, out, same}, 1);  // two bands
      }
      // Enough floats that vectors of 64 bytes copy, too; groups of unequal width.
      CheckShape({0, 40, 41, 2 * tile.rows + 1, 3, 3, out, same}, 1);
      CheckShape({0, 5, 300, tile.rows + 1, 3, 5, out, same}, 1);  // each row a band
      CheckShape({0, 9, 8, 1, 7, 5, out, same}, 1);                // one channel
    }
  });
}

TEST_CASE("conv2d: images of one channel, whole panels") {
  ForEachBackend([] {
    const TileGeometry tile = ActiveTileGeometry();
    for (const Activation act : {Activation::kNone, Activation::kRelu, Activation::kTanh}) {
      Options o;
      o.out_act = act;
      for (const bool same : {false, true}) {
        CheckShape({0, 7, 2 * tile.rows + 3, 1, 3, 3, 2 * tile.panel, same}, 2, o);
      }
    }
  });
}

TEST_CASE("conv2d: random shapes, maps and activations") {
  ForEachBackend([] {
    testing::Draws draws(1);
    for (int i = 0; i < 150; ++i) {
      Conv2dShape s;
      s.height = draws.Of(1, 16), s.width = draws.Of(1, 30), s.same = draws.Coin();
      s.channels_in = draws.Size(48), s.channels_out = draws.Size(48);
      s.kernel_h = draws.Coin() ? 3 : draws.Of(1, 6);
      s.kernel_w = draws.Coin() ? s.kernel_h : draws.Of(1, 6);
      const size_t n = draws.Of(1, 5), taps = s.kernel_h * s.kernel_w;
      if (!s.same && (s.kernel_h > s.height || s.kernel_w > s.width)) continue;
      if (n * s.height * s.width * taps * s.channels_in * s.channels_out > 2000000) continue;
      Options o;
      o.affine = draws.Coin(), o.in_act = draws.From(kActivations),
      o.out_act = draws.From(kActivations);
      o.form = draws.From(kGradForms), o.grad_act = draws.From(kActivations);
      CheckShape(s, n, o);
    }
  });
}

TEST_CASE("conv2d: the same bits for 1, 2, 3 and 8 threads") {
  ForEachBackend([] {
    Options o;
    o.affine = true, o.in_act = Activation::kRelu, o.form = Form::kNormAct, o.group_size = 8,
    o.groups = 2;
    const Problem problem({21, 9, 15, 3, 3, 3, 20, false}, 21, o);
    const Outputs one = problem.Run(1);
    for (const int threads : {2, 3, 8}) {
      const Outputs many = problem.Run(threads);
      CHECK(SameBits(one.dst, many.dst));
      CHECK(SameBits(one.d_src, many.d_src));
      CHECK(SameBits(one.d_weights, many.d_weights));
      CHECK(SameBits(one.d_bias, many.d_bias));
      CHECK(SameBits(one.moments.mean, many.moments.mean));
      CHECK(SameBits(one.moments.m2, many.moments.m2));
    }
  });
}

TEST_CASE(
    "conv2d: in a layer a large output of short sums is stored past the caches, with the same "
    "bits") {
  constexpr size_t kSamples = 50;  // 1.08 million floats
  ForEachBackend([] {
    for (const Conv2dShape& s : {Conv2dShape{kSamples, 28, 28, 1, 3, 3, 32, false},
                                 Conv2dShape{kSamples, 28, 28, 1, 3, 3, 48, true}}) {
      const Problem problem(s, kSamples, {});
      Parallel parallel(2);
      const Outputs alone = problem.Run(1);
      for (const bool gather : {false, true}) {
        Conv2d conv(parallel, s, true, Place::kLayer);
        AlignedBuffer<float> dst(alone.dst.size());
        TileMoments moments(kSamples, s.channels_out);
        conv.Forward(kSamples, problem.src.pending, problem.weights.data(), problem.bias.data(),
                     problem.o.out_act, dst.data(), gather ? &moments : nullptr);
        CHECK(std::memcmp(dst.data(), alone.dst.data(), dst.size() * sizeof(float)) == 0);
        if (!gather) continue;
        CHECK(std::equal(moments.mean.begin(), moments.mean.end(), alone.moments.mean.begin()));
        CHECK(std::equal(moments.m2.begin(), moments.m2.end(), alone.moments.m2.begin()));
      }
    }
  });
}

}  // namespace
}  // namespace batchmark
