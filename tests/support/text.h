// Questions that tests ask of a text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

namespace batchmark {

inline bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline size_t Lines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

// What the program says when it refuses: one line, in its name.
inline bool IsOneSentence(const std::string& err) {
  return err.starts_with("batchmark: ") && err.find('\n') == err.size() - 1;
}

}  // namespace batchmark
