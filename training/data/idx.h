// IDX files (the format of MNIST), raw or gzip: parsed and checked byte by byte. Finding them is
// dataset.h.
//
// Layout, big-endian: 00 00 08 D, then D sizes of 4 bytes, then the bytes. Images have D = 3
// (count, height, width), labels D = 1 (count). Source: Y. LeCun, "The MNIST database", file
// formats.
//
// Nothing a file declares is believed before it is checked: no more than the declared size plus one
// byte is ever decompressed, and no memory is taken that the stored bytes could not fill.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/aligned.h"
#include "core/base/sha256.h"
#include "training/data/dataset.h"

namespace batchmark {

inline constexpr size_t kMaxIdxSide = 1024;  // height and width
inline constexpr size_t kMaxIdxBytes = size_t{1}
                                       << 30;       // stored, and declared: 1 GiB, 22 times MNIST
inline constexpr uint32_t kIdxLabels = 0x00000801;  // magic numbers
inline constexpr uint32_t kIdxImages = 0x00000803;

// All bytes of a regular file. Error kBadInput: missing, a folder or device, empty, above
// kMaxIdxBytes; kIo: a read failed.
std::vector<uint8_t> ReadStoredFile(const std::string& path);

// stored: the file as it lies on disk, gzip if it starts with 1f 8b. path goes into the error
// sentence together with the offset of the offending byte (of the decompressed bytes, where it says
// so). hash takes the decompressed bytes, header included. ParseIdxImages fills count, height,
// width and pixels; labels stay empty.
ImageSet ParseIdxImages(std::span<const uint8_t> stored, const std::string& path, Sha256& hash);
// Each label is below kClasses.
std::vector<uint8_t> ParseIdxLabels(std::span<const uint8_t> stored, const std::string& path,
                                    Sha256& hash);

// The headers that would stand in front of these images and labels in a file.
std::vector<uint8_t> IdxImagesHeader(const ImageSet& images);
std::vector<uint8_t> IdxLabelsHeader(size_t count);

}  // namespace batchmark
