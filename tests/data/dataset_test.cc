// Folders, names and the search: which set is taken, and why not another.
#include "training/data/dataset.h"

#include <algorithm>
#include <filesystem>

#include "core/base/sha256.h"
#include "tests/data/files_util.h"
#include "tests/support/catch.h"
#include "training/data/folder.h"
#include "training/data/idx.h"
#include "training/data/synth_digits.h"

namespace batchmark {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFashionPackage = "/usr/share/datasets/fashion-mnist";

// A machine without data: no variables, an empty cache and an empty working folder.
struct BareMachine {
  TestFolder root;
  ScopedVariable data_dir{"BATCHMARK_DATA_DIR", nullptr};
  ScopedVariable cache{"XDG_CACHE_HOME", (root / "cache").c_str()};
  ScopedFolder work{root.path()};
  std::string Data() const { return root / "data"; }
  std::string Cache() const { return root / "cache/batchmark"; }
};

std::string LoadError(const std::string& data, const std::string& data_dir) {
  return ErrorOf([&] { LoadDataset(data, data_dir); });
}

std::string VerdictOf(const std::vector<DataCandidate>& candidates, const std::string& where) {
  for (const DataCandidate& candidate : candidates) {
    if (candidate.where == where) return (candidate.usable ? "+ " : "- ") + candidate.verdict;
  }
  return "not listed";
}

// The set under another hash: one pixel of the training images differs.
void Spoil(const std::string& folder) {
  Bytes images = ImagesFile(5010, 4, 3);
  images[16] = 200;
  WriteFile(folder + "/train-images-idx3-ubyte", images);
}

}  // namespace

TEST_CASE("a folder in every spelling, raw or gzip, has one identity") {
  const TestFolder folder;
  WriteSet(folder.path());
  const Dataset plain = LoadFolder(folder.path());
  CHECK(plain.train.count == 5010);
  CHECK(plain.TrainingImages() == 10);
  CHECK(plain.test.count == 20);
  CHECK(plain.train.height == 4);
  CHECK(plain.train.width == 3);
  CHECK(plain.train.labels.size() == 5010);
  CHECK(plain.origin == folder.path());

  Sha256 hash;
  for (const Bytes& bytes :
       {ImagesFile(5010, 4, 3), LabelsFile(5010), ImagesFile(20, 4, 3), LabelsFile(20)}) {
    hash.Update(bytes.data(), bytes.size());
  }
  CHECK(plain.hash == hash.HexDigest());
  CHECK(plain.name == "unknown:" + plain.hash.substr(0, 8));
  Dataset again;
  again.train = LoadFolder(folder.path()).train;
  again.test = LoadFolder(folder.path()).test;
  Identify(again);
  CHECK(again.hash == plain.hash);

  const TestFolder other;
  WriteFile(other / "train-images.idx3-ubyte", ImagesFile(5010, 4, 3));
  WriteFile(other / "train-labels.idx1-ubyte.gz", Gzip(LabelsFile(5010)));
  WriteFile(other / "t10k-images-idx3-ubyte.gz", Gzip(ImagesFile(20, 4, 3)));
  fs::create_directory(other / "t10k-labels-idx1-ubyte");  // an unpacked archive of that name
  WriteFile(other / "t10k-labels.idx1-ubyte", LabelsFile(20));
  CHECK(LoadFolder(other.path()).hash == plain.hash);
}

