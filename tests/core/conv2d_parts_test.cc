// Conv2d by parts, with the bits of the whole: one pass alone, samples of the input's gradient
// handed on, dz in the place of dy, weight gradients of samples that come one by one.
#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/core/conv2d_util.h"
#include "tests/support/catch.h"
#include "tests/support/for_each_backend.h"

namespace batchmark {
namespace {

using Form = PendingGrad::Form;
using Options = testing::LayerOptions;
using Outputs = testing::LayerOutputs;
using Problem = testing::ConvProblem;

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
    // 20: rows that end within a vector stay away from dy.
    for (const size_t channels : {32u, 20u}) {
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

}  // namespace
}  // namespace batchmark
