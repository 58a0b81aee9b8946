#include "training/trainer/npy.h"

#include <fstream>

#include "core/base/check.h"

namespace batchmark {
namespace {

void Write(const std::string& path, const char* type, const void* values, size_t item_bytes,
           const std::vector<size_t>& shape) {
  std::string header = std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': (";
  size_t count = 1;
  for (size_t extent : shape) {
    header += std::to_string(extent) + ",";
    count *= extent;
  }
  header += "), }";
  constexpr size_t kPreamble = 10;  // magic, version, header length
  header.append(64 - (kPreamble + header.size() + 1) % 64, ' ');
  header += '\n';
  std::string preamble("\x93NUMPY\x01\x00", 8);
  preamble += static_cast<char>(header.size() & 255);
  preamble += static_cast<char>(header.size() >> 8);

  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << preamble << header;
  file.write(static_cast<const char*>(values), static_cast<std::streamsize>(count * item_bytes));
  file.close();
  if (!file) throw IoError("cannot write " + path);
}

}  // namespace

void WriteNpy(const std::string& path, const float* values, const std::vector<size_t>& shape) {
  Write(path, "<f4", values, sizeof(float), shape);
}

void WriteNpy(const std::string& path, const int32_t* values, const std::vector<size_t>& shape) {
  Write(path, "<i4", values, sizeof(int32_t), shape);
}

}  // namespace batchmark
