// A whole network in float64, from the reference kernels, as slow and obvious as they are: forward, loss,
// and the gradient of every parameter, for each placement and for statistics groups. Batch statistics only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/ops/pending.h"
#include "training/net/net_spec.h"
#include "training/net/norm_spec.h"

namespace batchmark::testing {

struct ReferenceParameters {  // of one linear layer
  std::vector<double> weight, bias, gamma, beta;
};

struct ReferenceResult {
  double loss = 0;
  std::vector<double> logits;
  std::map<size_t, ReferenceParameters> gradients;  // by layer position
};

// parameters by layer position; groups as SampleGroups of the batch (one group: batch statistics).
ReferenceResult RunReferenceNet(const NetSpec& net, Placement placement, double eps, size_t height, size_t width,
                                const SampleGroups& image_groups, const SampleGroups& dense_groups,
                                const std::map<size_t, ReferenceParameters>& parameters,
                                const std::vector<double>& x, const std::vector<uint8_t>& labels);

}  // namespace batchmark::testing