TEST_CASE("what is wrong with a named folder is the answer, exit code 3") {
  const TestFolder folder;
  const auto file = [&](const char* name) { return folder / name; };
  const std::string images = file("train-images-idx3-ubyte"),
                    labels = file("train-labels-idx1-ubyte");
  const std::string t10k_images = file("t10k-images-idx3-ubyte"),
                    t10k_labels = file("t10k-labels-idx1-ubyte");
  const auto error = [&] { return LoadError("auto", folder.path()); };

  CHECK(LoadError("auto", file("none")) == "3 " + file("none") + " (data_dir): no such folder");
  CHECK(error() ==
        "3 " + folder.path() + " (data_dir): has no train-images-idx3-ubyte (nor with .gz)");

  WriteSet(folder.path());
  CHECK(LoadError("auto", images) == "3 " + images + " (data_dir): is not a folder");
  CHECK(error() == "no error");

  fs::remove(t10k_labels);
  CHECK(error() == "3 " + t10k_labels + ": no such file (nor with .gz)");
  fs::create_directory(t10k_labels);
  CHECK(error() == "3 " + t10k_labels + ": is a folder, expected a file");
  fs::remove(t10k_labels);
  WriteFile(t10k_labels, {});
  CHECK(error() == "3 " + t10k_labels + ": is empty, ends at byte 0");
  WriteFile(t10k_labels, LabelsFile(19));
  CHECK(error() == "3 " + t10k_labels + ": has 19 labels (count at byte 4) but " + t10k_images +
                       " has 20 images");

  WriteSet(folder.path());
  WriteFile(t10k_images, ImagesFile(20, 4, 4));
  CHECK(error() == "3 " + t10k_images + ": has images of 4 x 4 (sizes at byte 8) but " + images +
                       " has images of 4 x 3");
  WriteSet(folder.path(), 5000);
  CHECK(error() == "3 " + images +
                       ": has 5000 images (count at byte 4), at least 5001 are needed because the "
                       "last 5000 are kept "
                       "for validation");
  WriteSet(folder.path(), 5001);
  CHECK(error() == "no error");

  fs::rename(images, file("x")), fs::rename(labels, images), fs::rename(file("x"), labels);
  CHECK(error().starts_with("3 " + images + ": bad magic number 0x00000801 at byte 0"));
  CHECK(error().ends_with("are the files swapped?"));

  WriteSet(folder.path());
  CHECK(LoadError("mnist", folder.path())
            .starts_with("3 data=mnist: " + folder.path() + " (data_dir) holds unknown:"));
  CHECK(LoadError("synth-digits", folder.path()).starts_with("3 data=synth-digits: "));
  CHECK(LoadError("cifar", folder.path()) ==
        "3 data=cifar: expected auto, mnist, fashion-mnist or synth-digits");
}

TEST_CASE("$BATCHMARK_DATA_DIR is the only place, data_dir beats it, synth-digits needs no place") {
  const BareMachine machine;
  WriteSet(machine.Data());
  const TestFolder named, missing;
  WriteSet(named.path(), 5020);
  {
    const ScopedVariable variable("BATCHMARK_DATA_DIR", named.path().c_str());
    CHECK(LoadDataset("auto", "").train.count == 5020);
    CHECK(LoadDataset("auto", machine.Data()).train.count == 5010);
    CHECK(LoadDataset("synth-digits", "").hash == kSynthDigitsHash);
    const auto list = ListDatasets("");
    CHECK(VerdictOf(list, named.path()).starts_with("+ unknown:"));
    CHECK(VerdictOf(list, "./data") == "not listed");
    CHECK(VerdictOf(list, "anywhere else") ==
          "- not searched, because $BATCHMARK_DATA_DIR names a folder");
  }
  const ScopedVariable variable("BATCHMARK_DATA_DIR", (missing / "none").c_str());
  CHECK(LoadError("auto", "") ==
        "3 " + missing / "none" + " ($BATCHMARK_DATA_DIR): no such folder");
}

TEST_CASE("torchvision's layout below a named folder") {
  const TestFolder root;
  WriteSet(root / "FashionMNIST/raw", 5020);
  CHECK(LoadDataset("auto", root.path()).origin == root / "FashionMNIST/raw");
  WriteSet(root / "MNIST/raw", 5030);
  CHECK(LoadDataset("auto", root.path()).origin == root / "MNIST/raw");
  CHECK(LoadError("mnist", root.path()).find(" and unknown:") != std::string::npos);
}

