// Operands and comparison for the tests of products (gemm, conv2d, dense): random fp32 data, its
// value in float64 for the reference, pending operands, bounds, and the largest error against an
// elementwise one.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "core/base/aligned.h"
#include "core/ops/moments.h"
#include "core/ops/pending.h"
#include "core/reference/reference.h"

namespace batchmark::testing {

// Uniform in [-1, 1), by counter: (seed, index).
AlignedBuffer<float> RandomFloats(size_t size, uint64_t seed);
std::vector<double> ToDouble(const float* x, size_t size);
std::vector<double> Absolute(std::vector<double> x);
reference::Act ReferenceAct(Activation act);

// A pending tensor with storage for its coefficients; kinds of `act` and scale as asked.
struct PendingData {
  AlignedBuffer<float> v, scale, shift;
  Pending pending;
  std::vector<double> Value() const;  // float64
};
PendingData MakePending(size_t positions, size_t channels, const SampleGroups& groups, bool affine,
                        Activation act, uint64_t seed);

struct PendingGradData {
  AlignedBuffer<float> dy, v, scale, shift, slope, base;
  PendingGrad pending;
  std::vector<double> Value() const;
};
PendingGradData MakePendingGrad(size_t positions, size_t channels, const SampleGroups& groups,
                                PendingGrad::Form form, Activation act, uint64_t seed);

inline constexpr Activation kActivations[] = {Activation::kNone, Activation::kRelu,
                                              Activation::kSigmoid, Activation::kTanh};
inline constexpr PendingGrad::Form kGradForms[] = {
    PendingGrad::Form::kPlain, PendingGrad::Form::kActivation, PendingGrad::Form::kNormAct,
    PendingGrad::Form::kActNorm};

template <class Buffer>
bool SameBits(const Buffer& x, const Buffer& y) {
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(*x.data())) == 0;
}

// What a test asks of a layer's operands, and what all passes over it give.
struct LayerOptions {
  bool affine = false;
  Activation in_act = Activation::kNone, out_act = Activation::kNone;
  PendingGrad::Form form = PendingGrad::Form::kPlain;
  Activation grad_act = Activation::kRelu;
  size_t group_size = 0, groups = 1;
};
struct LayerOutputs {
  AlignedBuffer<float> dst, d_src, d_weights, d_bias;
  TileMoments moments;
};

// Values whose map may fall on the other side of relu's kink, or cancel, are bounded by the size
// of the map's terms, at most 3 for coefficients in [-1, 1], instead of by the value.
std::vector<double> Sizes(std::vector<double> value, bool mapped);

// Of sums of k products whose sizes add up to `sizes`, with slack for the rounding of the pending
// maps themselves, map_scale of them a product: a few roundings of values of this size
// (coefficients, inputs and slopes are at most 1; 8 covers sigmoid's 4 ulp).
std::vector<double> Bound(size_t k, const std::vector<double>& sizes, double map_scale);

// CHECKs the moments of a tile x [rows, channels] of values as stored, so that only the gathering
// is judged: 64 roundings a block.
void CheckTileMoments(const float* x, size_t rows, size_t channels, const double* mean,
                      const double* m2);

// Empty when |actual - expected| <= bound everywhere, else a sentence about the worst element.
std::string Compare(const float* actual, const std::vector<double>& expected,
                    const std::vector<double>& bound);

}  // namespace batchmark::testing
