// Small text helpers of the command line and the specs: numbers that round-trip, nearest names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace batchmark {

// Shortest text that parses back to the same double ("0.01", "1e-05", "inf").
std::string NumberText(double value);

// The whole text is one number ("0.01", "1e-3", "-2"); "nan", "inf" and hexadecimal are no numbers.
std::optional<double> ParseNumber(std::string_view text);
// The whole text is one integer; "1e3" and "1000.0" are, "0.5" is not.
std::optional<int64_t> ParseInteger(std::string_view text);

// "a, b or c".
std::string OrList(const std::vector<std::string>& words);

// The candidate with the smallest edit distance (insert, delete, replace, swap of neighbours), or
// "" if none is near enough to be meant. A candidate that ends in ".name" counts as near to "name".
std::string NearestName(std::string_view name, const std::vector<std::string>& candidates);
// "; did you mean lr?", or "".
std::string NearestHint(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace batchmark
