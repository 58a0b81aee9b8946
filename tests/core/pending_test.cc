// What batch norm leaves to others, on every backend against the float64 formulas: pending tensors
// and gradients written out, and the backward sums of a pending gradient.
#include <cmath>
#include <vector>

#include "core/base/aligned.h"
#include "core/base/parallel.h"
#include "core/ops/batch_norm.h"
#include "core/ops/pending_span.h"
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

TEST_CASE("resolve: every form, every tail, groups, in place") {
  ForEachBackend([] {
    const size_t lanes = ActiveVectorBytes() / sizeof(float);
    for (size_t channels = 1; channels <= 2 * lanes + 1; channels += channels < 4 ? 1 : 3) {
      for (const auto& [act, exact_act] : kActivationPairs) {
        const size_t samples = 7, positions = 5, size = samples * positions * channels;
        const SampleGroups groups{samples, 3, 2};  // the last group takes the remainder
        const size_t k = groups.count * channels;
        const Floats v = NormalFloats(size, 1), dy = NormalFloats(size, 2),
                     scale = NormalFloats(k, 3), shift = NormalFloats(k, 4);
        const Floats slope = NormalFloats(k, 5), base = NormalFloats(k, 6);
        const auto of = [&](size_t i) {
          return groups.Of(i / (positions * channels)) * channels + i % channels;
        };
        const Pending plain{v.data(), nullptr, nullptr, act, positions, channels, groups};
        const Pending affine{v.data(),  scale.data(), shift.data(), act,
                             positions, channels,     groups};
        for (const bool mapped : {false, true}) {
          const auto exact = [&](size_t i) {
            return ref::Activate(
                exact_act, mapped ? double{scale[of(i)]} * v[i] + shift[of(i)] : double{v[i]});
          };
          Parallel parallel(2);
          Floats out(size + 1, 77.0f);
          Resolve(parallel, samples, mapped ? affine : plain, out.data());
          CheckWorst("value", FindWorst(out.data(), size, exact, [](size_t) { return 2e-6; }));
          CHECK(out[size] == 77.0f);
          Floats in_place = v;
          Pending alias = mapped ? affine : plain;
          alias.v = in_place.data();
          Resolve(parallel, samples, alias, in_place.data());
          CHECK(SameBits(in_place.data(), out.data(), size));
        }
        using Form = PendingGrad::Form;
        for (const Form form : {Form::kPlain, Form::kActivation, Form::kNormAct, Form::kActNorm}) {
          // Where v is an output, it lies in the range of the activation.
          Floats value = v;
          if (form != Form::kNormAct) {
            for (float& x : value) x = static_cast<float>(ref::Activate(exact_act, double{x}));
          }
          PendingGrad grad{form,         dy.data(),    value.data(), scale.data(),
                           shift.data(), slope.data(), base.data(),  act,
                           positions,    channels,     groups};
          const auto exact = [&](size_t i) {
            const double x = double{value[i]}, g = double{dy[i]};
            const size_t j = of(i);
            const double affine_part = double{slope[j]} * x + double{base[j]};
            switch (form) {
              case Form::kPlain:
                return g;
              case Form::kActivation:
                return g * ref::ActivateDerivative(exact_act, x);
              case Form::kNormAct: {
                const double y = ref::Activate(exact_act, double{scale[j]} * x + double{shift[j]});
                return double{scale[j]} * g * ref::ActivateDerivative(exact_act, y) + affine_part;
              }
              case Form::kActNorm:
                return (double{scale[j]} * g + affine_part) * ref::ActivateDerivative(exact_act, x);
            }
            return 0.0;
          };
          Parallel parallel(1);
          Floats out(size + 1, 77.0f);
          Resolve(parallel, samples, grad, out.data());
          CheckWorst("gradient", FindWorst(out.data(), size, exact, [](size_t) { return 2e-5; }));
          CHECK(out[size] == 77.0f);
          Floats in_place = dy;
          grad.dy = in_place.data();
          Resolve(parallel, samples, grad, in_place.data());
          CHECK(SameBits(in_place.data(), out.data(), size));
        }
      }
    }
  });
}

TEST_CASE("backward sums: norm after the activation sums dy itself, also far from zero") {
  ForEachBackend([] {
    Parallel parallel(1);
    for (const double centre : {0.0, 1e4}) {
      const size_t samples = 5, positions = 169, channels = 11,
                   size = samples * positions * channels;
      const SampleGroups groups{samples, 2, 2};
      const Floats v = NormalFloats(size, 1, centre), dy = NormalFloats(size, 2);
      const MomentTiles tiles(groups, positions);
      Doubles mean(2 * channels), rstd(2 * channels, 0.5), d_beta(2 * channels),
          d_gamma(2 * channels);
      for (size_t k = 0; k < mean.size(); ++k) mean[k] = centre + 1e-4 * static_cast<double>(k);
      PendingGrad grad;
      grad.form = PendingGrad::Form::kActNorm;
      grad.dy = dy.data(), grad.v = v.data(), grad.act = Activation::kRelu;
      grad.positions = positions, grad.channels = channels, grad.groups = groups;
      BatchNormBackwardSums sums(parallel, tiles.tiles.size(), channels);
      sums.Run(grad, tiles, mean.data(), rstd.data(), d_beta.data(), d_gamma.data());
      Doubles beta(2 * channels), gamma(2 * channels), abs_beta(2 * channels),
          abs_gamma(2 * channels);
      for (size_t i = 0; i < size; ++i) {
        const size_t k = groups.Of(i / (positions * channels)) * channels + i % channels;
        const double t = double{dy[i]} * (double{v[i]} - mean[k]) * rstd[k];
        beta[k] += double{dy[i]}, abs_beta[k] += std::abs(dy[i]);
        gamma[k] += t, abs_gamma[k] += std::abs(t);
      }
      CheckWorst("d_beta", FindWorst(
                               d_beta.data(), beta.size(), [&](size_t k) { return beta[k]; },
                               [&](size_t k) { return BackwardSumTolerance(abs_beta[k]); }));
      CheckWorst("d_gamma", FindWorst(
                                d_gamma.data(), gamma.size(), [&](size_t k) { return gamma[k]; },
                                [&](size_t k) { return BackwardSumTolerance(abs_gamma[k]); }));
    }
  });
}

