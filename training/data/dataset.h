// Image sets: found, checked, identified by the hash of their decompressed bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/aligned.h"

namespace batchmark {

struct ImageSet {
  size_t count = 0;
  size_t height = 0, width = 0;
  AlignedBuffer<uint8_t> pixels;  // [count, height, width], 0..255
  std::vector<uint8_t> labels;    // [count], 0..9
  size_t PixelsPerImage() const { return height * width; }
};

inline constexpr size_t kClasses = 10;
inline constexpr size_t kValidationImages = 5000;  // the last ones of the training file

struct Dataset {
  std::string name;    // "mnist", "fashion-mnist", "synth-digits", or "unknown:ab12cd34" (first
                       // digits of hash)
  std::string hash;    // 64 hex digits over the decompressed bytes of the four files
  std::string origin;  // where it was found, for people ("./data", "built in"); never part of a key
  ImageSet train;      // the whole training file; validation = its last kValidationImages
  ImageSet test;
  size_t TrainingImages() const { return train.count - kValidationImages; }
};

// What the data search looked at and why it went on; `batchmark data list` prints it.
struct DataCandidate {
  std::string where;
  std::string
      verdict;  // "mnist", or why not: "no such folder", "train-images...: bad magic at offset 0"
  bool usable = false;
};

// data = auto | mnist | fashion-mnist | synth-digits; data_dir may be empty (then
// $BATCHMARK_DATA_DIR, then the search order of the README). Throws Error: kBadInput with path and
// offset for bad or missing files.
Dataset LoadDataset(const std::string& data, const std::string& data_dir);
std::vector<DataCandidate> ListDatasets(const std::string& data_dir);

}  // namespace batchmark
