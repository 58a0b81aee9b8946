// How elementwise and row-wise operations are cut for the threads: by the problem only.
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/base/parallel.h"

namespace batchmark {

inline constexpr size_t kChunkElements = size_t{1} << 14;  // 64 KiB: a few microseconds
inline constexpr size_t kInlineElements = size_t{1}
                                          << 16;  // below, waking a thread costs more than it saves

// `items` of `elements` elements in all. Small problems are one chunk, which runs without the
// scheduler.
inline ChunkPlan PlanChunks(size_t items, size_t elements) {
  if (items == 0) return {};
  if (elements <= kInlineElements) return {items, items};
  return {items, std::max<size_t>(kChunkElements / std::max<size_t>(elements / items, 1), 1)};
}

}  // namespace batchmark
