// Dense against float64: sizes around the tile, pending operands, moments by groups, long inputs
// that are cut into chunks, and equal bits for any number of threads.
#include "core/ops/dense.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/ops/pointwise.h"
#include "core/simd/gemm_tile.h"
#include "tests/core/product_util.h"
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
using testing::PendingData;
using testing::PendingGradData;
using testing::RandomFloats;
using testing::SameBits;
using testing::Sizes;
using testing::ToDouble;
using Form = PendingGrad::Form;
using Outputs = testing::LayerOutputs;

struct Options : testing::LayerOptions {
  size_t positions = 1;  // of the flattened source
};

struct Problem {
  Problem(size_t samples, size_t channels_in, size_t outputs, const Options& options = {})
      : n(samples),
        in(channels_in * options.positions),
        out(outputs),
        o(options),
        groups{samples, options.group_size, options.groups},
        src(testing::MakePending(o.positions, channels_in, groups, o.affine, o.in_act, 10)),
        dz(testing::MakePendingGrad(1, out, groups, o.form, o.grad_act, 20)),
        weights(RandomFloats(in * out, 30)),
        bias(RandomFloats(out, 31)) {}

  Outputs Run(int threads) const {
    Parallel parallel(threads);
    Dense dense(parallel, {n + 3, in, out}, true);
    Outputs r;
    r.dst = AlignedBuffer<float>(n * out);
    r.d_src = AlignedBuffer<float>(n * in);
    r.d_weights = AlignedBuffer<float>(in * out);
    r.d_bias = AlignedBuffer<float>(out);
    r.moments = TileMoments(n, out);
    dense.Forward(n, src.pending, weights.data(), bias.data(), o.out_act, r.dst.data(), groups,
                  &r.moments);
    dense.Backward(n, src.pending, dz.pending, weights.data(), r.d_src.data(), r.d_weights.data(),
                   r.d_bias.data());
    return r;
  }

  void Check() const {
    const Outputs r = Run(1);
    const bool in_map = !src.pending.IsPlain(), grad_map = o.form != Form::kPlain;
    const std::vector<double> x = src.Value(), g = dz.Value(),
                              w = ToDouble(weights.data(), weights.size());
    const std::vector<double> x_size = Sizes(x, in_map), g_size = Sizes(g, grad_map),
                              w_size = Absolute(w);

    std::vector<double> dst(n * out), size(n * out);
    reference::Gemm(n, out, in, x.data(), in, 1, w.data(), out, 1, dst.data());
    reference::Gemm(n, out, in, x_size.data(), in, 1, w_size.data(), out, 1, size.data());
    for (size_t i = 0; i < dst.size(); ++i) {
      dst[i] = reference::Activate(testing::ReferenceAct(o.out_act), dst[i] + bias[i % out]);
      size[i] += std::abs(bias[i % out]) + 1.0;
    }
    CHECK(Compare(r.dst.data(), dst, Bound(in, size, in_map)) == "");

    std::vector<double> d_src(n * in), d_src_size(n * in);
    reference::Gemm(n, in, out, g.data(), out, 1, w.data(), 1, out, d_src.data());
    reference::Gemm(n, in, out, g_size.data(), out, 1, w_size.data(), 1, out, d_src_size.data());
    CHECK(Compare(r.d_src.data(), d_src, Bound(out, d_src_size, grad_map)) == "");

    std::vector<double> d_weights(in * out), dw_size(in * out);
    reference::Gemm(in, out, n, x.data(), 1, in, g.data(), out, 1, d_weights.data());
    reference::Gemm(in, out, n, x_size.data(), 1, in, g_size.data(), out, 1, dw_size.data());
    CHECK(Compare(r.d_weights.data(), d_weights, Bound(n, dw_size, in_map || grad_map)) == "");

    std::vector<double> d_bias(out), db_size(out);
    for (size_t i = 0; i < g.size(); ++i) d_bias[i % out] += g[i], db_size[i % out] += g_size[i];
    CHECK(Compare(r.d_bias.data(), d_bias, Bound(n, db_size, grad_map)) == "");
    CheckMoments(r);
    CheckDescent(r);
    CheckBlocks(r);
  }

