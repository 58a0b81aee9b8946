// Every activation with its name in the float64 reference.
#pragma once

#include <utility>

#include "core/ops/activation.h"
#include "core/reference/reference.h"

namespace batchmark {

inline constexpr std::pair<Activation, reference::Act> kActivationPairs[] = {
    {Activation::kNone, reference::Act::kNone},
    {Activation::kRelu, reference::Act::kRelu},
    {Activation::kSigmoid, reference::Act::kSigmoid},
    {Activation::kTanh, reference::Act::kTanh}};

}  // namespace batchmark
