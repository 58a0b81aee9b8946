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
#include "tests/core/product_util.h"
#include "tests/support/catch.h"
#include "tests/support/for_each_backend.h"
#include "tests/support/tolerance.h"

namespace batchmark {
namespace {

using testing::Absolute;
using testing::Compare;
using testing::PendingData;
using testing::PendingGradData;
using testing::RandomFloats;
using testing::ToDouble;
using Form = PendingGrad::Form;

struct Options {
  bool affine = false;
  Activation in_act = Activation::kNone, out_act = Activation::kNone;
  Form form = Form::kPlain;
  Activation grad_act = Activation::kRelu;
  size_t group_size = 0, groups = 1;
};

struct Outputs {
  AlignedBuffer<float> dst, d_src, d_weights, d_bias;
  TileMoments moments;
};

struct Problem {
  Problem(const Conv2dShape& shape, size_t samples, const Options& options)
      : s(shape),
        n(samples),
        o(options),
        groups{samples, options.group_size, options.groups},
        out_positions(s.OutHeight() * s.OutWidth()),
        src(testing::MakePending(s.height * s.width, s.channels_in, groups, o.affine, o.in_act,
                                 10)),
        dz(testing::MakePendingGrad(out_positions, s.channels_out, groups, o.form, o.grad_act, 20)),
        weights(RandomFloats(s.kernel_h * s.kernel_w * s.channels_in * s.channels_out, 30)),
        bias(RandomFloats(s.channels_out, 31)) {}

  Outputs Run(int threads) const {
    Parallel parallel(threads);
    Conv2d conv(parallel, s, true);
    Outputs out;
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

  // Slack for the rounding of the pending maps themselves: a few roundings of values of this size,
  // which every product repeats (coefficients, inputs and slopes are at most 1; 8 covers sigmoid's
  // 4 ulp).
  double MapTolerance(double absolute_sum) const { return 8 * std::pow(2.0, -24) * absolute_sum; }

  std::vector<double> Bound(size_t k, const std::vector<double>& sizes, double map_scale) const {
    std::vector<double> bound(sizes.size());
    for (size_t i = 0; i < bound.size(); ++i) {
      bound[i] = GemmTolerance(k, sizes[i]) + MapTolerance(map_scale * sizes[i]) + 1e-30;
    }
    return bound;
  }

  // Values whose map may fall on the other side of relu's kink, or cancel, are bounded by the size
  // of the map's terms, at most 3 for coefficients in [-1, 1], instead of by the value.
  static std::vector<double> Sizes(std::vector<double> value, bool mapped) {
    for (double& x : value) x = mapped ? std::abs(x) + 3.0 : std::abs(x);
    return value;
  }

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
    CheckMoments(out);
  }

  // Of the values as stored, so that only the gathering is judged: 64 roundings a block.
  void CheckMoments(const Outputs& out) const {
    const size_t channels = s.channels_out;
    for (size_t t = 0; t < n; ++t) {
      for (size_t c = 0; c < channels; ++c) {
        const float* x = out.dst.data() + t * out_positions * channels + c;
        double mean = 0, m2 = 0, size = 0;
        for (size_t p = 0; p < out_positions; ++p)
          mean += x[p * channels], size += std::abs(x[p * channels]);
        mean /= static_cast<double>(out_positions);
        for (size_t p = 0; p < out_positions; ++p) m2 += std::pow(x[p * channels] - mean, 2);
        const double u = std::pow(2.0, -24);
        CHECK(std::abs(out.moments.mean[t * channels + c] - mean) <= 64 * u * size);
        CHECK(std::abs(out.moments.m2[t * channels + c] - m2) <= 1024 * u * m2 + 1e-30);
      }
    }
  }

  Conv2dShape s;
  size_t n;
  Options o;
  SampleGroups groups;
  size_t out_positions;
  PendingData src;
  PendingGradData dz;
  AlignedBuffer<float> weights, bias;
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
        for (size_t kw = 1; kw <= 5; ++kw) CheckShape({0, 6, 7, 2, kh, kw, 3, same}, 1);
      }
    }
    CheckShape({0, 2, 2, 3, 5, 7, 4, true}, 2);
    CheckShape({0, 1, 1, 3, 3, 3, 4, true}, 2);
    CheckShape({0, 5, 5, 3, 5, 5, 4, false}, 2);
  });
}

