// Durations as people type them: "90s", "30m", "2h", "1h30m"; a bare number is seconds.
#pragma once

#include <string>

namespace batchmark {

// Throws Error(kUsage).
double ParseDuration(const std::string& text);

}  // namespace batchmark
