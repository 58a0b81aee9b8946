// Winograd's algorithm: its maps against their matrices, its passes against the definition in
// float64 and against the direct ones in fp32, on every backend.
#include "core/ops/winograd.h"

#include <cmath>
#include <vector>

#include "core/reference/reference.h"
#include "tests/core/conv2d_util.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/for_each_backend.h"
#include "tests/support/normal_floats.h"
#include "tests/support/tolerance.h"

namespace batchmark {
namespace {

using testing::Absolute;
using testing::SameBits;
using testing::ToDouble;

// M square M^T of elements i of arrays.
std::vector<double> Mapped(const std::vector<std::vector<double>>& m,
                           const std::vector<float>& from, size_t count, size_t i) {
  const size_t rows = m.size(), n = m[0].size();
  std::vector<double> to(rows * rows);
  for (size_t a = 0; a < rows; ++a)
    for (size_t b = 0; b < rows; ++b)
      for (size_t j = 0; j < n; ++j)
        for (size_t k = 0; k < n; ++k)
          to[a * rows + b] += m[a][j] * from[(j * n + k) * count + i] * m[b][k];
  return to;
}

// The header's matrix: a row for each point and one for infinity.
std::vector<std::vector<double>> MatrixG() {
  const std::vector<double> points = {0, .75, -.75, 1.5, -1.5};
  std::vector<std::vector<double>> g;
  for (const double p : points) {
    double factor = 1;
    for (const double q : points) factor *= q == p ? 1 : p - q;
    g.push_back({1 / factor, p / factor, p * p / factor});
  }
  g.push_back({0, 0, 1});
  return g;
}

std::vector<std::vector<double>> Transposed(const std::vector<std::vector<double>>& m) {
  std::vector<std::vector<double>> t(m[0].size(), std::vector<double>(m.size()));
  for (size_t i = 0; i < m.size(); ++i)
    for (size_t j = 0; j < m[0].size(); ++j) t[j][i] = m[i][j];
  return t;
}

TEST_CASE("winograd: maps of weights and of their gradients are those of the matrices") {
  ForEachBackend([] {
    for (const size_t count : {1u, 7u, 16u, 50u}) {
      const auto taps = NormalFloats(9 * count, 1), du = NormalFloats(36 * count, 2);
      std::vector<float> u(36 * count + 1, 7.0f), d_taps(9 * count + 1, 7.0f);
      WinogradWeights(count, count, taps.data(), u.data());
      WinogradWeightGradient(count, count, du.data(), d_taps.data());
      for (size_t i = 0; i < count; ++i) {
        const auto want_u = Mapped(MatrixG(), taps, count, i);
        const auto want_d = Mapped(Transposed(MatrixG()), du, count, i);
        for (size_t x = 0; x < 36; ++x) CHECK(std::abs(u[x * count + i] - want_u[x]) <= 1e-6 * 9);
        for (size_t x = 0; x < 9; ++x)
          CHECK(std::abs(d_taps[x * count + i] - want_d[x]) <= 1e-6 * 9);
      }
      CHECK(u.back() == 7.0f);  // nothing beyond
      CHECK(d_taps.back() == 7.0f);
    }
  });
}

// All passes over a shape by an algorithm, which is what runs.
testing::LayerOutputs Run(Conv2dShape shape, ConvAlgorithm algorithm, int threads) {
  shape.algorithm = algorithm;
  REQUIRE(Conv2d::IsWinograd(shape) == (algorithm == ConvAlgorithm::kAuto));
  return testing::ConvProblem(shape, shape.samples).Run(threads);
}

double Rms(const AlignedBuffer<float>& got, const std::vector<double>& want) {
  double sum = 0;
  for (size_t i = 0; i < got.size(); ++i) sum += std::pow(got[i] - want[i], 2);
  return std::sqrt(sum / static_cast<double>(got.size()));
}

// Worst cases of the definition's sums, and root mean squares beside the direct pass's: Winograd's
// sums are of fewer but larger terms. Of few terms k, the definition's sums have hardly an error,
// while those of the maps stay.
void CheckPass(const char* what, const AlignedBuffer<float>& got,
               const AlignedBuffer<float>& direct, const std::vector<double>& want,
               const std::vector<double>& size, size_t k) {
  CheckWorst(what, FindWorst(
                       got.data(), got.size(), [&](size_t i) { return want[i]; },
                       [&](size_t i) { return GemmTolerance(k, size[i]); }));
  CAPTURE(what, Rms(got, want), Rms(direct, want));
  constexpr size_t kFew = 100;
  CHECK(Rms(got, want) <= (k < kFew ? 6.0 : 4.0) * Rms(direct, want));
}

// The last two: a run of several samples a slot, and more tiles than a band.
const std::vector<Conv2dShape> kShapes = {
    {2, 26, 26, 32, 3, 3, 64},      {1, 7, 9, 32, 3, 3, 32, true}, {3, 6, 6, 48, 3, 3, 32},
    {1, 31, 8, 64, 3, 3, 48, true}, {1, 6, 131, 32, 3, 3, 32},     {1, 14, 14, 96, 3, 3, 80, true},
    {35, 6, 7, 32, 3, 3, 32},       {2, 35, 34, 32, 3, 3, 32},
};

TEST_CASE("winograd: passes agree with the definition in float64 as closely as direct ones") {
  ForEachBackend([] {
    for (const Conv2dShape& shape : kShapes) {
      CAPTURE(shape.height, shape.width, shape.channels_in, shape.channels_out, shape.same);
      const testing::ConvProblem p(shape, shape.samples);
      const auto got = Run(shape, ConvAlgorithm::kAuto, 2);
      const auto direct = Run(shape, ConvAlgorithm::kDirect, 2);
      const reference::ConvShape r{
          shape.samples,      shape.height, shape.width, shape.channels_in, 3, 3,
          shape.channels_out, shape.same};
      const auto x = p.src.Value(), g = p.dz.Value();
      const auto w = ToDouble(p.weights.data(), p.weights.size());
      const auto b = ToDouble(p.bias.data(), p.bias.size());
      const auto xa = Absolute(x), wa = Absolute(w), ba = Absolute(b), ga = Absolute(g);
      std::vector<double> want(g.size()), size(g.size());
      reference::ConvForward(r, x.data(), w.data(), b.data(), want.data());
      reference::ConvForward(r, xa.data(), wa.data(), ba.data(), size.data());
      CheckPass("dst", got.dst, direct.dst, want, size, 9 * shape.channels_in);
      want.assign(x.size(), 0), size = want;
      reference::ConvBackwardData(r, g.data(), w.data(), want.data());
      reference::ConvBackwardData(r, ga.data(), wa.data(), size.data());
      CheckPass("d_src", got.d_src, direct.d_src, want, size, 9 * shape.channels_out);
      want.assign(w.size(), 0), size = want;
      std::vector<double> bias(b.size());
      reference::ConvBackwardWeights(r, x.data(), g.data(), want.data(), bias.data());
      reference::ConvBackwardWeights(r, xa.data(), ga.data(), size.data(), bias.data());
      CheckPass("d_weights", got.d_weights, direct.d_weights, want, size,
                shape.samples * shape.OutHeight() * shape.OutWidth());
      CHECK(SameBits(got.d_bias, direct.d_bias));
      CHECK_FALSE(SameBits(got.dst, direct.dst));  // another algorithm did run
    }
  });
}

TEST_CASE("winograd: the same bits for 1, 2, 3 and 8 threads") {
  const Conv2dShape shape{21, 9, 8, 32, 3, 3, 32};
  const auto one = Run(shape, ConvAlgorithm::kAuto, 1);
  for (const int threads : {2, 3, 8}) {
    const auto many = Run(shape, ConvAlgorithm::kAuto, threads);
    CHECK(SameBits(one.dst, many.dst));
    CHECK(SameBits(one.d_src, many.d_src));
    CHECK(SameBits(one.d_weights, many.d_weights));
  }
}

TEST_CASE("winograd: serves 3 x 3 kernels of whole vectors of channels on both sides") {
  ForEachBackend([] {
    CHECK(Conv2d::IsWinograd({1, 26, 26, 32, 3, 3, 64}));
    CHECK_FALSE(Conv2d::IsWinograd({1, 26, 26, 32, 3, 3, 64, false, ConvAlgorithm::kDirect}));
    CHECK_FALSE(Conv2d::IsWinograd({1, 28, 28, 1, 3, 3, 32}));
    CHECK_FALSE(Conv2d::IsWinograd({1, 26, 26, 32, 5, 5, 64}));
    CHECK_FALSE(Conv2d::IsWinograd({1, 26, 26, 16, 3, 3, 64}));
    CHECK_FALSE(Conv2d::IsWinograd({1, 5, 26, 32, 3, 3, 64}));  // three rows of outputs
  });
}

}  // namespace
}  // namespace batchmark