TEST_CASE("conv2d: pending sources and gradients, in groups with a remainder") {
  ForEachBackend([] {
    const Activation acts[] = {Activation::kNone, Activation::kRelu, Activation::kSigmoid,
                               Activation::kTanh};
    const Form forms[] = {Form::kPlain, Form::kActivation, Form::kNormAct, Form::kActNorm};
    for (const bool same : {false, true}) {
      for (const Activation act : acts) {
        for (const Form form : forms) {
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

TEST_CASE("conv2d: one pass alone gives the bits of both together") {
  const Problem problem({4, 6, 7, 3, 3, 3, 20, false}, 3, {});
  const Outputs both = problem.Run(1);
  Parallel parallel(1);
  Conv2d conv(parallel, problem.s, true);
  AlignedBuffer<float> d_src(both.d_src.size()), d_weights(both.d_weights.size()), d_bias(20);
  conv.Backward(3, problem.src.pending, problem.dz.pending, problem.weights.data(), d_src.data(),
                nullptr, nullptr);
  conv.Backward(3, problem.src.pending, problem.dz.pending, problem.weights.data(), nullptr,
                d_weights.data(), d_bias.data());
  CHECK(std::memcmp(d_src.data(), both.d_src.data(), d_src.size() * sizeof(float)) == 0);
  CHECK(std::memcmp(d_weights.data(), both.d_weights.data(), d_weights.size() * sizeof(float)) ==
        0);
  CHECK(std::memcmp(d_bias.data(), both.d_bias.data(), d_bias.size() * sizeof(float)) == 0);
}

TEST_CASE(
    "conv2d: each sample of the input's gradient is handed on once, complete, and may change") {
  const size_t n = 21;
  const Problem problem({n, 6, 7, 3, 3, 3, 20, false}, n, {});
  const Outputs plain = problem.Run(1);
  Parallel parallel(3);
  Conv2d conv(parallel, problem.s, true);
  AlignedBuffer<float> d_src(plain.d_src.size()), d_weights(plain.d_weights.size()), d_bias(20);
  const size_t floats = d_src.size() / n;
  std::vector<int> calls(n), complete(n);
  conv.Backward(n, problem.src.pending, problem.dz.pending, problem.weights.data(), d_src.data(),
                d_weights.data(), d_bias.data(), [&](size_t sample, float*) {
                  float* const mine = d_src.data() + sample * floats;
                  calls[sample] += 1;
                  complete[sample] = std::equal(mine, mine + floats, &plain.d_src[sample * floats]);
                  std::fill(mine, mine + floats, 7.0f);
                });
  CHECK(calls == std::vector<int>(n, 1));
  CHECK(complete == std::vector<int>(n, 1));
  CHECK(std::count(d_src.begin(), d_src.end(), 7.0f) == static_cast<std::ptrdiff_t>(d_src.size()));
  CHECK(std::equal(d_weights.begin(), d_weights.end(), plain.d_weights.begin()));
}

TEST_CASE("conv2d: samples of the input's gradient need no place of their own") {
  const size_t n = 21;
  const Problem problem({n, 6, 7, 3, 3, 3, 20, false}, n, {});
  const Outputs plain = problem.Run(1);
  for (const bool weights_too : {true, false}) {
    Parallel parallel(3);
    Conv2d conv(parallel, problem.s, true);
    AlignedBuffer<float> d_src(plain.d_src.size()), d_weights(plain.d_weights.size()), d_bias(20);
    const size_t floats = d_src.size() / n;
    conv.Backward(n, problem.src.pending, problem.dz.pending, problem.weights.data(), nullptr,
                  weights_too ? d_weights.data() : nullptr, weights_too ? d_bias.data() : nullptr,
                  [&](size_t sample, float* mine) {
                    std::copy_n(mine, floats, d_src.data() + sample * floats);
                    std::fill(mine, mine + floats, 7.0f);
                  });
    CHECK(std::equal(d_src.begin(), d_src.end(), plain.d_src.begin()));
    if (weights_too) CHECK(std::equal(d_weights.begin(), d_weights.end(), plain.d_weights.begin()));
  }
}

TEST_CASE("conv2d: dz may take the place of dy, with the same bits") {
  ForEachBackend([] {
    Options o;
    o.form = Form::kNormAct;
    for (const size_t channels : {32u, 20u}) {  // 20: rows that end within a vector stay away from dy
      const Problem problem({9, 9, 8, 3, 3, 3, channels, false}, 9, o);
      const Outputs apart = problem.Run(2);
      Parallel parallel(2);
      Conv2d conv(parallel, problem.s, true);
      AlignedBuffer<float> d_src(apart.d_src.size()), d_weights(apart.d_weights.size());
      AlignedBuffer<float> d_bias(channels), dy(problem.dz.dy.size());
      std::copy(problem.dz.dy.begin(), problem.dz.dy.end(), dy.begin());
      PendingGrad dz = problem.dz.pending;
      dz.dy = dz.own = dy.data();
      conv.Backward(9, problem.src.pending, dz, problem.weights.data(), d_src.data(),
                    d_weights.data(), d_bias.data());
      CHECK(std::equal(d_src.begin(), d_src.end(), apart.d_src.begin()));
      CHECK(std::equal(d_weights.begin(), d_weights.end(), apart.d_weights.begin()));
      CHECK(std::equal(d_bias.begin(), d_bias.end(), apart.d_bias.begin()));
    }
  });
}

TEST_CASE("conv2d: a weight gradient sample by sample has the bits of the whole") {
  ForEachBackend([] {
    for (const size_t n : {1u, 7u, 21u, 40u}) {
      const Problem problem({40, 9, 8, 1, 3, 3, 20, false}, n, {});
      const Outputs whole = problem.Run(2);
      Parallel parallel(2);
      Conv2d conv(parallel, problem.s, true);
      REQUIRE(conv.AddsSamples());
      AlignedBuffer<float> d_weights(whole.d_weights.size()), d_bias(20);
      const size_t floats = 7 * 6 * 20;
      AlignedBuffer<float> dz(floats + 64);
      for (int repeat = 0; repeat < 2; ++repeat) {  // slots start anew
        for (size_t sample = 0; sample < n; ++sample) {
          std::copy_n(problem.dz.pending.dy + sample * floats, floats, dz.begin());
          conv.AddSample(n, sample, problem.src.pending, dz.data());
        }
        conv.MergeSamples(n, d_weights.data(), d_bias.data());
        CHECK(std::equal(d_weights.begin(), d_weights.end(), whole.d_weights.begin()));
        CHECK(std::equal(d_bias.begin(), d_bias.end(), whole.d_bias.begin()));
      }
    }
    Parallel parallel(1);
    CHECK_FALSE(Conv2d(parallel, {1, 64, 64, 64, 3, 3, 64, false}, true).AddsSamples());
    const Conv2dShape direct{1, 64, 64, 64, 3, 3, 64, false, ConvAlgorithm::kDirect};
    CHECK_FALSE(Conv2d(parallel, direct, true).AddsSamples());
    CHECK_FALSE(Conv2d(parallel, {1, 26, 26, 32, 3, 3, 64, false}, true).AddsSamples());
  });
}

TEST_CASE("conv2d: the same bits for 1, 2, 3 and 8 threads") {
  ForEachBackend([] {
    Options o;
    o.affine = true, o.in_act = Activation::kRelu, o.form = Form::kNormAct, o.group_size = 8,
    o.groups = 2;
    const Problem problem({21, 9, 15, 3, 3, 3, 20, false}, 21, o);
    const Outputs one = problem.Run(1);
    const auto same = [](const auto& x, const auto& y) {
      return std::memcmp(x.data(), y.data(), x.size() * sizeof(*x.data())) == 0;
    };
    for (const int threads : {2, 3, 8}) {
      const Outputs many = problem.Run(threads);
      CHECK(same(one.dst, many.dst));
      CHECK(same(one.d_src, many.d_src));
      CHECK(same(one.d_weights, many.d_weights));
      CHECK(same(one.d_bias, many.d_bias));
      CHECK(same(one.moments.mean, many.moments.mean));
      CHECK(same(one.moments.m2, many.moments.m2));
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
