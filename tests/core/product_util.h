// Operands and comparison for the tests of products (gemm, conv2d, dense): random fp32 data, its
// value in float64 for the reference, pending operands, and the largest error against an
// elementwise bound.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/base/aligned.h"
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

// Empty when |actual - expected| <= bound everywhere, else a sentence about the worst element.
std::string Compare(const float* actual, const std::vector<double>& expected,
                    const std::vector<double>& bound);

}  // namespace batchmark::testing