TEST_CASE("the automatic search goes in order and says why it went on") {
  const BareMachine machine;
  const bool packaged = fs::exists(kFashionPackage);
  CHECK(LoadDataset("auto", "").name == (packaged ? "fashion-mnist" : "synth-digits"));
  CHECK(LoadError("mnist", "")
            .starts_with("3 data=mnist: not found in ./data, the cache or the installed packages"));
  CHECK(LoadError("mnist", "").ends_with("; `batchmark data fetch` downloads it"));

  // From the last place to the first.
  const std::string places[] = {machine.Cache() + "/FashionMNIST/raw",
                                machine.Cache() + "/MNIST/raw",
                                machine.Data() + "/FashionMNIST/raw",
                                machine.Data() + "/MNIST/raw",
                                machine.Cache(),
                                machine.Data()};
  size_t count = 5001;
  for (const std::string& place : places) {
    WriteSet(place, ++count);
    CHECK(LoadDataset("auto", "").train.count == count);
  }
  // A bad set is passed over, and listed with its reason.
  WriteFile(machine.Data() + "/t10k-labels-idx1-ubyte", LabelsFile(3));
  CHECK(LoadDataset("auto", "").origin == machine.Cache());
  const auto list = ListDatasets("");
  CHECK(VerdictOf(list, "./data") ==
        "- ./data/t10k-labels-idx1-ubyte: has 3 labels (count at byte 4) but "
        "./data/t10k-images-idx3-ubyte has 20 "
        "images");
  CHECK(VerdictOf(list, machine.Cache()).starts_with("+ unknown:"));
  CHECK(VerdictOf(list, "download") == "- not done by the search; `batchmark data fetch` does it");
  CHECK(VerdictOf(list, "built in") == "+ synth-digits");
  CHECK(list.size() == 9);
  CHECK(LoadError("mnist", "").find("./data/t10k-labels-idx1-ubyte: has 3 labels") !=
        std::string::npos);
}

TEST_CASE("the name comes from the bytes, not from the folder") {
  const BareMachine machine;
  WriteSet(machine.Cache() + "/MNIST/raw");
  const Dataset first = LoadDataset("auto", "");
  CHECK(first.name == "unknown:" + first.hash.substr(0, 8));
  Spoil(machine.Cache() + "/MNIST/raw");
  CHECK(LoadDataset("auto", "").hash != first.hash);
}

TEST_CASE("synth-digits written as files is recognised") {
  const TestFolder folder;
  const Dataset data = SynthDigits();
  const auto write = [&](const ImageSet& set, const char* prefix) {
    Bytes images = IdxImagesHeader(set), labels = IdxLabelsHeader(set.count);
    images.insert(images.end(), set.pixels.begin(), set.pixels.end());
    labels.insert(labels.end(), set.labels.begin(), set.labels.end());
    WriteFile(folder / (std::string(prefix) + "-images-idx3-ubyte"), images);
    WriteFile(folder / (std::string(prefix) + "-labels-idx1-ubyte"), labels);
  };
  write(data.train, "train");
  write(data.test, "t10k");
  CHECK(LoadDataset("synth-digits", folder.path()).hash == kSynthDigitsHash);
}

TEST_CASE("real sets where they are installed have their names") {
  if (fs::exists(kFashionPackage)) {
    CHECK(LoadDataset("fashion-mnist", kFashionPackage).name == "fashion-mnist");
    CHECK(LoadError("mnist", kFashionPackage) ==
          std::string("3 data=mnist: ") + kFashionPackage + " (data_dir) holds fashion-mnist");
  } else {
    WARN("skipped: Debian's package dataset-fashion-mnist is not installed");
  }
  const char* named = std::getenv("BATCHMARK_DATA_DIR");
  if (named != nullptr && LoadDataset("auto", "").name == "mnist") {
    const Dataset data = LoadDataset("mnist", "");
    CHECK(data.train.count == 60000);
    CHECK(data.train.labels[0] == 5);  // the first digits of MNIST: 5 0 4
    CHECK(data.train.labels[1] == 0);
    CHECK(data.test.labels[0] == 7);
  } else {
    WARN("skipped: $BATCHMARK_DATA_DIR does not name a folder with MNIST");
  }
}

}  // namespace batchmark
