// A folder with the four files of an image set: which files, loaded and checked together.
#pragma once

#include <array>
#include <string>

#include "training/data/dataset.h"

namespace batchmark {

// The four files in the order in which the hash of a set takes their decompressed bytes, so that
//   for f in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do zcat -f
//   $f-ubyte*; done | sha256sum
// prints Dataset::hash.
inline constexpr std::array<const char*, 4> kIdxFiles = {
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte"};

// One of kIdxFiles in a folder, in any accepted spelling (`-idx3` or `.idx3`; raw before .gz), or
// empty.
std::string FindIdxFile(const std::string& folder, const std::string& file);

// Empty if any of the four files is there; else why the folder is no candidate ("no such folder",
// ...).
std::string WhyNoDataFolder(const std::string& folder);

// Error kBadInput: a file is missing or bad, counts or sizes disagree, too few training images.
Dataset LoadFolder(const std::string& folder);

// "mnist", "fashion-mnist", "synth-digits", or "unknown:" and the first 8 digits.
std::string NameOfHash(const std::string& hash);

// The same for sets that never were files: fills name and hash from what is in train and test.
void Identify(Dataset& data);

}  // namespace batchmark
