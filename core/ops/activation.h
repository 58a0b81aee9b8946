// The activations under the name that the layers above use.
#pragma once

#include "core/simd/activation.h"  // IWYU pragma: export
