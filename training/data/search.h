// The places where image sets are looked for, in order. Reads the environment; loads nothing.
#pragma once

#include <string>
#include <vector>

namespace batchmark {

// ${XDG_CACHE_HOME:-~/.cache}/batchmark, or empty if neither variable holds an absolute path.
std::string CacheFolder();

// A folder that the user named: data_dir, else $BATCHMARK_DATA_DIR, else empty. `by` says which
// ("data_dir").
struct NamedFolder {
  std::string folder;
  std::string by;
};
NamedFolder FindNamedFolder(const std::string& data_dir);

// folder itself, then torchvision's layout below it (MNIST/raw, FashionMNIST/raw).
std::vector<std::string> WithTorchvisionLayout(const std::string& folder);

// Without a named folder: ./data, the cache, torchvision's layout below each, Debian's package.
std::vector<std::string> AutomaticFolders();

}  // namespace batchmark
