// The verified download, without a network: mirrors are file:// URLs.
#include "training/data/fetch.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/data/files_util.h"
#include "tests/support/catch.h"
#include "training/data/dataset.h"

namespace batchmark {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFashionPackage = "/usr/share/datasets/fashion-mnist";

size_t Entries(const std::string& folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("the script compiled in is the script of the tree") {
  std::ifstream file(std::string(BATCHMARK_SOURCE_DIR) + "/training/data/fetch.cmake");
  std::ostringstream text;
  text << file.rdbuf();
  CHECK(text.str() == FetchScript());
}

TEST_CASE("where a set is fetched to") {
  const ScopedVariable home("HOME", "/somewhere");
  {
    const ScopedVariable cache("XDG_CACHE_HOME", "/c");
    CHECK(FetchFolder("mnist") == "/c/batchmark/MNIST/raw");
    CHECK(FetchFolder("fashion-mnist") == "/c/batchmark/FashionMNIST/raw");
  }
  for (const char* value : {static_cast<const char*>(nullptr), "", "relative"}) {
    const ScopedVariable cache("XDG_CACHE_HOME", value);
    CHECK(FetchFolder("mnist") == "/somewhere/.cache/batchmark/MNIST/raw");
  }
  CHECK(ErrorOf([] { FetchFolder("synth-digits"); }) ==
        "3 set synth-digits cannot be downloaded, expected mnist or fashion-mnist");
  const ScopedVariable cache("XDG_CACHE_HOME", nullptr), none("HOME", nullptr);
  CHECK(ErrorOf([] { FetchFolder("mnist"); }) ==
        "4 neither XDG_CACHE_HOME nor HOME is set, so there is no place to put mnist");
}

TEST_CASE("no mirror answers: one sentence, nothing left behind") {
  const TestFolder folder;
  FetchRequest request;
  request.folder = folder / "it's a \"folder\" $HOME";  // no shell reads it
  request.mirrors = {"file://" + folder / "none", "file://" + folder / "nowhere"};
  const std::string error = ErrorOf([&] { FetchDataset(request); });
  CHECK(error.starts_with("4 mnist could not be downloaded (file://" +
                          folder / "none/t10k-labels-idx1-ubyte.gz: "));
  CHECK(error.find("; file://" + folder / "nowhere/t10k-labels-idx1-ubyte.gz: ") !=
        std::string::npos);
  CHECK(error.ends_with(
      "Without network, put its four files in ./data or a folder named by BATCHMARK_DATA_DIR"));
  CHECK(error.find('\n') == std::string::npos);
  CHECK(Entries(request.folder) == 0);
}

TEST_CASE("wrong bytes, broken gzip and bombs are refused by their hash") {
  const TestFolder folder;
  Bytes bomb(size_t{8} << 20);
  const Bytes wrong[] = {Gzip(LabelsFile(10000)), Bytes{1, 2, 3}, Gzip(bomb), Bytes{}};
  for (const Bytes& bytes : wrong) {
    WriteFile(folder / "mirror/t10k-labels-idx1-ubyte.gz", bytes);
    FetchRequest request;
    request.folder = folder / "out";
    request.mirrors = {"file://" + folder / "mirror"};
    const std::string error = ErrorOf([&] { FetchDataset(request); });
    CHECK(error.find("SHA-256 of the decompressed bytes is") != std::string::npos);
    CHECK(error.starts_with("4 "));
    CHECK(Entries(request.folder) == 0);
  }
}

TEST_CASE("a folder that cannot be written") {
  const TestFolder folder;
  WriteFile(folder / "file", Bytes{1});
  FetchRequest request;
  request.folder = folder / "file/below";
  CHECK(ErrorOf([&] { FetchDataset(request); }) == "4 " + request.folder + ": Not a directory");
}

TEST_CASE("a whole set from a mirror, found by the search afterwards") {
  if (!fs::exists(kFashionPackage)) {
    WARN("skipped: Debian's package dataset-fashion-mnist is not installed");
    return;
  }
  const TestFolder root;
  const ScopedVariable cache("XDG_CACHE_HOME", root.path().c_str()),
      none("BATCHMARK_DATA_DIR", nullptr);
  const ScopedFolder work(root.path());
  FetchRequest request;
  request.data = "fashion-mnist";
  request.mirrors = {"file://" + root / "none", std::string("file://") + kFashionPackage};
  const std::string folder = FetchDataset(request);
  CHECK(folder == root / "batchmark/FashionMNIST/raw");
  CHECK(Entries(folder) == 4);
  CHECK(LoadDataset("fashion-mnist", "").origin == folder);

  // Right files stay; only a broken one is fetched again.
  request.mirrors = {"file://" + root / "none"};
  CHECK(FetchDataset(request) == folder);
  WriteFile(folder + "/t10k-labels-idx1-ubyte", Bytes{1});
  CHECK(ErrorOf([&] {
          FetchDataset(request);
        }).starts_with("4 fashion-mnist could not be downloaded"));
  request.mirrors = {std::string("file://") + kFashionPackage};
  CHECK(FetchDataset(request) == folder);
  CHECK(LoadDataset("fashion-mnist", "").origin == folder);
}

}  // namespace batchmark
