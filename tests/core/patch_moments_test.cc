// Statistics of a convolution's output from its input's, and gradients from sums against it: both
// against the convolution itself in float64, on every backend.
#include "core/ops/patch_moments.h"

#include <cmath>
#include <vector>

#include "core/reference/reference.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/for_each_backend.h"
#include "tests/support/norm_tolerance.h"
#include "tests/support/normal_floats.h"

namespace batchmark {
namespace {

struct Case {
  Conv2dShape shape;
  double mean = 0.0;  // of the input, whose sd is 1
  size_t rows() const { return shape.samples * shape.OutHeight() * shape.OutWidth(); }
  size_t taps() const { return shape.kernel_h * shape.kernel_w; }
};

const std::vector<Case> kCases = {
    {{3, 9, 9, 1, 3, 3, 9}},    {{5, 28, 28, 1, 3, 3, 32}},
    {{2, 28, 28, 1, 5, 5, 33}}, {{4, 7, 40, 1, 2, 4, 10}, 1000.0},
    {{1, 6, 6, 1, 1, 1, 3}},    {{6, 12, 12, 1, 3, 3, 16}, 100.0},
    {{2, 30, 5, 1, 1, 5, 7}},   {{3, 66, 67, 1, 3, 1, 4}, -50.0},
};

std::vector<double> Doubles(const std::vector<float>& x) { return {x.begin(), x.end()}; }

struct Inputs {
  explicit Inputs(const Case& c)
      : x(NormalFloats(c.shape.samples * c.shape.height * c.shape.width, 1, c.mean)),
        weights(NormalFloats(c.taps() * c.shape.channels_out, 2)),
        bias(NormalFloats(c.shape.channels_out, 3)),
        z(c.rows() * c.shape.channels_out) {
    reference::ConvForward(ShapeOf(c), Doubles(x).data(), Doubles(weights).data(),
                           Doubles(bias).data(), z.data());
  }
  static reference::ConvShape ShapeOf(const Case& c) {
    const Conv2dShape& s = c.shape;
    return {s.samples, s.height, s.width, 1, s.kernel_h, s.kernel_w, s.channels_out, false};
  }
  std::vector<float> x, weights, bias;
  std::vector<double> z;  // [rows, C]
};

// Each comoment has the error of a sum of floats, relative to the deviations' sizes; an output's
// spread adds them up with the weights' products.
double SpreadBound(const Case& c, const Inputs& in, size_t channel, double rows) {
  double size = 0.0;
  for (size_t t = 0; t < c.taps(); ++t) {
    size += std::abs(double{in.weights[t * c.shape.channels_out + channel]});
  }
  return 4.0 * kBlockError * rows * size * size;
}

TEST_CASE("patch moments: the output's statistics are those of the convolution") {
  ForEachBackend([] {
    for (const Case& c : kCases) {
      CAPTURE(c.shape.height, c.shape.width, c.shape.kernel_h, c.shape.kernel_w, c.mean);
      const Inputs in(c);
      const size_t channels = c.shape.channels_out, rows = c.rows() / c.shape.samples;
      Parallel parallel(2);
      PatchMoments patches(parallel, c.shape);
      TileMoments tiles(c.shape.samples, channels);
      patches.Gather(c.shape.samples, in.x.data(), in.weights.data(), in.bias.data(), tiles);
      std::vector<double> mean(c.shape.samples * channels), m2(mean.size());
      for (size_t s = 0; s < c.shape.samples; ++s) {
        const double* const z = in.z.data() + s * rows * channels;
        const auto saved = reference::BatchNormForward(
            rows, channels, z, std::vector<double>(channels, 1.0).data(),
            std::vector<double>(channels).data(), 0.0, std::vector<double>(rows * channels).data());
        for (size_t k = 0; k < channels; ++k) {
          mean[s * channels + k] = saved.mean[k];
          m2[s * channels + k] = saved.var[k] * static_cast<double>(rows);
        }
      }
      CheckWorst("mean",
                 FindWorst(
                     tiles.mean.data(), mean.size(), [&](size_t i) { return mean[i]; },
                     [&](size_t i) {
                       return std::sqrt(SpreadBound(c, in, i % channels, 1.0) * 4.0 * kBlockError);
                     }));
      CheckWorst("m2", FindWorst(
                           tiles.m2.data(), m2.size(), [&](size_t i) { return m2[i]; },
                           [&](size_t i) {
                             return SpreadBound(c, in, i % channels, static_cast<double>(rows));
                           }));
    }
  });
}

TEST_CASE("patch moments: a constant image has no spread, and NaN stays") {
  ForEachBackend([] {
    Parallel parallel(1);
    const Conv2dShape shape{2, 9, 9, 1, 3, 3, 16};
    PatchMoments patches(parallel, shape);
    std::vector<float> x(2 * 81, 123.456f);
    const auto weights = NormalFloats(9 * 16, 4), bias = NormalFloats(16, 5);
    TileMoments tiles(2, 16);
    x[81 + 40] = NAN;
    patches.Gather(2, x.data(), weights.data(), bias.data(), tiles);
    for (size_t c = 0; c < 16; ++c) {
      CHECK(tiles.m2.data()[c] == 0.0);
      CHECK(std::isnan(tiles.mean.data()[16 + c]));
      CHECK(std::isnan(tiles.m2.data()[16 + c]));
    }
  });
}

// dz = scale g + slope z + base, formed for every row and summed against x, in float64.
TEST_CASE("patch moments: gradients are those of a formed dz") {
  for (const Case& c : kCases) {
    CAPTURE(c.shape.height, c.shape.width, c.shape.kernel_h, c.shape.kernel_w, c.mean);
    const Inputs in(c);
    const size_t channels = c.shape.channels_out, rows = c.rows();
    const auto g = NormalFloats(rows * channels, 6);
    const auto scale = NormalFloats(channels, 7), slope = NormalFloats(channels, 8);
    const auto base = NormalFloats(channels, 9);
    std::vector<double> p(c.taps() * channels), s(channels);
    reference::ConvBackwardWeights(Inputs::ShapeOf(c), Doubles(in.x).data(), Doubles(g).data(),
                                   p.data(), s.data());
    std::vector<double> dz(rows * channels), d_weights(p.size()), d_bias(channels);
    std::vector<double> mean(channels), sums(channels), size(channels);
    for (size_t i = 0; i < dz.size(); ++i) mean[i % channels] += in.z[i] / double(rows);
    for (size_t i = 0; i < dz.size(); ++i) {
      const size_t k = i % channels;
      sums[k] += double{g[i]} * (in.z[i] - mean[k]);
      dz[i] = double{scale[k]} * g[i] + double{slope[k]} * in.z[i] + base[k];
      size[k] += std::abs(scale[k] * g[i]) + std::abs(slope[k] * in.z[i]) + std::abs(base[k]);
    }
    reference::ConvBackwardWeights(Inputs::ShapeOf(c), Doubles(in.x).data(), dz.data(),
                                   d_weights.data(), d_bias.data());

    Parallel parallel(2);
    PatchMoments patches(parallel, c.shape);
    TileMoments tiles(c.shape.samples, channels);
    patches.Gather(c.shape.samples, in.x.data(), in.weights.data(), in.bias.data(), tiles);
    std::vector<float> to(p.begin(), p.end()), to_bias(s.begin(), s.end());
    std::vector<double> mean_z(channels), got(channels);
    patches.SumGradient(in.weights.data(), in.bias.data(), to.data(), to_bias.data(), mean_z.data(),
                        got.data());
    patches.MapGradient(in.weights.data(), mean_z.data(), scale.data(), slope.data(), base.data(),
                        to.data(), to_bias.data());
    // P and S are rounded to floats; P's size grows with the input's.
    const double input = 5.0 + std::abs(c.mean);
    const double share = 8.0 * kUnitRoundoff * input * double(c.taps());
    CheckWorst("sums", FindWorst(
                           got.data(), channels, [&](size_t i) { return sums[i]; },
                           [&](size_t) { return share * double(rows); }));
    CheckWorst("d_weights", FindWorst(
                                to.data(), to.size(), [&](size_t i) { return d_weights[i]; },
                                [&](size_t i) { return share * size[i % channels]; }));
    CheckWorst("d_bias", FindWorst(
                             to_bias.data(), channels, [&](size_t i) { return d_bias[i]; },
                             [&](size_t i) { return share * size[i]; }));
  }
}

TEST_CASE("patch moments: serve few taps of one channel, without padding") {
  CHECK(PatchMoments::Serves({1, 28, 28, 1, 3, 3, 32}));
  CHECK(PatchMoments::Serves({1, 28, 28, 1, 5, 5, 25}));
  CHECK_FALSE(PatchMoments::Serves({1, 28, 28, 1, 5, 5, 24}));  // more taps than outputs
  CHECK_FALSE(PatchMoments::Serves({1, 28, 28, 1, 6, 6, 64}));
  CHECK_FALSE(PatchMoments::Serves({1, 5, 5, 1, 5, 5, 32}));  // its moments' tiles are rows
  CHECK_FALSE(PatchMoments::Serves({1, 28, 28, 2, 3, 3, 32}));
  CHECK_FALSE(PatchMoments::Serves({1, 28, 28, 1, 3, 3, 32, true}));
}

}  // namespace
}  // namespace batchmark
