// Float64 forward pass of a net, from its own parameters: what a training-step bench is checked
// against.
#pragma once

#include <vector>

#include "training/net/net.h"

namespace batchmark::bench {

// Logits [samples, classes] under the statistics of this batch (as PassMode::kBatchStats).
// x [samples, height, width, channels]. Nets without pooling and dropout (all of
// shapes::kTrainStep).
std::vector<double> ReferenceLogits(const Net& net, const NetSpec& spec, const NetOptions& options,
                                    const float* x, size_t samples);

}  // namespace batchmark::bench