  // Blocks of d_src are told once each, complete, and are all of it.
  size_t CheckBlocks(const Outputs& r) const {
    Parallel parallel(2);
    Dense dense(parallel, {n + 3, in, out}, true);
    const size_t channels = in / o.positions, count = dense.Blocks(n, channels);
    if (count == 0) return 0;
    std::vector<MapBlock> told(count);
    AlignedBuffer<float> d_src(n * in), copy(n * in);
    std::fill(copy.begin(), copy.end(), -77.0f);
    std::atomic<size_t> calls{0};
    GradientBlocks blocks{.done = [&](const MapBlock& block) {
      if (block.index < count) told[block.index] = block;
      ++calls;
      for (size_t s = block.sample; s < block.sample + block.samples; ++s) {
        const size_t at = s * in + block.position * channels;
        std::copy_n(d_src.data() + at, block.positions * channels, copy.data() + at);
      }
    }};
    blocks.beside = src.pending.v;
    dense.Backward(n, src.pending, dz.pending, weights.data(), d_src.data(), nullptr,
                   AlignedBuffer<float>(out).data(), blocks);
    CHECK(calls == count);
    size_t floats = 0;
    for (const MapBlock& block : told) floats += block.samples * block.positions * channels;
    CHECK(floats == n * in);
    CHECK(SameBits(d_src, r.d_src));
    CHECK(SameBits(copy, r.d_src));
    return count;
  }

  // A step within the backward pass has the bits of one behind it.
  void CheckDescent(const Outputs& r) const {
    Parallel parallel(1);
    Dense dense(parallel, {n, in, out}, true);
    if (!dense.CanDescend(n)) return;
    const SgdStep sgd{.lr = 0.3f, .weight_decay = 0.125f};
    AlignedBuffer<float> stepped = RandomFloats(in * out, 30), d_src(n * in), d_bias(out);
    dense.Descend(n, src.pending, dz.pending, sgd, stepped.data(), d_src.data(), d_bias.data());
    AlignedBuffer<float> expected = RandomFloats(in * out, 30);
    SgdUpdate(parallel, in * out, sgd.lr, 0.0f, sgd.weight_decay, r.d_weights.data(), nullptr,
              expected.data());
    CHECK(SameBits(stepped, expected));
    CHECK(SameBits(d_src, r.d_src));
    CHECK(SameBits(d_bias, r.d_bias));
  }

  void CheckMoments(const Outputs& r) const {
    const MomentTiles tiles(groups, 1);
    for (size_t t = 0; t < tiles.tiles.size(); ++t) {
      const size_t begin = tiles.tiles[t].row_begin, end = tiles.tiles[t].row_end;
      testing::CheckTileMoments(r.dst.data() + begin * out, end - begin, out,
                                r.moments.mean.data() + t * out, r.moments.m2.data() + t * out);
    }
  }

  size_t n, in, out;
  Options o;
  SampleGroups groups;
  PendingData src;
  PendingGradData dz;
  AlignedBuffer<float> weights, bias;
};

void CheckDense(size_t n, size_t channels_in, size_t out, const Options& options = {}) {
  INFO(n << " x " << channels_in << " x " << out << ", positions " << options.positions);
  Problem(n, channels_in, out, options).Check();
}

TEST_CASE("dense: samples, inputs and outputs around the tile") {
  ForEachBackend([] {
    const TileGeometry tile = ActiveTileGeometry();
    for (size_t n = 1; n <= tile.rows + 1; ++n) CheckDense(n, 6, tile.lanes + 1);
    for (size_t out = 1; out <= 2 * tile.panel + 1; out += 3) CheckDense(4, 7, out);
    for (size_t in = 1; in <= 2 * tile.panel + 1; in += 3) CheckDense(3, in, 10);
  });
}

TEST_CASE("dense: pending sources and gradients, in groups with a remainder, moments by group") {
  ForEachBackend([] {
    for (const Activation act : kActivations) {
      for (const Form form : kGradForms) {
        Options o;
        o.positions = 6, o.affine = form != Form::kActivation;
        o.in_act = act, o.out_act = act, o.grad_act = act, o.form = form;
        o.group_size = 3, o.groups = 2;
        CheckDense(8, 5, 19, o);
      }
    }
  });
}

// 36 and 84 are four beyond whole vectors of 16 and of 8.
TEST_CASE("dense: few inputs and outputs beyond whole vectors") {
  ForEachBackend([] {
    for (const Activation act : {Activation::kNone, Activation::kRelu, Activation::kSigmoid}) {
      for (const Form form : {Form::kPlain, Form::kNormAct}) {
        Options o;
        o.positions = 6, o.affine = form != Form::kPlain, o.form = form;
        o.in_act = act, o.out_act = act, o.grad_act = act;
        CheckDense(70, 14, 36, o);
      }
    }
  });
}

