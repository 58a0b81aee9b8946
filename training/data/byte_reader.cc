#include "training/data/byte_reader.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "core/base/check.h"

namespace batchmark {
namespace {

// Deflate cannot expand by more: a match of 258 bytes takes at least 2 bits (zlib technical notes).
constexpr uint64_t kDeflateLimit = 1032;
constexpr int kGzipOnly = 16 + MAX_WBITS;
constexpr size_t kLargestCall = size_t{1} << 30;  // zlib counts in 32 bits

bool StartsLikeGzip(std::span<const uint8_t> bytes) {
  return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

}  // namespace

struct ByteReader::Gzip {
  z_stream stream{};
  size_t consumed = 0;  // stored bytes of finished members
  bool ended = false;

  Gzip() {
    if (inflateInit2(&stream, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~Gzip() { inflateEnd(&stream); }
  size_t Offset() const { return consumed + stream.total_in; }
};

ByteReader::ByteReader(std::span<const uint8_t> stored, const std::string& path)
    : stored_(stored),
      path_(path),
      gzip_(StartsLikeGzip(stored) ? std::make_unique<Gzip>() : nullptr) {
  BATCHMARK_CHECK(stored.size() <= kLargestCall);
  if (gzip_ == nullptr) return;
  gzip_->stream.next_in = const_cast<Bytef*>(stored.data());  // zlib does not write through it
  gzip_->stream.avail_in = static_cast<uInt>(stored.size());
}

ByteReader::~ByteReader() = default;

size_t ByteReader::Read(uint8_t* dst, size_t bytes) {
  size_t got = 0;
  if (gzip_ != nullptr) {
    while (got < bytes) {
      const size_t part = ReadGzip(dst + got, std::min(bytes - got, kLargestCall));
      if (part == 0) break;
      got += part;
    }
  } else {
    got = std::min<uint64_t>(bytes, stored_.size() - position_);
    if (got > 0) std::memcpy(dst, stored_.data() + position_, got);
  }
  position_ += got;
  return got;
}

size_t ByteReader::ReadGzip(uint8_t* dst, size_t bytes) {
  Gzip& gzip = *gzip_;
  z_stream& stream = gzip.stream;
  stream.next_out = dst;
  stream.avail_out = static_cast<uInt>(bytes);
  while (!gzip.ended && stream.avail_out > 0) {
    const int status = inflate(&stream, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status == Z_STREAM_END) {
      // gzip allows several members in a row; anything else behind the stream is refused.
      const std::span<const uint8_t> rest = stored_.last(stream.avail_in);
      gzip.ended = rest.empty();
      if (!rest.empty() && !StartsLikeGzip(rest)) {
        throw InputError(path_ + ": " + std::to_string(rest.size()) +
                         " trailing bytes after the end of the gzip stream at byte " +
                         std::to_string(gzip.Offset()));
      }
      gzip.consumed += stream.total_in;
      inflateReset(&stream);
    } else if (status == Z_BUF_ERROR ||
               (status == Z_OK && stream.avail_in == 0 && stream.avail_out > 0)) {
      throw InputError(path_ + ": truncated gzip stream, the file ends at byte " +
                       std::to_string(gzip.Offset()));
    } else if (status != Z_OK) {
      throw InputError(path_ + ": broken gzip stream at byte " + std::to_string(gzip.Offset()) +
                       " (" + (stream.msg != nullptr ? stream.msg : "preset dictionary") + ")");
    }
  }
  return bytes - stream.avail_out;
}

uint64_t ByteReader::MostLeft() const {
  return stored_.size() * (gzip_ != nullptr ? kDeflateLimit : 1) - position_;
}

std::string ByteReader::At(uint64_t offset) const {
  return "byte " + std::to_string(offset) + (gzip_ != nullptr ? " of the decompressed data" : "");
}

}  // namespace batchmark
