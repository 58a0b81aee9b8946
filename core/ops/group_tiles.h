// The tiles of a statistics group are consecutive: one place that knows.
#pragma once

#include <cstddef>

#include "core/ops/moments.h"

namespace batchmark {

// Calls body(group, first tile, number of tiles) for each group, in order.
template <class Body>
void ForGroupTiles(const MomentTiles& tiles, const Body& body) {
  for (size_t begin = 0; begin < tiles.tiles.size();) {
    const size_t group = tiles.tiles[begin].group;
    size_t end = begin;
    while (end < tiles.tiles.size() && tiles.tiles[end].group == group) ++end;
    body(group, begin, end - begin);
    begin = end;
  }
}

}  // namespace batchmark
