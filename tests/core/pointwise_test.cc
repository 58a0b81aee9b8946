// Pooling, dropout, loss, optimizer and scans on every backend: against the float64 reference, at
// every tail, with values that are not finite, and with equal bits for any number of threads.
#include "core/ops/pointwise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/parallel.h"
#include "core/base/rng.h"
#include "core/reference/reference.h"
#include "tests/support/activation_pairs.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/for_each_backend.h"
#include "tests/support/norm_tolerance.h"
#include "tests/support/normal_floats.h"

namespace batchmark {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<double> ToDouble(const std::vector<float>& x) { return {x.begin(), x.end()}; }

Pending Plain(const std::vector<float>& x, size_t samples, size_t positions, size_t channels) {
  return PlainPending(x.data(), positions, channels, samples);
}

TEST_CASE("max-pool: forward and backward equal the reference at every tail") {
  ForEachBackend([] {
    Parallel parallel(1);
    const size_t lanes = ActiveVectorBytes() / sizeof(float);
    for (size_t channels = 1; channels <= 2 * lanes + 1; ++channels) {
      for (const auto& [h, w] : {std::pair<size_t, size_t>{2, 2}, {5, 4}, {4, 7}, {1, 3}}) {
        const size_t n = 2, out = n * (h / 2) * (w / 2) * channels;
        const std::vector<float> x = NormalFloats(n * h * w * channels, channels);
        const std::vector<float> g = NormalFloats(out, channels + 100);
        std::vector<float> y(out), dx(x.size(), kNaN);
        std::vector<uint8_t> arg(out), exact_arg(out);
        MaxPool2Forward(parallel, n, h, w, Plain(x, n, h * w, channels), y.data(), arg.data());
        MaxPool2Backward(parallel, n, h, w, channels, g.data(), arg.data(), dx.data());
        std::vector<double> exact_y(out), exact_dx(x.size());
        reference::MaxPool2Forward(n, h, w, channels, ToDouble(x).data(), exact_y.data(),
                                   exact_arg.data());
        reference::MaxPool2Backward(n, h, w, channels, ToDouble(g).data(), exact_arg.data(),
                                    exact_dx.data());
        CHECK(ToDouble(y) == exact_y);
        CHECK(arg == exact_arg);
        CHECK(ToDouble(dx) == exact_dx);
      }
    }
  });
}

TEST_CASE("max-pool: applies the pending map of each group before it compares") {
  ForEachBackend([] {
    Parallel parallel(1);
    const size_t n = 3, h = 4, w = 4, channels = 5;
    const std::vector<float> x = NormalFloats(n * h * w * channels, 1);
    const std::vector<float> scale = NormalFloats(2 * channels, 2),
                             shift = NormalFloats(2 * channels, 3);
    for (const auto& [act, exact_act] : kActivationPairs) {
      Pending p = Plain(x, n, h * w, channels);
      p.scale = scale.data(), p.shift = shift.data(), p.act = act;
      p.groups = {n, 2, 2};
      std::vector<double> mapped(x.size());
      for (size_t i = 0; i < x.size(); ++i) {
        const size_t k = p.groups.Of(i / (h * w * channels)) * channels + i % channels;
        mapped[i] = reference::Activate(exact_act, double{scale[k]} * x[i] + double{shift[k]});
      }
      const size_t out = n * 4 * channels;
      std::vector<float> y(out);
      std::vector<double> exact(out);
      std::vector<uint8_t> arg(out), exact_arg(out);
      MaxPool2Forward(parallel, n, h, w, p, y.data(), arg.data());
      reference::MaxPool2Forward(n, h, w, channels, mapped.data(), exact.data(), exact_arg.data());
      CHECK(arg == exact_arg);
      const Worst worst = FindWorst(
          y.data(), out, [&](size_t i) { return exact[i]; }, [](size_t) { return 1e-6; });
      INFO(worst.text);
      CHECK(worst.Ok());
    }
  });
}

TEST_CASE("max-pool: first maximum wins, the first NaN beats every number") {
  ForEachBackend([] {
    Parallel parallel(1);
    const auto pool = [&](std::vector<float> window, float* value) {
      uint8_t arg = 9;
      MaxPool2Forward(parallel, 1, 2, 2, Plain(window, 1, 4, 1), value, &arg);
      return int{arg};
    };
    float y;
    CHECK(pool({1, 3, 3, 2}, &y) == 1);
    CHECK(pool({-kInf, -kInf, -kInf, -kInf}, &y) == 0);
    CHECK(pool({1, kNaN, kInf, kNaN}, &y) == 1);
    CHECK(std::isnan(y));
    CHECK(pool({kNaN, 1, 2, 3}, &y) == 0);
    CHECK(std::isnan(y));
    CHECK(pool({1, kInf, 2, 3}, &y) == 1);
    CHECK(y == kInf);
  });
}

TEST_CASE("dropout: the mask is a function of seed, sub and index") {
  const float rate = 0.3f;
  ForEachBackend([&] {
    for (const size_t channels : {size_t{1}, size_t{7}, size_t{64}, size_t{301}}) {
      const size_t n = 37;
      const std::vector<float> x(n * channels, 2.0f);
      std::vector<float> y(x.size());
      const Rng rng(11, RngStream::kDropout, 5);
      Parallel parallel(1);
      Dropout(parallel, n, Plain(x, n, 1, channels), rate, 11, 5, y.data());
      size_t wrong = 0;
      for (size_t i = 0; i < y.size(); ++i) {
        const bool keep = rng.UniformFloat(i) >= rate;
        wrong += y[i] != (keep ? 2.0f * (1.0f / (1.0f - rate)) : 0.0f);
      }
      CHECK(wrong == 0);
      // A shorter batch has the same mask at the same index; another sub or seed has another.
      std::vector<float> part(y.size()), other(y.size());
      Dropout(parallel, n - 4, Plain(x, n, 1, channels), rate, 11, 5, part.data());
      CHECK(SameBits(part.data(), y.data(), (n - 4) * channels));
      if (channels > 1) {
        Dropout(parallel, n, Plain(x, n, 1, channels), rate, 11, 6, other.data());
        CHECK(other != y);
        Dropout(parallel, n, Plain(x, n, 1, channels), rate, 12, 5, other.data());
        CHECK(other != y);
      }
    }
  });
}

TEST_CASE("dropout: keeps the share it should, backs up in place, rate 0 is the identity") {
  ForEachBackend([] {
    Parallel parallel(2);
    const size_t n = 300, channels = 400;  // more than one chunk
    const std::vector<float> x(n * channels, 1.0f);
    std::vector<float> y(x.size());
    Dropout(parallel, n, Plain(x, n, 1, channels), 0.4f, 3, 0, y.data());
    const double kept =
        static_cast<double>(std::count_if(y.begin(), y.end(), [](float v) { return v != 0; }));
    const double size = static_cast<double>(y.size());
    CHECK(std::abs(kept / size - 0.6) < 5.0 * std::sqrt(0.24 / size));
    std::vector<float> g = x;
    Dropout(parallel, n, Plain(g, n, 1, channels), 0.4f, 3, 0, g.data());
    CHECK(g == y);
    Dropout(parallel, n, Plain(x, n, 1, channels), 0.0f, 3, 0, y.data());
    CHECK(y == x);
  });
}

struct Loss {
  double mean;
  std::vector<float> losses, gradient;
  std::vector<uint8_t> correct;
};

Loss RunLoss(int threads, size_t n, size_t classes, const std::vector<float>& logits,
             const std::vector<uint8_t>& labels) {
  Parallel parallel(threads);
  Loss r{0.0, std::vector<float>(n), std::vector<float>(n * classes), std::vector<uint8_t>(n)};
  r.mean = SoftmaxCrossEntropy(parallel, n, classes, logits.data(), labels.data(),
                               r.gradient.data(), r.losses.data(), r.correct.data());
  std::vector<float> losses(n);
  std::vector<uint8_t> correct(n);
  const double without = SoftmaxCrossEntropy(parallel, n, classes, logits.data(), labels.data(),
                                             nullptr, losses.data(), correct.data());
  CHECK(SameBits(&without, &r.mean, 1));  // the gradient is optional and changes nothing
  CHECK(correct == r.correct);
  return r;
}

TEST_CASE("softmax cross-entropy: equals the reference for every number of classes") {
  ForEachBackend([] {
    const size_t lanes = ActiveVectorBytes() / sizeof(float);
    for (size_t classes = 1; classes <= 2 * lanes + 1; ++classes) {
      for (const double sd : {1.0, 30.0}) {
        const size_t n = 19;
        const std::vector<float> logits = NormalFloats(n * classes, classes, 0.0, sd);
        std::vector<uint8_t> labels(n);
        for (size_t s = 0; s < n; ++s) labels[s] = static_cast<uint8_t>((s * 7) % classes);
        const Loss r = RunLoss(1, n, classes, logits, labels);
        std::vector<double> exact(n * classes);
        const double mean = reference::SoftmaxCrossEntropy(n, classes, ToDouble(logits).data(),
                                                           labels.data(), exact.data());
        // A sum of non-negative terms: relative error of the sum (classes + 4) u, of exp 1.5 ulp
        // and of the rounding of x - largest |x| u; log turns relative into absolute error.
        const double u = kUnitRoundoff, top = 6.0 * sd;
        CHECK(std::abs(r.mean - mean) <=
              (static_cast<double>(classes) + 8.0 + 2.0 * top) * u * (1.0 + mean));
        const Worst worst = FindWorst(
            r.gradient.data(), exact.size(), [&](size_t i) { return exact[i]; },
            [&](size_t) {
              return (static_cast<double>(classes) + 12.0 + 2.0 * top) * u / static_cast<double>(n);
            });
        INFO(classes << " classes: " << worst.text);
        CHECK(worst.Ok());
      }
    }
  });
}

TEST_CASE("softmax cross-entropy: correct means the first maximum is the label") {
  ForEachBackend([] {
    const Loss r = RunLoss(1, 4, 3, {1, 2, 2, 1, 2, 2, 5, 1, 1, 0, 0, 0}, {1, 2, 0, 0});
    CHECK(r.correct == std::vector<uint8_t>{1, 0, 1, 1});
    CHECK(r.losses[3] == Catch::Approx(std::log(3.0)).epsilon(1e-6));
  });
}

TEST_CASE("softmax cross-entropy: logits that are not finite") {
  ForEachBackend([] {
    // Minus infinity is a probability of 0; it costs an infinite loss only where it is the label.
    const Loss low = RunLoss(1, 2, 3, {0, -kInf, 0, 0, -kInf, 0}, {0, 1});
    CHECK(low.losses[0] == Catch::Approx(std::log(2.0)).epsilon(1e-6));
    CHECK(low.losses[1] == kInf);
    CHECK(low.mean == double{kInf});
    CHECK(low.gradient[1] == 0.0f);
    // Plus infinity and NaN give NaN, in their sample only.
    const Loss high = RunLoss(1, 3, 3, {0, kInf, 0, kNaN, 1, 2, 0, 1, kNaN}, {1, 2, 1});
    for (const float loss : high.losses) CHECK(std::isnan(loss));
    CHECK(std::isnan(high.mean));
    CHECK(high.correct[1] == 0);
    CHECK(high.correct[2] == 0);
    const Loss one = RunLoss(1, 2, 2, {kNaN, 0, 0, 0}, {0, 0});
    CHECK(std::isnan(one.losses[0]));
    CHECK(std::isfinite(one.losses[1]));
    // Large differences neither overflow nor lose the loss.
    const Loss far = RunLoss(1, 1, 2, {1000, -1000}, {1});
    CHECK(far.losses[0] == 2000.0f);
  });
}

TEST_CASE("SGD: momentum and weight decay as in the formula, at every tail") {
  ForEachBackend([] {
    Parallel parallel(1);
    const size_t lanes = ActiveVectorBytes() / sizeof(float);
    for (size_t size = 1; size <= 2 * lanes + 1; ++size) {
      for (const float momentum : {0.0f, 0.9f}) {
        for (const float decay : {0.0f, 0.01f}) {
          std::vector<float> w = NormalFloats(size, 1), velocity = NormalFloats(size, 2);
          const std::vector<float> g = NormalFloats(size, 3), w0 = w, v0 = velocity;
          SgdUpdate(parallel, size, 0.1f, momentum, decay, g.data(),
                    momentum > 0 ? velocity.data() : nullptr, w.data());
          const auto step = [&](size_t i) {
            return double{g[i]} + double{decay} * w0[i] +
                   (momentum > 0 ? double{momentum} * v0[i] : 0.0);
          };
          const Worst worst = FindWorst(
              w.data(), size, [&](size_t i) { return w0[i] - double{0.1f} * step(i); },
              [&](size_t i) {
                return 4.0 * kUnitRoundoff *
                       (std::abs(w0[i]) + 0.1 * (std::abs(g[i]) + std::abs(v0[i])));
              });
          INFO(worst.text);
          CHECK(worst.Ok());
          if (momentum > 0) {
            CHECK(velocity[size - 1] == Catch::Approx(step(size - 1)).margin(1e-6));
          } else {
            CHECK(velocity == v0);
          }
        }
      }
    }
  });
}

TEST_CASE("AllFinite: finds one bad element anywhere") {
  ForEachBackend([] {
    Parallel parallel(2);
    const size_t lanes = ActiveVectorBytes() / sizeof(float);
    for (const size_t size : {lanes - 1, 2 * lanes + 1, size_t{70001}}) {
      std::vector<float> x = NormalFloats(size, 1);
      if (size > 0) x[0] = std::numeric_limits<float>::max();
      CHECK(AllFinite(parallel, x.data(), size));
      for (size_t i = 0; i < size; i += std::max<size_t>(1, size / 13)) {
        for (const float bad : {kInf, -kInf, kNaN}) {
          const float old = x[i];
          x[i] = bad;
          CHECK_FALSE(AllFinite(parallel, x.data(), size));
          x[i] = old;
        }
      }
    }
    CHECK(AllFinite(parallel, nullptr, 0));
  });
}

TEST_CASE("pointwise: the same bits for any number of threads") {
  ForEachBackend([] {
    const size_t n = 9, h = 26, w = 27, channels = 35;
    const std::vector<float> x = NormalFloats(n * h * w * channels, 1);
    const std::vector<float> scale = NormalFloats(channels, 2), shift = NormalFloats(channels, 3);
    Pending p = Plain(x, n, h * w, channels);
    p.scale = scale.data(), p.shift = shift.data(), p.act = Activation::kSigmoid;
    const auto run = [&](int threads) {
      Parallel parallel(threads);
      std::vector<float> result;
      std::vector<float> y(n * 13 * 13 * channels), dx(x.size()), z(x.size());
      std::vector<uint8_t> arg(y.size());
      MaxPool2Forward(parallel, n, h, w, p, y.data(), arg.data());
      MaxPool2Backward(parallel, n, h, w, channels, y.data(), arg.data(), dx.data());
      Dropout(parallel, n, p, 0.5f, 1, 2, z.data());
      SgdUpdate(parallel, x.size(), 0.1f, 0.0f, 0.1f, dx.data(), nullptr, z.data());
      for (const std::vector<float>* part : {&y, &dx, &z})
        result.insert(result.end(), part->begin(), part->end());
      return result;
    };
    const std::vector<float> one = run(1);
    for (const int threads : {2, 3, 8})
      CHECK(SameBits(one.data(), run(threads).data(), one.size()));

    const size_t rows = 9000, classes = 10;
    const std::vector<float> logits = NormalFloats(rows * classes, 4);
    const std::vector<uint8_t> labels(rows, 3);
    const Loss first = RunLoss(1, rows, classes, logits, labels);
    for (const int threads : {2, 3, 8}) {
      const Loss r = RunLoss(threads, rows, classes, logits, labels);
      CHECK(SameBits(&first.mean, &r.mean, 1));
      CHECK(SameBits(first.gradient.data(), r.gradient.data(), r.gradient.size()));
    }
  });
}

}  // namespace
}  // namespace batchmark
