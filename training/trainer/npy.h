// NumPy .npy files (format 1.0, little-endian, C order), for dumps that any framework can read.
// Source: numpy.lib.format. Throws Error(kIo) when the file cannot be written whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace batchmark {

void WriteNpy(const std::string& path, const float* values, const std::vector<size_t>& shape);
void WriteNpy(const std::string& path, const int32_t* values, const std::vector<size_t>& shape);

}  // namespace batchmark
