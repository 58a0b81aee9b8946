#include "reports/store_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/base/check.h"

namespace batchmark {
namespace {

namespace fs = std::filesystem;

// "Permission denied", "Read-only file system", or "" if this program may.
std::string Denied(const std::string& path, int right) {
  return ::faccessat(AT_FDCWD, path.c_str(), right, AT_EACCESS) == 0 ? "" : std::strerror(errno);
}

}  // namespace

void CheckStorePath(const std::string& path, bool must_exist) {
  if (path.empty()) throw UsageError("the store's path is empty");
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::none) {
    throw IoError("cannot open store " + path + ": " + error.message());
  }
  if (!fs::exists(status)) {
    if (must_exist) throw InputError("store " + path + " does not exist");
  } else if (fs::is_directory(status)) {
    throw InputError("store " + path + " is a folder");
  } else if (!fs::is_regular_file(status)) {
    throw InputError("store " + path + " is no regular file");
  }
}

std::string StoreObstacle(const std::string& path, bool writing) {
  std::error_code error;
  std::string folder = fs::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  if (!fs::exists(folder, error)) return "there is no folder " + folder;
  if (!fs::is_directory(folder, error)) return folder + " is no folder";
  if (fs::exists(path, error)) {
    const std::string denied = Denied(path, writing ? R_OK | W_OK : R_OK);
    if (!denied.empty() || !writing) return denied;
  }
  const std::string denied = Denied(folder, W_OK | X_OK);
  return denied.empty() ? "" : "folder " + folder + ": " + denied;
}

}  // namespace batchmark
