#include "training/data/folder.h"

#include <sys/stat.h>

#include "core/base/check.h"
#include "core/base/sha256.h"
#include "training/data/idx.h"
#include "training/data/synth_digits.h"

namespace batchmark {
namespace {

// Hashes of the sets that have a name. Computed by the command in folder.h; the single files'
// hashes are those published for MNIST and Fashion-MNIST (see fetch.cmake).
constexpr const char* kMnistHash =
    "b2d8f5bf39174ee5ffeefa97e42d673c35432b411bb5d1f74fbbeddae7f1690a";
constexpr const char* kFashionHash =
    "14410854cf7a289477dcfc7df3f8ec24741e281cdcc425ede0d9a748ca630214";

enum class Kind { kMissing, kFolder, kOther };

Kind KindOf(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return Kind::kMissing;
  return S_ISDIR(info.st_mode) ? Kind::kFolder : Kind::kOther;
}

std::string RequireIdxFile(const std::string& folder, const std::string& file) {
  const std::string path = FindIdxFile(folder, file);
  if (path.empty()) throw InputError(folder + "/" + file + ": no such file (nor with .gz)");
  return path;
}

ImageSet LoadPart(const std::string& images_path, const std::string& labels_path, Sha256& hash) {
  ImageSet set = ParseIdxImages(ReadStoredFile(images_path), images_path, hash);
  set.labels = ParseIdxLabels(ReadStoredFile(labels_path), labels_path, hash);
  if (set.labels.size() != set.count) {
    throw InputError(labels_path + ": has " + std::to_string(set.labels.size()) +
                     " labels (count at byte 4) but " + images_path + " has " +
                     std::to_string(set.count) + " images");
  }
  return set;
}

std::string SizeText(const ImageSet& set) {
  return std::to_string(set.height) + " x " + std::to_string(set.width);
}

void HashPart(const ImageSet& set, Sha256& hash) {
  const std::vector<uint8_t> images = IdxImagesHeader(set), labels = IdxLabelsHeader(set.count);
  hash.Update(images.data(), images.size());
  hash.Update(set.pixels.data(), set.pixels.size());
  hash.Update(labels.data(), labels.size());
  hash.Update(set.labels.data(), set.labels.size());
}

}  // namespace

std::string FindIdxFile(const std::string& folder, const std::string& file) {
  std::string dotted = file;
  dotted[dotted.rfind("-idx")] = '.';
  std::string found;
  for (const std::string& name : {file, dotted, file + ".gz", dotted + ".gz"}) {
    const std::string path = folder + "/" + name;
    const Kind kind = KindOf(path);
    if (kind == Kind::kOther) return path;
    // Some archives unpack to a folder of one spelling beside the file of the other: go on looking.
    if (kind == Kind::kFolder && found.empty()) found = path;
  }
  return found;
}

std::string WhyNoDataFolder(const std::string& folder) {
  const Kind kind = KindOf(folder);
  if (kind == Kind::kMissing) return "no such folder";
  if (kind == Kind::kOther) return "is not a folder";
  for (const char* file : kIdxFiles) {
    if (!FindIdxFile(folder, file).empty()) return "";
  }
  return std::string("has no ") + kIdxFiles[0] + " (nor with .gz)";
}

Dataset LoadFolder(const std::string& folder) {
  std::array<std::string, 4> paths;
  for (size_t i = 0; i < paths.size(); ++i) paths[i] = RequireIdxFile(folder, kIdxFiles[i]);
  Sha256 hash;
  Dataset data;
  data.train = LoadPart(paths[0], paths[1], hash);
  if (data.train.count <= kValidationImages) {
    throw InputError(paths[0] + ": has " + std::to_string(data.train.count) +
                     " images (count at byte 4), at least " +
                     std::to_string(kValidationImages + 1) + " are needed because the last " +
                     std::to_string(kValidationImages) + " are kept for validation");
  }
  data.test = LoadPart(paths[2], paths[3], hash);
  if (data.test.height != data.train.height || data.test.width != data.train.width) {
    throw InputError(paths[2] + ": has images of " + SizeText(data.test) +
                     " (sizes at byte 8) but " + paths[0] + " has images of " +
                     SizeText(data.train));
  }
  data.hash = hash.HexDigest();
  data.name = NameOfHash(data.hash);
  data.origin = folder;
  return data;
}

std::string NameOfHash(const std::string& hash) {
  if (hash == kMnistHash) return "mnist";
  if (hash == kFashionHash) return "fashion-mnist";
  if (hash == kSynthDigitsHash) return "synth-digits";
  return "unknown:" + hash.substr(0, 8);
}

void Identify(Dataset& data) {
  Sha256 hash;
  HashPart(data.train, hash);
  HashPart(data.test, hash);
  data.hash = hash.HexDigest();
  data.name = NameOfHash(data.hash);
}

}  // namespace batchmark
