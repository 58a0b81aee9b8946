#include "tests/core/product_util.h"

#include <cmath>
#include <sstream>

#include "core/base/rng.h"
#include "tests/support/catch.h"
#include "tests/support/tolerance.h"

namespace batchmark::testing {
namespace {

// Channel coefficients of the group of an element.
struct Coefficient {
  const SampleGroups& groups;
  size_t positions, channels;
  double operator()(const AlignedBuffer<float>& values, size_t i) const {
    const size_t sample = i / (positions * channels);
    return values[groups.Of(sample) * channels + i % channels];
  }
};

}  // namespace

AlignedBuffer<float> RandomFloats(size_t size, uint64_t seed) {
  const Rng rng(seed, RngStream::kWeights);
  AlignedBuffer<float> out(size);
  for (size_t i = 0; i < size; ++i) out[i] = 2.0f * rng.UniformFloat(i) - 1.0f;
  return out;
}

std::vector<double> ToDouble(const float* x, size_t size) { return {x, x + size}; }

std::vector<double> Absolute(std::vector<double> x) {
  for (double& value : x) value = std::abs(value);
  return x;
}

reference::Act ReferenceAct(Activation act) {
  switch (act) {
    case Activation::kNone:
      return reference::Act::kNone;
    case Activation::kRelu:
      return reference::Act::kRelu;
    case Activation::kSigmoid:
      return reference::Act::kSigmoid;
    case Activation::kTanh:
      return reference::Act::kTanh;
  }
  return reference::Act::kNone;
}

PendingData MakePending(size_t positions, size_t channels, const SampleGroups& groups, bool affine,
                        Activation act, uint64_t seed) {
  PendingData p;
  p.v = RandomFloats(groups.samples * positions * channels, seed);
  p.pending = {
      .v = p.v.data(), .act = act, .positions = positions, .channels = channels, .groups = groups};
  if (affine) {
    p.scale = RandomFloats(groups.count * channels, seed + 1);
    p.shift = RandomFloats(groups.count * channels, seed + 2);
    p.pending.scale = p.scale.data(), p.pending.shift = p.shift.data();
  }
  return p;
}

std::vector<double> PendingData::Value() const {
  const Coefficient of{pending.groups, pending.positions, pending.channels};
  std::vector<double> y = ToDouble(v.data(), v.size());
  for (size_t i = 0; i < y.size(); ++i) {
    if (pending.scale != nullptr) y[i] = of(scale, i) * y[i] + of(shift, i);
    y[i] = reference::Activate(ReferenceAct(pending.act), y[i]);
  }
  return y;
}

PendingGradData MakePendingGrad(size_t positions, size_t channels, const SampleGroups& groups,
                                PendingGrad::Form form, Activation act, uint64_t seed) {
  PendingGradData p;
  const size_t size = groups.samples * positions * channels, coefficients = groups.count * channels;
  p.dy = RandomFloats(size, seed), p.v = RandomFloats(size, seed + 1);
  p.scale = RandomFloats(coefficients, seed + 2), p.shift = RandomFloats(coefficients, seed + 3);
  p.slope = RandomFloats(coefficients, seed + 4), p.base = RandomFloats(coefficients, seed + 5);
  p.pending = {.form = form,
               .dy = p.dy.data(),
               .v = p.v.data(),
               .scale = p.scale.data(),
               .shift = p.shift.data(),
               .slope = p.slope.data(),
               .base = p.base.data(),
               .act = act,
               .positions = positions,
               .channels = channels,
               .groups = groups};
  return p;
}

std::vector<double> PendingGradData::Value() const {
  const Coefficient of{pending.groups, pending.positions, pending.channels};
  const reference::Act act = ReferenceAct(pending.act);
  std::vector<double> dz = ToDouble(dy.data(), dy.size());
  for (size_t i = 0; i < dz.size(); ++i) {
    const double x = v[i];
    switch (pending.form) {
      case PendingGrad::Form::kPlain:
        break;
      case PendingGrad::Form::kActivation:
        dz[i] *= reference::ActivateDerivative(act, x);
        break;
      case PendingGrad::Form::kNormAct: {
        const double y = reference::Activate(act, of(scale, i) * x + of(shift, i));
        dz[i] = of(scale, i) * (dz[i] * reference::ActivateDerivative(act, y)) + of(slope, i) * x +
                of(base, i);
        break;
      }
      case PendingGrad::Form::kActNorm:
        dz[i] = (of(scale, i) * dz[i] + of(slope, i) * x + of(base, i)) *
                reference::ActivateDerivative(act, x);
        break;
    }
  }
  return dz;
}

std::string Compare(const float* actual, const std::vector<double>& expected,
                    const std::vector<double>& bound) {
  size_t worst = expected.size();
  double worst_ratio = 1.0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double error = std::abs(static_cast<double>(actual[i]) - expected[i]);
    if (error <= bound[i]) continue;
    const double ratio =
        bound[i] > 0.0 ? error / bound[i] : std::numeric_limits<double>::infinity();
    if (!(ratio <= worst_ratio)) worst = i, worst_ratio = ratio;
  }
  if (worst == expected.size()) return "";
  std::ostringstream out;
  out.precision(9);
  out << "element " << worst << ": expected " << expected[worst] << ", actual " << actual[worst]
      << ", bound " << bound[worst];
  return out.str();
}

std::vector<double> Sizes(std::vector<double> value, bool mapped) {
  for (double& x : value) x = mapped ? std::abs(x) + 3.0 : std::abs(x);
  return value;
}

std::vector<double> Bound(size_t k, const std::vector<double>& sizes, double map_scale) {
  std::vector<double> bound(sizes.size());
  for (size_t i = 0; i < bound.size(); ++i) {
    bound[i] = GemmTolerance(k, sizes[i]) + 8 * std::pow(2.0, -24) * (map_scale * sizes[i]) + 1e-30;
  }
  return bound;
}

void CheckTileMoments(const float* x, size_t rows, size_t channels, const double* mean,
                      const double* m2) {
  for (size_t c = 0; c < channels; ++c) {
    double exact = 0, exact_m2 = 0, size = 0;
    for (size_t r = 0; r < rows; ++r) {
      exact += x[r * channels + c], size += std::abs(x[r * channels + c]);
    }
    exact /= static_cast<double>(rows);
    for (size_t r = 0; r < rows; ++r) exact_m2 += std::pow(x[r * channels + c] - exact, 2);
    const double u = std::pow(2.0, -24);
    CHECK(std::abs(mean[c] - exact) <= 64 * u * size);
    CHECK(std::abs(m2[c] - exact_m2) <= 1024 * u * exact_m2 + 1e-30);
  }
}

}  // namespace batchmark::testing
