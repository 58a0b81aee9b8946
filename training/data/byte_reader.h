// The decompressed bytes of a stored file in order, whether it is gzip or not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace batchmark {

class ByteReader {
 public:
  // Gzip if stored starts with 1f 8b. Both stored and path must outlive the reader.
  ByteReader(std::span<const uint8_t> stored, const std::string& path);
  ~ByteReader();
  ByteReader(const ByteReader&) = delete;
  ByteReader& operator=(const ByteReader&) = delete;

  // The next bytes, at most `bytes`; fewer only at the end. At the end of a gzip file its checksum
  // has been verified. Error kBadInput: broken, cut or followed by something else, with the offset
  // in the stored file.
  size_t Read(uint8_t* dst, size_t bytes);

  // Upper bound on what is left to read, from the stored size alone.
  uint64_t MostLeft() const;
  uint64_t position() const { return position_; }
  // "byte 16", or "byte 16 of the decompressed data".
  std::string At(uint64_t offset) const;

 private:
  struct Gzip;
  size_t ReadGzip(uint8_t* dst, size_t bytes);

  std::span<const uint8_t> stored_;
  const std::string& path_;
  uint64_t position_ = 0;
  std::unique_ptr<Gzip> gzip_;  // null: raw
};

}  // namespace batchmark
