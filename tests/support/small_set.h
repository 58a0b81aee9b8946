// A small image set on disk, quick to read and easy to learn: images of 8 x 8 pixels, class k
// brightens pixels of its own, noise by a linear congruential generator. 5,000 validation images
// are always there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace batchmark {

inline std::string BigEndian(uint32_t value) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

// The bytes of an image file and of its label file.
inline std::pair<std::string, std::string> SmallIdx(uint32_t count, uint32_t seed) {
  constexpr uint32_t kSide = 8;
  std::string images = BigEndian(0x803) + BigEndian(count) + BigEndian(kSide) + BigEndian(kSide);
  std::string labels = BigEndian(0x801) + BigEndian(count);
  uint32_t state = seed;
  const auto next = [&state] { return (state = state * 1664525u + 1013904223u) >> 24; };
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t label = next() % 10;
    labels += static_cast<char>(label);
    for (uint32_t p = 0; p < kSide * kSide; ++p)
      images += static_cast<char>(p % 10 == label ? 128 + next() / 2 : next() / 2);
  }
  return {images, labels};
}

inline void WriteSmallSet(const std::filesystem::path& folder, uint32_t training_images = 1000) {
  std::filesystem::create_directories(folder);
  const auto write = [&](const std::string& name, const std::string& bytes) {
    std::ofstream(folder / name, std::ios::binary) << bytes;
  };
  const auto [train_images, train_labels] = SmallIdx(5000 + training_images, 1);
  const auto [test_images, test_labels] = SmallIdx(500, 2);
  write("train-images-idx3-ubyte", train_images);
  write("train-labels-idx1-ubyte", train_labels);
  write("t10k-images-idx3-ubyte", test_images);
  write("t10k-labels-idx1-ubyte", test_labels);
}

}  // namespace batchmark
