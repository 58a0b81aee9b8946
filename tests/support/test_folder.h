// Files of one test: a folder of its own, and texts in and out of it.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/base/temporary_folder.h"

namespace batchmark {

struct TestFolder : TemporaryFolder {
  TestFolder() : TemporaryFolder("test") {}
};

inline std::string ReadText(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void WriteText(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace batchmark