TEST_CASE("dense: random sizes, maps and activations") {
  ForEachBackend([] {
    testing::Draws draws(1);
    for (int i = 0; i < 200; ++i) {
      Options o;
      o.positions = draws.Coin() ? 1 : draws.Of(2, 6);
      o.affine = draws.Coin(), o.in_act = draws.From(kActivations),
      o.out_act = draws.From(kActivations);
      o.form = draws.From(kGradForms), o.grad_act = draws.From(kActivations);
      const size_t n = draws.Size(150), in = draws.Size(200), out = draws.Size(150);
      if (n * in * o.positions * out <= 1000000) CheckDense(n, in, out, o);
    }
  });
}

TEST_CASE("dense: long inputs in chunks, many samples, the layers of the named networks") {
  Options o;
  o.positions = 72, o.affine = true, o.in_act = Activation::kRelu, o.form = Form::kNormAct;
  CheckDense(32, 64, 64, o);  // 4608 inputs
  o.out_act = Activation::kRelu;
  CheckDense(3, 64, 33, o);
  CheckDense(60, 784, 100);
  CheckDense(60, 100, 100);
  CheckDense(150, 64, 10);
  Options groups;
  groups.group_size = 130, groups.groups = 2;  // tiles of 64, 64, 2 and of 64, 6
  CheckDense(200, 20, 40, groups);
}

TEST_CASE(
    "dense: the input's gradient comes by blocks of whole positions, or says that it does not") {
  ForEachBackend([] {
    Options o;
    o.positions = 96;
    const auto blocks = [&](size_t n, size_t channels, size_t out) {
      const Problem problem(n, channels, out, o);
      return problem.CheckBlocks(problem.Run(1));
    };
    const bool whole = 8 * ActiveTileGeometry().panel % 64 == 0;  // what a task takes
    for (const size_t n : {17, 32, 128}) {
      for (const size_t out : {24, 100, 128}) {
        CAPTURE(n, out);
        CHECK((blocks(n, 64, out) > 1) == whole);
      }
    }
    CHECK(blocks(32, 60, 64) == 0);    // tasks end within positions
    CHECK(blocks(128, 64, 400) == 0);  // sums over several slices
  });
}

// A batch of 60 has its inputs cut into chunks, one of 100 does not.
TEST_CASE("dense: a batch below the capacity has the bits of a layer of its own size") {
  ForEachBackend([] {
    Parallel parallel(2);
    const DenseShape large{100, 784, 100}, small{60, 784, 100};
    const AlignedBuffer<float> x = RandomFloats(60 * 784, 1), w = RandomFloats(784 * 100, 2);
    const AlignedBuffer<float> bias = RandomFloats(100, 3);
    const auto forward = [&](const DenseShape& shape) {
      AlignedBuffer<float> y(60 * 100);
      const SampleGroups groups{.samples = 60};
      Dense(parallel, shape, true)
          .Forward(60, PlainPending(x.data(), 1, 784, 60), w.data(), bias.data(), Activation::kRelu,
                   y.data(), groups, nullptr);
      return y;
    };
    CHECK(SameBits(forward(large), forward(small)));
  });
}

// A batch of 600 is held over three slices, one of 2100 is cut.
TEST_CASE("dense: a step in the backward pass wants sums that are complete before they leave") {
  Parallel parallel(1);
  CHECK(Dense(parallel, {128, 40, 10}, true).CanDescend(128));
  CHECK(Dense(parallel, {600, 40, 10}, true).CanDescend(600));
  CHECK_FALSE(Dense(parallel, {2100, 40, 60}, true).CanDescend(2100));
  ForEachBackend([] {
    CheckDense(300, 40, 33);
    CheckDense(600, 40, 10);
    CheckDense(100, 600, 150);
  });
}

TEST_CASE("dense: the same bits for 1, 2, 3 and 8 threads") {
  ForEachBackend([] {
    Options o;
    o.positions = 50, o.affine = true, o.in_act = Activation::kRelu, o.form = Form::kNormAct;
    const Problem problem(40, 64, 36, o);
    const Outputs one = problem.Run(1);
    for (const int threads : {2, 3, 8}) {
      const Outputs many = problem.Run(threads);
      CHECK(SameBits(one.dst, many.dst));
      CHECK(SameBits(one.d_src, many.d_src));
      CHECK(SameBits(one.d_weights, many.d_weights));
      CHECK(SameBits(one.d_bias, many.d_bias));
      CHECK(SameBits(one.moments.mean, many.moments.mean));
    }
  });
}

}  // namespace
}  // namespace batchmark
