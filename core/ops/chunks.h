// How elementwise and row-wise operations are cut for the threads: by the problem only.
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/base/parallel.h"
#include "core/base/parts.h"

namespace batchmark {

inline constexpr size_t kChunkElements = size_t{1} << 14;  // 64 KiB: a few microseconds
// Below this, waking a thread costs more than it saves; one that is awake still has to
// fetch its part from this core.
inline constexpr size_t kBriefElements = size_t{1} << 16;
inline constexpr size_t kBriefChunk = size_t{1} << 13;

// `items` of `elements` elements in all, in chunks of equal size; where each chunk counts, in an even
// number of them.
inline ChunkPlan PlanChunks(size_t items, size_t elements, size_t brief_chunk = kBriefChunk) {
  if (items == 0) return {};
  const bool brief = elements <= kBriefElements;
  const size_t most = (brief ? brief_chunk : kChunkElements) / std::max<size_t>(elements / items, 1);
  size_t chunks = CeilDiv(items, std::max<size_t>(most, 1));
  if (brief && chunks > 1) chunks = RoundUp(chunks, 2);
  return {items, CeilDiv(items, chunks), brief};
}

}  // namespace batchmark
