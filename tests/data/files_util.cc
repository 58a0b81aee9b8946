#include "tests/data/files_util.h"

#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace batchmark {
namespace {

void Append32(Bytes& bytes, size_t value) {
  for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<uint8_t>(value >> shift));
}

}  // namespace

ScopedVariable::ScopedVariable(const char* name, const char* value) : name_(name) {
  if (const char* before = std::getenv(name); before != nullptr) before_ = before;
  value == nullptr ? unsetenv(name) : setenv(name, value, 1);
}
ScopedVariable::~ScopedVariable() {
  before_ ? setenv(name_, before_->c_str(), 1) : unsetenv(name_);
}

ScopedFolder::ScopedFolder(const std::string& folder)
    : before_(std::filesystem::current_path().string()) {
  std::filesystem::current_path(folder);
}
ScopedFolder::~ScopedFolder() { std::filesystem::current_path(before_); }

void WriteFile(const std::string& path, std::span<const uint8_t> bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  BATCHMARK_CHECK(file.good());
}

Bytes Gzip(std::span<const uint8_t> bytes) {
  z_stream stream{};
  BATCHMARK_CHECK(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) ==
                  Z_OK);
  Bytes packed(deflateBound(&stream, bytes.size()));
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  BATCHMARK_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

Bytes ImagesFile(size_t count, size_t h, size_t w) {
  Bytes bytes;
  for (const size_t value : {size_t{0x803}, count, h, w}) Append32(bytes, value);
  for (size_t i = 0; i < count * h * w; ++i) bytes.push_back(static_cast<uint8_t>(i % 251));
  return bytes;
}

Bytes LabelsFile(size_t count) {
  Bytes bytes;
  for (const size_t value : {size_t{0x801}, count}) Append32(bytes, value);
  for (size_t i = 0; i < count; ++i) bytes.push_back(static_cast<uint8_t>(i % 10));
  return bytes;
}

void WriteSet(const std::string& folder, size_t train_count, size_t h, size_t w) {
  WriteFile(folder + "/train-images-idx3-ubyte", ImagesFile(train_count, h, w));
  WriteFile(folder + "/train-labels-idx1-ubyte", LabelsFile(train_count));
  WriteFile(folder + "/t10k-images-idx3-ubyte", ImagesFile(20, h, w));
  WriteFile(folder + "/t10k-labels-idx1-ubyte", LabelsFile(20));
}

std::string ErrorOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return std::to_string(static_cast<int>(error.code())) + " " + error.what();
  }
  return "no error";
}

}  // namespace batchmark
