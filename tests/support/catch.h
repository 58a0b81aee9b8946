// The one Catch2 header of the tests: v3 where installed, else v2. Use only what both have.
#pragma once

#include <string>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
// A text that holds another; v2's Contains of two texts, which in v3 is of ranges.
inline auto ContainsText(const std::string& part) { return Catch::Matchers::ContainsSubstring(part); }
#else
#include <catch2/catch.hpp>
namespace Catch {
using Detail::Approx;
}
inline auto ContainsText(const std::string& part) { return Catch::Matchers::Contains(part); }
#endif
