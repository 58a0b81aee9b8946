// Blocks without parameters: max-pool, dropout and jitter (jitter_block.cc). Flatten has no block:
// it renames the shape, and the value passes through, still pending per channel.
#pragma once

#include <memory>

#include "core/base/parallel.h"
#include "training/net/block.h"

namespace batchmark {

std::unique_ptr<Block> MakeMaxPool2Block(Parallel& parallel, size_t capacity, size_t height, size_t width,
                                         size_t channels);
// layer: position in the net, for the random counter (RandomSub).
std::unique_ptr<Block> MakeDropoutBlock(Parallel& parallel, size_t layer, size_t capacity, size_t values,
                                        double rate);
std::unique_ptr<Block> MakeJitterBlock(Parallel& parallel, size_t layer, size_t capacity, size_t values,
                                       double strength);

}  // namespace batchmark
