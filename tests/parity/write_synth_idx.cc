// Writes the built-in synth-digits training set as IDX files, for replays in other frameworks.
//   write_synth_idx DIR
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "training/data/dataset.h"

namespace {

void WriteIdx(const std::string& path, const std::vector<uint32_t>& shape, const uint8_t* bytes, size_t count) {
  std::ofstream file(path, std::ios::binary);
  file.put(0).put(0).put(8).put(static_cast<char>(shape.size()));
  for (uint32_t extent : shape) {
    for (int shift = 24; shift >= 0; shift -= 8) file.put(static_cast<char>(extent >> shift));
  }
  file.write(reinterpret_cast<const char*>(bytes), static_cast<std::streamsize>(count));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_synth_idx DIR\n");
    return 2;
  }
  const batchmark::Dataset data = batchmark::LoadDataset("synth-digits", "");
  const std::string dir = argv[1];
  const auto count = static_cast<uint32_t>(data.train.count);
  const auto height = static_cast<uint32_t>(data.train.height), width = static_cast<uint32_t>(data.train.width);
  WriteIdx(dir + "/train-images-idx3-ubyte", {count, height, width}, data.train.pixels.data(), data.train.pixels.size());
  WriteIdx(dir + "/train-labels-idx1-ubyte", {count}, data.train.labels.data(), data.train.labels.size());
  return 0;
}
