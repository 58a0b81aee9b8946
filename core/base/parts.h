// How many parts of a size, and how large so many parts are.
#pragma once

#include <algorithm>
#include <cstddef>

namespace batchmark {

constexpr size_t CeilDiv(size_t a, size_t b) { return (a + b - 1) / b; }
constexpr size_t RoundUp(size_t a, size_t b) { return CeilDiv(a, b) * b; }  // to multiples of b

// [0, items) as neighbouring parts of equal size, but that the first wider() of them have one more.
// Part p is [begin(p), begin(p + 1)).
struct EvenParts {
  size_t items = 0, parts = 1;

  constexpr size_t wider() const { return items % parts; }
  constexpr size_t widest() const { return CeilDiv(items, parts); }
  constexpr size_t begin(size_t part) const {
    return part * (items / parts) + std::min(part, wider());
  }
};

}  // namespace batchmark