// 100 positions of a block are more rows than are summed in float; 600 channels, more than a segment.
TEST_CASE("backward sums: by blocks of positions as by tiles") {
  ForEachBackend([] {
    Parallel parallel(1);
    for (const size_t channels : {1, 5, 16, 24, 40, 64, 600}) {
      for (const auto form : {PendingGrad::Form::kNormAct, PendingGrad::Form::kActNorm}) {
        const size_t samples = 7, positions = 109, size = samples * positions * channels;
        const SampleGroups groups{.samples = samples};
        const Floats v = NormalFloats(size, 1, 3.0), dy = NormalFloats(size, 2),
                     scale = NormalFloats(channels, 3), shift = NormalFloats(channels, 4);
        const MomentTiles tiles(groups, positions);
        const Doubles mean(channels, 3.0 + 1e-4), rstd(channels, 0.5);
        const PendingGrad grad{.form = form,
                               .dy = dy.data(),
                               .v = v.data(),
                               .scale = scale.data(),
                               .shift = shift.data(),
                               .act = Activation::kRelu,
                               .positions = positions,
                               .channels = channels,
                               .groups = groups};
        Doubles beta(channels), gamma(channels), d_beta(channels), d_gamma(channels),
            most(channels);
        BatchNormBackwardSums sums(parallel, tiles.tiles.size(), channels);
        sums.Run(grad, tiles, mean.data(), rstd.data(), beta.data(), gamma.data());
        for (size_t i = 0; i < size; ++i) {
          most[i % channels] += std::abs(dy[i]) * std::max(1.0f, std::abs(v[i] - 3.0f));
        }
        const size_t cuts[] = {0, 4, 9, positions}, rows[] = {0, 5, samples};
        sums.StartBlocks(6);
        for (size_t i = 0; i < 6; ++i) {
          const size_t p = cuts[i / 2], s = rows[i % 2];
          sums.Gather(grad, {i, s, rows[i % 2 + 1] - s, p, cuts[i / 2 + 1] - p}, mean.data());
        }
        sums.Merge(tiles, rstd.data(), d_beta.data(), d_gamma.data());
        for (size_t c = 0; c < channels; ++c) {
          CHECK(std::abs(d_beta[c] - beta[c]) <= BackwardSumTolerance(most[c]));
          CHECK(std::abs(d_gamma[c] - gamma[c]) <= BackwardSumTolerance(most[c]));
        }
      }
    }
  });
}

// Tensors beyond half of the last cache only, too large for a test: the same pass, asked for.
TEST_CASE("resolve: near, far and past the caches, the same bits and nothing beyond") {
  ForEachBackend([] {
    for (const size_t channels : {size_t{16}, size_t{48}, size_t{112}}) {
      for (const auto& [act, exact_act] : kActivationPairs) {
        const size_t samples = 5, positions = 7, size = samples * positions * channels;
        const SampleGroups groups{samples, 2, 2};
        const size_t k = groups.count * channels;
        const Floats v = NormalFloats(size, 1), dy = NormalFloats(size, 2),
                     scale = NormalFloats(k, 3), shift = NormalFloats(k, 4);
        const Floats slope = NormalFloats(k, 5), base = NormalFloats(k, 6);
        AlignedBuffer<float> near(size + 16), other(size + 16);
        const auto compare = [&](const auto& source) {
          std::fill(near.begin(), near.end(), 77.0f);
          ResolveSamples(source, 0, samples, near.data(), Reach::kNear);
          for (const Reach reach : {Reach::kFar, Reach::kPast}) {
            std::fill(other.begin(), other.end(), 77.0f);
            ResolveSamples(source, 0, samples, other.data(), reach);
            CHECK(std::equal(near.begin(), near.end(), other.begin()));
            CHECK(other[size] == 77.0f);
          }
        };
        compare(Pending{v.data(), scale.data(), shift.data(), act, positions, channels, groups});
        compare(Pending{v.data(), nullptr, nullptr, act, positions, channels, groups});
        PendingGrad grad{.dy = dy.data(),
                         .v = v.data(),
                         .scale = scale.data(),
                         .shift = shift.data(),
                         .slope = slope.data(),
                         .base = base.data(),
                         .act = act,
                         .positions = positions,
                         .channels = channels,
                         .groups = groups};
        for (const auto form : {PendingGrad::Form::kActivation, PendingGrad::Form::kNormAct,
                                PendingGrad::Form::kActNorm}) {
          grad.form = form;
          compare(grad);
        }
      }
    }
  });
}

}  // namespace
}  // namespace batchmark
