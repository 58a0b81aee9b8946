// Small image sets written to temporary folders, broken in chosen ways.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "tests/support/test_folder.h"

namespace batchmark {

using Bytes = std::vector<uint8_t>;

// Sets a variable (nullptr: unsets it) while in scope.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value);
  ~ScopedVariable();
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

// Changes the working folder while in scope.
class ScopedFolder {
 public:
  explicit ScopedFolder(const std::string& folder);
  ~ScopedFolder();
  ScopedFolder(const ScopedFolder&) = delete;
  ScopedFolder& operator=(const ScopedFolder&) = delete;

 private:
  std::string before_;
};

void WriteFile(const std::string& path, std::span<const uint8_t> bytes);
Bytes Gzip(std::span<const uint8_t> bytes);
// IDX files of count images h x w, pixel i of the file = i % 251; labels i % 10.
Bytes ImagesFile(size_t count, size_t h, size_t w);
Bytes LabelsFile(size_t count);
// A good set: train_count images of h x w and 20 for the test.
void WriteSet(const std::string& folder, size_t train_count = 5010, size_t h = 4, size_t w = 3);

// Runs action, which must throw Error: "3 <sentence>".
std::string ErrorOf(const std::function<void()>& action);

}  // namespace batchmark
