// A whole network in float64, from the reference kernels, as slow and obvious as they are: forward, loss,
// and the gradient of every parameter, for each placement, for statistics groups and every bn.stats.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/ops/pending.h"
#include "training/net/net_spec.h"
#include "training/net/norm_spec.h"

namespace batchmark::testing {

struct ReferenceParameters {  // of one linear layer
  std::vector<double> weight, bias, gamma, beta;
};

// Numbers of one statistics group and layer that the gradient does not see, [C] each:
//   y = gamma ((v - u) / s r + d) + beta
// u, s empty: the group's own moments, with gradient through them. r, d empty: 1 and 0.
struct StoppedNumbers {
  std::vector<double> u, s, r, d;
};

// How statistics are formed (training/net/norm.h). moving: by layer position, as (mean, variance).
struct ReferenceNorm {
  NormStats stats;
  double noise_scale = 1.0;
  uint64_t seed = 0;
  int64_t step = 0;
  std::map<size_t, std::pair<std::vector<double>, std::vector<double>>> moving;
  // Of an earlier run, by layer and group: used instead of forming them, so that central differences
  // see what the gradient sees.
  std::map<size_t, std::vector<StoppedNumbers>> stopped;
};

struct ReferenceResult {
  double loss = 0;
  std::vector<double> logits;
  std::map<size_t, ReferenceParameters> gradients;  // by layer position
  std::map<size_t, std::vector<StoppedNumbers>> stopped;
};

// parameters by layer position; groups as SampleGroups of the batch (one group: batch statistics).
// The loss is the mean over the first labels.size() samples; further samples (wide:M) only serve the statistics.
ReferenceResult RunReferenceNet(const NetSpec& net, Placement placement, double eps, size_t height, size_t width,
                                const SampleGroups& image_groups, const SampleGroups& dense_groups,
                                const std::map<size_t, ReferenceParameters>& parameters,
                                const std::vector<double>& x, const std::vector<uint8_t>& labels,
                                const ReferenceNorm& norm = {});

}  // namespace batchmark::testing
