// Where a product or a convolution stands. On its own, its operands and its result lie where the call
// before left them. In a layer, what makes its source and what takes its result runs on one core if it
// is small, and so does the operation; and the memory of its result was last touched a step of training
// ago.
#pragma once

namespace batchmark {

enum class Place { kAlone, kLayer };

}  // namespace batchmark
