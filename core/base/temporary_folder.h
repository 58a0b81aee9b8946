// A folder of one's own in the system's place for passing files, removed at the end with all it holds.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "core/base/check.h"

namespace batchmark {

class TemporaryFolder {
 public:
  // Named batchmark-<purpose>-XXXXXX. Throws Error(kIo) where none can be made.
  explicit TemporaryFolder(const std::string& purpose) {
    std::error_code no_place;
    path_ = (std::filesystem::temp_directory_path(no_place) / ("batchmark-" + purpose + "-XXXXXX")).string();
    if (no_place) throw IoError("no place for a passing folder: " + no_place.message());
    if (mkdtemp(path_.data()) == nullptr) throw IoError(path_ + ": " + std::strerror(errno));
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace batchmark
