// How elementwise and row-wise operations are cut for the threads: by the problem only.
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/base/parallel.h"
#include "core/base/parts.h"
#include "core/simd/backend.h"

namespace batchmark {

inline constexpr size_t kChunkElements = size_t{1} << 14;  // 64 KiB: a few microseconds
// Below this, waking a thread costs more than it saves; one that is awake (Parallel::Region) still
// has to fetch its part from this core.
inline constexpr size_t kBriefElements = size_t{1} << 16;
inline constexpr size_t kBriefChunk = size_t{1} << 13;

// `items` of `elements` elements in all, each of which costs `weight` times what only moving it
// would, in chunks of equal cost; where each chunk counts, in an even number of them.
inline ChunkPlan PlanChunks(size_t items, size_t elements, size_t weight = 1,
                            size_t brief_chunk = kBriefChunk) {
  if (items == 0) return {};
  const bool brief = elements * weight <= kBriefElements;
  // Vectors of 64 bytes are done with what it costs before the other core has fetched its part and
  // this core the result: brief passes are then cut by what they move.
  const size_t cost = brief && ActiveVectorBytes() == 64 ? elements : elements * weight;
  const size_t most = (brief ? brief_chunk : kChunkElements) / std::max<size_t>(cost / items, 1);
  size_t chunks = CeilDiv(items, std::max<size_t>(most, 1));
  if (brief && chunks > 1) chunks = RoundUp(chunks, 2);
  return {items, CeilDiv(items, chunks), brief};
}

}  // namespace batchmark
