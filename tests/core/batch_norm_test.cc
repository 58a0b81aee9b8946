// Batch norm on every backend against the float64 reference, forward and backward: every channel
// tail, statistics groups, activations, large means; identities of the formula; equal bits for any
// number of threads.
#include "core/ops/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/parallel.h"
#include "core/reference/reference.h"
#include "tests/support/activation_pairs.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/for_each_backend.h"
#include "tests/support/norm_tolerance.h"
#include "tests/support/normal_floats.h"

namespace batchmark {
namespace {

namespace ref = reference;
using Floats = std::vector<float>;
using Doubles = std::vector<double>;

constexpr float kEps = 1e-3f;

struct Problem {
  size_t samples, positions, channels, group_size = 0;
  double mean = 0.3, sd = 1.7;
  Activation act = Activation::kNone;
  ref::Act exact_act = ref::Act::kNone;
  size_t Rows() const { return samples * positions; }
  size_t Size() const { return Rows() * channels; }
  size_t Groups() const { return group_size == 0 ? 1 : (samples + group_size - 1) / group_size; }
  size_t GroupBegin(size_t g) const { return g * group_size * positions; }
  size_t GroupEnd(size_t g) const {
    return g + 1 == Groups() ? Rows() : (g + 1) * group_size * positions;
  }
};

struct Result {
  Floats y, mean, var, dx, d_gamma, d_beta;
};

Result Run(int threads, const Problem& p, const Floats& x, const Floats& gamma, const Floats& beta,
           const Floats& dy) {
  Parallel parallel(threads);
  BatchNorm bn(parallel, p.samples, p.positions, p.channels, p.group_size);
  Result r{Floats(p.Size()),
           Floats(p.Groups() * p.channels),
           Floats(p.Groups() * p.channels),
           Floats(p.Size()),
           Floats(p.channels),
           Floats(p.channels)};
  bn.ForwardTraining(x.data(), gamma.data(), beta.data(), kEps, p.act, r.y.data(), r.mean.data(),
                     r.var.data());
  bn.Backward(x.data(), dy.data(), r.dx.data(), r.d_gamma.data(), r.d_beta.data());
  return r;
}

Doubles Part(const Floats& x, size_t begin, size_t end) {
  return {x.begin() + static_cast<std::ptrdiff_t>(begin),
          x.begin() + static_cast<std::ptrdiff_t>(end)};
}

// Forward and backward of one problem against the reference, group by group.
void CheckAgainstReference(const Problem& p, uint64_t seed) {
  const size_t c = p.channels;
  const Floats x = NormalFloats(p.Size(), seed, p.mean, p.sd);
  const Floats gamma = NormalFloats(c, seed + 1, 1.0, 0.5), beta = NormalFloats(c, seed + 2);
  const Doubles gamma64(gamma.begin(), gamma.end()), beta64(beta.begin(), beta.end());
  Floats dy = NormalFloats(p.Size(), seed + 3);
  Doubles d_gamma(c, 0.0), d_beta(c, 0.0), abs_gamma(c, 0.0), abs_beta(c, 0.0), wobble(c, 0.0);

  struct Group {
    Doubles x, u, y, dyn, dz;
    ref::BatchNormSaved saved;
    Doubles d_gamma, d_beta, mean_dyn, mean_dyn_xhat;
  };
  std::vector<Group> groups(p.Groups());
  for (size_t g = 0; g < p.Groups(); ++g) {
    Group& e = groups[g];
    const size_t begin = p.GroupBegin(g) * c, end = p.GroupEnd(g) * c, m = (end - begin) / c;
    e.x = Part(x, begin, end);
    e.u.resize(e.x.size()), e.y.resize(e.x.size()), e.dyn.resize(e.x.size()),
        e.dz.resize(e.x.size());
    e.d_gamma.resize(c), e.d_beta.resize(c), e.mean_dyn.resize(c), e.mean_dyn_xhat.resize(c);
    e.saved = ref::BatchNormForward(m, c, e.x.data(), gamma64.data(), beta64.data(), double{kEps},
                                    e.u.data());
    for (size_t i = 0; i < e.x.size(); ++i) {
      const size_t k = i % c;
      // At relu's kink the two precisions may fall on different sides: no gradient there.
      const double slack = NormalizeTolerance(
          gamma64[k] * e.saved.rstd[k] * e.x[i],
          beta64[k] - gamma64[k] * e.saved.rstd[k] * e.saved.mean[k], e.u[i], gamma64[k]);
      if (p.act == Activation::kRelu && std::abs(e.u[i]) <= slack) dy[begin + i] = 0.0f;
      e.y[i] = ref::Activate(p.exact_act, e.u[i]);
      e.dyn[i] = double{dy[begin + i]} * ref::ActivateDerivative(p.exact_act, e.y[i]);
      const double xhat = (e.x[i] - e.saved.mean[k]) * e.saved.rstd[k];
      // What the error of u does to act'(u); |act''| <= 1.
      const double curve = p.act == Activation::kNone || p.act == Activation::kRelu
                               ? 0.0
                               : std::abs(dy[begin + i]) * (slack + 8.0 * kUnitRoundoff);
      e.mean_dyn[k] += (std::abs(e.dyn[i]) + curve / kBlockError) / static_cast<double>(m);
      e.mean_dyn_xhat[k] +=
          (std::abs(e.dyn[i]) + curve / kBlockError) * std::abs(xhat) / static_cast<double>(m);
    }
    ref::BatchNormBackward(m, c, e.x.data(), e.saved, gamma64.data(), e.dyn.data(), e.dz.data(),
                           e.d_gamma.data(), e.d_beta.data());
    for (size_t k = 0; k < c; ++k) {
      const double rows = static_cast<double>(m);
      d_gamma[k] += e.d_gamma[k], d_beta[k] += e.d_beta[k];
      abs_beta[k] += e.mean_dyn[k] * rows;
      // An error of the mean or the variance moves every xhat by a share of itself.
      abs_gamma[k] += (2.0 * e.mean_dyn_xhat[k] + 5.0 * e.mean_dyn[k]) * rows;
    }
  }

  const Result r = Run(1, p, x, gamma, beta, dy);
  for (size_t g = 0; g < p.Groups(); ++g) {
    const Group& e = groups[g];
    const size_t begin = p.GroupBegin(g) * c;
    const auto sd = [&](size_t k) { return std::sqrt(e.saved.var[k]); };
    CheckWorst("mean", FindWorst(
                           r.mean.data() + g * c, c, [&](size_t k) { return e.saved.mean[k]; },
                           [&](size_t k) {
                             return MeanTolerance(sd(k)) +
                                    kUnitRoundoff * std::abs(e.saved.mean[k]);
                           }));
    CheckWorst("var", FindWorst(
                          r.var.data() + g * c, c, [&](size_t k) { return e.saved.var[k]; },
                          [&](size_t k) { return VarianceTolerance(e.saved.var[k]) + 1e-38; }));
    const auto scale = [&](size_t k) { return gamma64[k] * e.saved.rstd[k]; };
    const auto y_bound = [&](size_t i) {
      const size_t k = i % c;
      return NormalizeTolerance(scale(k) * e.x[i], beta64[k] - scale(k) * e.saved.mean[k],
                                e.u[i] - beta64[k], gamma64[k]) +
             4.0 * kUnitRoundoff * std::abs(e.y[i]);
    };
    CheckWorst("y", FindWorst(
                        r.y.data() + begin, e.y.size(), [&](size_t i) { return e.y[i]; }, y_bound));
    const auto dx_bound = [&](size_t i) {
      const size_t k = i % c;
      const double m = static_cast<double>(e.x.size() / c);
      const double slope = -scale(k) * e.saved.rstd[k] * e.d_gamma[k] / m;
      const double base = -scale(k) * e.d_beta[k] / m - slope * e.saved.mean[k];
      const double xhat = std::abs(e.x[i] - e.saved.mean[k]) * e.saved.rstd[k];
      double size = std::abs(e.dyn[i]) + e.mean_dyn[k] * (1.0 + 2.0 * xhat) +
                    (1.0 + 2.0 * xhat) * e.mean_dyn_xhat[k];
      if (p.act != Activation::kNone && p.act != Activation::kRelu) {
        size += std::abs(dy[begin + i]) * (y_bound(i) + 8.0 * kUnitRoundoff) / kBlockError;
      }
      return GradientTolerance(scale(k) * e.dyn[i], slope * e.x[i], base,
                               std::abs(scale(k)) * size);
    };
    CheckWorst("dx",
               FindWorst(
                   r.dx.data() + begin, e.dz.size(), [&](size_t i) { return e.dz[i]; }, dx_bound));
  }
  CheckWorst("d_beta", FindWorst(
                           r.d_beta.data(), c, [&](size_t k) { return d_beta[k]; },
                           [&](size_t k) {
                             return BackwardSumTolerance(abs_beta[k]) +
                                    kUnitRoundoff * std::abs(d_beta[k]);
                           }));
  CheckWorst("d_gamma", FindWorst(
                            r.d_gamma.data(), c, [&](size_t k) { return d_gamma[k]; },
                            [&](size_t k) {
                              return BackwardSumTolerance(abs_gamma[k]) +
                                     kUnitRoundoff * std::abs(d_gamma[k]);
                            }));
}

TEST_CASE("batch norm: equals the reference at every channel tail") {
  ForEachBackend([] {
    const size_t lanes = ActiveVectorBytes() / sizeof(float);
    for (size_t channels = 1; channels <= 2 * lanes + 1; ++channels) {
      Problem p{5, 3, channels};
      CheckAgainstReference(p, channels);
      p = {67, 1, channels};
      p.act = Activation::kRelu, p.exact_act = ref::Act::kRelu;
      CheckAgainstReference(p, channels + 1000);
    }
  });
}

TEST_CASE("batch norm: equals the reference for every activation and group") {
  ForEachBackend([] {
    for (const auto& [act, exact_act] : kActivationPairs) {
      for (const size_t group_size : {size_t{0}, size_t{4}, size_t{5}}) {
        Problem p{11, 9, 37, group_size};
        p.act = act, p.exact_act = exact_act;
        CheckAgainstReference(p, 7);
        p.positions = 1, p.samples = 131, p.group_size = group_size * 8;
        CheckAgainstReference(p, 8);
      }
    }
  });
}

TEST_CASE("batch norm: equals the reference where the mean is far from zero") {
  ForEachBackend([] {
    for (const double mean : {0.0, 1e2, 1e4}) {
      Problem p{4, 169, 19};
      p.mean = mean, p.sd = 1.0;
      CheckAgainstReference(p, 9);
    }
  });
}

TEST_CASE("batch norm: a constant channel gives beta, and no gradient") {
  ForEachBackend([] {
    const Problem p{6, 25, 3};
    const Floats x(p.Size(), 123.456f), gamma(3, 2.0f), beta = {0.5f, -1.0f, 0.0f};
    const Floats dy = NormalFloats(p.Size(), 1);
    const Result r = Run(1, p, x, gamma, beta, dy);
    for (size_t k = 0; k < 3; ++k) {
      CHECK(r.mean[k] == 123.456f);
      CHECK(r.var[k] == 0.0f);
      CHECK(std::abs(r.d_gamma[k]) <= 1e-6f);
      // scale = 2 / sqrt(eps) is large: scale * x and shift cancel to their rounding.
      CHECK(std::abs(r.y[k] - beta[k]) <= 3.0 * kUnitRoundoff * 63.3 * 123.5);
    }
  });
}

TEST_CASE("batch norm: the output has mean 0 and variance 1") {
  ForEachBackend([] {
    const Problem p{7, 33, 21};
    const Floats x = NormalFloats(p.Size(), 2, 3.0, 5.0), gamma(21, 1.0f), beta(21, 0.0f);
    const Result r = Run(1, p, x, gamma, beta, x);
    const Doubles y(r.y.begin(), r.y.end());
    const Doubles ones(21, 1.0), zeros(21, 0.0);
    Doubles unused(y.size());
    const ref::BatchNormSaved s = ref::BatchNormForward(p.Rows(), 21, y.data(), ones.data(),
                                                        zeros.data(), 1.0, unused.data());
    for (size_t k = 0; k < 21; ++k) {
      const double expected = double{r.var[k]} / (double{r.var[k]} + double{kEps});
      CHECK(std::abs(s.mean[k]) <= 1e-5);
      CHECK(std::abs(s.var[k] - expected) <= 1e-5);
    }
  });
}

TEST_CASE("batch norm: unmoved by a shift of the input, and by a scale but for eps") {
  ForEachBackend([] {
    const Problem p{7, 33, 5};
    const Floats x = NormalFloats(p.Size(), 3), gamma = NormalFloats(5, 4, 1.0),
                 beta = NormalFloats(5, 5);
    const Floats dy = NormalFloats(p.Size(), 6);
    const Result base = Run(1, p, x, gamma, beta, dy);
    Floats moved = x, scaled = x;
    for (float& v : moved) v += 16.0f;
    for (float& v : scaled) v *= 4.0f;
    const Result shift = Run(1, p, moved, gamma, beta, dy);
    const Result scale = Run(1, p, scaled, gamma, beta, dy);
    for (size_t i = 0; i < x.size(); ++i) {
      REQUIRE(std::abs(shift.y[i] - base.y[i]) <= 1e-4);
      REQUIRE(std::abs(shift.dx[i] - base.dx[i]) <= 1e-4);
      REQUIRE(std::abs(scale.y[i] - base.y[i]) <= 2e-3 * (1.0 + std::abs(base.y[i])));
      REQUIRE(std::abs(4.0f * scale.dx[i] - base.dx[i]) <= 2e-3 * (1.0 + std::abs(base.dx[i])));
    }
    // The gradient is orthogonal to what the output does not depend on: sum dx = 0, and sum dx x
    // about 0.
    for (size_t k = 0; k < 5; ++k) {
      double sum = 0.0, size = 0.0;
      for (size_t r = 0; r < p.Rows(); ++r)
        sum += base.dx[r * 5 + k], size += std::abs(base.dx[r * 5 + k]);
      CHECK(std::abs(sum) <= 1e-5 * size);
    }
  });
}

TEST_CASE("batch norm: NaN shows in the output of its channel") {
  ForEachBackend([] {
    for (const auto& [act, exact_act] : kActivationPairs) {
      Problem p{3, 25, 3};
      p.act = act, p.exact_act = exact_act;
      Floats x = NormalFloats(p.Size(), 1);
      x[31 * 3 + 1] = std::numeric_limits<float>::quiet_NaN();
      const Result r = Run(1, p, x, Floats(3, 1.0f), Floats(3, 0.0f), x);
      for (size_t row = 0; row < p.Rows(); ++row) {
        REQUIRE(std::isfinite(r.y[row * 3]));
        REQUIRE(std::isnan(r.y[row * 3 + 1]));
        REQUIRE(std::isfinite(r.y[row * 3 + 2]));
      }
    }
  });
}

TEST_CASE("batch norm: inference uses the given statistics and leaves Backward's alone") {
  ForEachBackend([] {
    Parallel parallel(2);
    const Problem p{6, 50, 19};
    const Floats x = NormalFloats(p.Size(), 1), gamma = NormalFloats(19, 2, 1.0),
                 beta = NormalFloats(19, 3);
    const Floats mean = NormalFloats(19, 4), dy = NormalFloats(p.Size(), 5);
    Floats var(19), y(p.Size()), e(p.Size()), dx(p.Size()), dg(19), db(19);
    for (size_t k = 0; k < 19; ++k) var[k] = 0.1f * static_cast<float>(k + 1);
    BatchNorm bn(parallel, p.samples, p.positions, p.channels);
    bn.ForwardTraining(x.data(), gamma.data(), beta.data(), kEps, Activation::kNone, y.data());
    bn.Inference(4, x.data(), gamma.data(), beta.data(), mean.data(), var.data(), kEps,
                 Activation::kTanh, e.data());
    const size_t n = 4 * p.positions * p.channels;
    CheckWorst("inference", FindWorst(
                                e.data(), n,
                                [&](size_t i) {
                                  const size_t k = i % 19;
                                  return std::tanh(double{gamma[k]} *
                                                       (double{x[i]} - double{mean[k]}) /
                                                       std::sqrt(double{var[k]} + double{kEps}) +
                                                   double{beta[k]});
                                },
                                [](size_t) { return 3e-6; }));
    CHECK(std::all_of(e.begin() + static_cast<std::ptrdiff_t>(n), e.end(),
                      [](float v) { return v == 0; }));
    bn.Backward(x.data(), dy.data(), dx.data(), dg.data(), db.data());
    const Result r = Run(1, p, x, gamma, beta, dy);
    CHECK(dx == r.dx);
    CHECK(dg == r.d_gamma);
  });
}

TEST_CASE("batch norm: the same bits for any number of threads") {
  ForEachBackend([] {
    for (const Problem& p :
         {Problem{9, 169, 35, 4}, Problem{37, 100, 64}, Problem{700, 1, 131, 100}}) {
      const Floats x = NormalFloats(p.Size(), 1), gamma = NormalFloats(p.channels, 2, 1.0);
      const Floats beta = NormalFloats(p.channels, 3), dy = NormalFloats(p.Size(), 4);
      const Result one = Run(1, p, x, gamma, beta, dy);
      for (const int threads : {2, 3, 8}) {
        const Result many = Run(threads, p, x, gamma, beta, dy);
        CHECK(SameBits(one.y.data(), many.y.data(), one.y.size()));
        CHECK(SameBits(one.mean.data(), many.mean.data(), one.mean.size()));
        CHECK(SameBits(one.var.data(), many.var.data(), one.var.size()));
        CHECK(SameBits(one.dx.data(), many.dx.data(), one.dx.size()));
        CHECK(SameBits(one.d_gamma.data(), many.d_gamma.data(), one.d_gamma.size()));
        CHECK(SameBits(one.d_beta.data(), many.d_beta.data(), one.d_beta.size()));
      }
    }
  });
}

}  // namespace
}  // namespace batchmark
