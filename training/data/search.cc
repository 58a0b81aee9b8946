#include "training/data/search.h"

#include <cstdlib>

namespace batchmark {
namespace {

constexpr const char* kDebianFolder =
    "/usr/share/datasets/fashion-mnist";  // package dataset-fashion-mnist
constexpr const char* kLayouts[] = {"/MNIST/raw", "/FashionMNIST/raw"};

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string CacheFolder() {
  // The XDG base directory specification tells to ignore relative paths.
  if (const std::string cache = Variable("XDG_CACHE_HOME"); cache.starts_with('/'))
    return cache + "/batchmark";
  if (const std::string home = Variable("HOME"); home.starts_with('/'))
    return home + "/.cache/batchmark";
  return "";
}

NamedFolder FindNamedFolder(const std::string& data_dir) {
  if (!data_dir.empty()) return {data_dir, "data_dir"};
  return {Variable("BATCHMARK_DATA_DIR"), "$BATCHMARK_DATA_DIR"};
}

std::vector<std::string> WithTorchvisionLayout(const std::string& folder) {
  std::vector<std::string> folders = {folder};
  for (const char* layout : kLayouts) folders.push_back(folder + layout);
  return folders;
}

std::vector<std::string> AutomaticFolders() {
  std::vector<std::string> roots = {"./data"};
  if (const std::string cache = CacheFolder(); !cache.empty()) roots.push_back(cache);
  std::vector<std::string> folders = roots;
  for (const std::string& root : roots) {
    for (const char* layout : kLayouts) folders.push_back(root + layout);
  }
  folders.push_back(kDebianFolder);
  return folders;
}

}  // namespace batchmark
