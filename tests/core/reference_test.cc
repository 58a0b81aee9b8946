// The float64 reference against central differences: every backward is the derivative of its
// forward.
#include "core/reference/reference.h"

#include <cmath>
#include <vector>

#include "core/base/rng.h"
#include "tests/support/catch.h"
#include "tests/support/gradcheck.h"

namespace batchmark {
namespace {

namespace ref = reference;
using Vec = std::vector<double>;

Vec Random(size_t n, uint64_t seed) {
  Vec v(n);
  const Rng rng(seed, RngStream::kStatistics);
  for (size_t i = 0; i < n; ++i) v[i] = rng.Normal(i);
  return v;
}

double Dot(const Vec& a, const Vec& b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

TEST_CASE("reference: activations' derivative from the output") {
  for (const ref::Act act :
       {ref::Act::kNone, ref::Act::kRelu, ref::Act::kSigmoid, ref::Act::kTanh}) {
    for (const double u : {-3.0, -0.7, -0.1, 0.2, 1.0, 2.5}) {
      Vec x = {u};
      const Vec gradient = {ref::ActivateDerivative(act, ref::Activate(act, u))};
      CHECK(WorstGradientError([&] { return ref::Activate(act, x[0]); }, x, gradient) <= 1e-6);
    }
  }
  CHECK(std::isnan(ref::Activate(ref::Act::kRelu, NAN)));
}

TEST_CASE("reference: convolution's backward is its derivative") {
  for (const bool same : {false, true}) {
    for (const size_t kernel : {size_t{1}, size_t{2}, size_t{3}}) {
      const ref::ConvShape s{2, 5, 4, 3, kernel, kernel, 2, same};
      Vec src = Random(s.n * s.h * s.w * s.c_in, 1);
      Vec weights = Random(kernel * kernel * s.c_in * s.c_out, 2);
      Vec bias = Random(s.c_out, 3);
      Vec dst(s.n * s.out_h() * s.out_w() * s.c_out);
      const Vec dz = Random(dst.size(), 4);
      const auto loss = [&] {
        ref::ConvForward(s, src.data(), weights.data(), bias.data(), dst.data());
        return Dot(dst, dz);
      };
      Vec d_src(src.size()), d_weights(weights.size()), d_bias(bias.size());
      ref::ConvBackwardData(s, dz.data(), weights.data(), d_src.data());
      ref::ConvBackwardWeights(s, src.data(), dz.data(), d_weights.data(), d_bias.data());
      CHECK(WorstGradientError(loss, src, d_src) <= 1e-6);
      CHECK(WorstGradientError(loss, weights, d_weights) <= 1e-6);
      CHECK(WorstGradientError(loss, bias, d_bias) <= 1e-6);
    }
  }
}

TEST_CASE("reference: convolution with a 1x1 kernel is a matrix product") {
  const ref::ConvShape s{2, 3, 3, 4, 1, 1, 5, false};
  const Vec src = Random(2 * 9 * 4, 1), weights = Random(20, 2);
  Vec conv(2 * 9 * 5), gemm(2 * 9 * 5);
  ref::ConvForward(s, src.data(), weights.data(), nullptr, conv.data());
  ref::Gemm(18, 5, 4, src.data(), 4, 1, weights.data(), 5, 1, gemm.data());
  CHECK(conv == gemm);
}

TEST_CASE("reference: convolution by hand") {
  // 3x3 image of 1..9, 3x3 kernel of ones, same padding: neighbourhood sums.
  const ref::ConvShape s{1, 3, 3, 1, 3, 3, 1, true};
  const Vec src = {1, 2, 3, 4, 5, 6, 7, 8, 9}, weights(9, 1.0);
  Vec dst(9);
  ref::ConvForward(s, src.data(), weights.data(), nullptr, dst.data());
  CHECK(dst == Vec{12, 21, 16, 27, 45, 33, 24, 39, 28});
}

TEST_CASE("reference: batch norm's backward is its derivative") {
  for (const size_t m : {size_t{2}, size_t{3}, size_t{17}}) {
    const size_t c = 3;
    Vec z = Random(m * c, 5), gamma = Random(c, 6), beta = Random(c, 7), y(m * c);
    const Vec dy = Random(m * c, 8);
    const double eps = 1e-3;
    const auto loss = [&] {
      ref::BatchNormForward(m, c, z.data(), gamma.data(), beta.data(), eps, y.data());
      return Dot(y, dy);
    };
    const ref::BatchNormSaved saved =
        ref::BatchNormForward(m, c, z.data(), gamma.data(), beta.data(), eps, y.data());
    Vec dz(m * c), d_gamma(c), d_beta(c);
    ref::BatchNormBackward(m, c, z.data(), saved, gamma.data(), dy.data(), dz.data(),
                           d_gamma.data(), d_beta.data());
    CHECK(WorstGradientError(loss, z, dz) <= 1e-6);
    CHECK(WorstGradientError(loss, gamma, d_gamma) <= 1e-6);
    CHECK(WorstGradientError(loss, beta, d_beta) <= 1e-6);
  }
}

TEST_CASE("reference: max-pool's backward is its derivative") {
  const size_t n = 2, h = 5, w = 4, c = 3;
  Vec src = Random(n * h * w * c, 9);  // maxima are apart by much more than the difference step
  Vec dst(n * 2 * 2 * c);
  std::vector<uint8_t> arg(dst.size());
  const Vec d_dst = Random(dst.size(), 10);
  ref::MaxPool2Forward(n, h, w, c, src.data(), dst.data(), arg.data());
  Vec d_src(src.size());
  ref::MaxPool2Backward(n, h, w, c, d_dst.data(), arg.data(), d_src.data());
  const auto loss = [&] {
    ref::MaxPool2Forward(n, h, w, c, src.data(), dst.data(), arg.data());
    return Dot(dst, d_dst);
  };
  CHECK(WorstGradientError(loss, src, d_src) <= 1e-6);
}

TEST_CASE("reference: softmax cross-entropy's gradient is its derivative") {
  const size_t n = 3, classes = 7;
  Vec logits = Random(n * classes, 11);
  const std::vector<uint8_t> labels = {0, 6, 3};
  Vec gradient(logits.size());
  ref::SoftmaxCrossEntropy(n, classes, logits.data(), labels.data(), gradient.data());
  const auto loss = [&] {
    return ref::SoftmaxCrossEntropy(n, classes, logits.data(), labels.data(), nullptr);
  };
  CHECK(WorstGradientError(loss, logits, gradient) <= 1e-6);
}

}  // namespace
}  // namespace batchmark
