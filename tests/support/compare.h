// Arrays against bounds: finds the element that is worst relative to its own bound, and says which.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <sstream>
#include <string>

#include "tests/support/catch.h"

namespace batchmark {

struct Worst {
  double ratio = 0.0;  // |actual - expected| / bound; infinite for a NaN
  std::string text;
  bool Ok() const { return ratio <= 1.0; }
};

// expected(i), bound(i): double of an index. Bounds may be 0 where actual must be equal.
template <class T, class Expected, class Bound>
Worst FindWorst(const T* actual, size_t size, const Expected& expected, const Bound& bound) {
  Worst worst;
  for (size_t i = 0; i < size; ++i) {
    const double a = static_cast<double>(actual[i]), e = expected(i), b = bound(i);
    if (a == e) continue;
    double ratio = std::abs(a - e) / b;
    if (std::isnan(ratio)) ratio = std::numeric_limits<double>::infinity();
    if (ratio <= worst.ratio) continue;
    worst.ratio = ratio;
    std::ostringstream text;
    text.precision(9);
    text << "element " << i << " of " << size << ": expected " << e << ", actual " << a
         << ", off by " << std::abs(a - e) << ", bound " << b;
    worst.text = text.str();
  }
  return worst;
}

inline void CheckWorst(const char* what, const Worst& worst) {
  INFO(what << ": " << worst.text);
  CHECK(worst.Ok());
}

template <class T>
bool SameBits(const T* a, const T* b, size_t size) {
  return std::memcmp(a, b, size * sizeof(T)) == 0;
}

}  // namespace batchmark
