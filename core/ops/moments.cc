#include "core/ops/moments.h"

#include <algorithm>

#include "core/base/check.h"

namespace batchmark {

MomentTiles::MomentTiles(const SampleGroups& groups, size_t positions) {
  BATCHMARK_CHECK(groups.count >= 1 && positions >= 1);
  const size_t samples_a_tile = positions > 1 ? 1 : kDenseTileRows;
  for (size_t group = 0; group < groups.count; ++group) {
    const size_t end = std::min(groups.End(group), groups.samples);
    for (size_t s = groups.Begin(group); s < end; s += samples_a_tile) {
      tiles.push_back({s * positions, std::min(end, s + samples_a_tile) * positions, group});
    }
  }
}

}  // namespace batchmark
