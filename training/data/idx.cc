#include "training/data/idx.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/base/check.h"
#include "training/data/byte_reader.h"

namespace batchmark {
namespace {

uint32_t BigEndian(const uint8_t* p) {
  return (uint32_t{p[0]} << 24) | (uint32_t{p[1]} << 16) | (uint32_t{p[2]} << 8) | p[3];
}

void AppendBigEndian(std::vector<uint8_t>& bytes, size_t value) {
  for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<uint8_t>(value >> shift));
}

std::string Hex32(uint32_t value) {
  char text[11];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

// What a wrong magic number most likely means.
std::string MagicHint(uint32_t magic) {
  if (magic == kIdxLabels)
    return "; this file holds labels where images should be: are the files swapped?";
  if (magic == kIdxImages)
    return "; this file holds images where labels should be: are the files swapped?";
  if ((magic >> 16) == 0 && ((magic >> 8) & 0xff) != 0x08)
    return "; only IDX files of unsigned bytes are read";
  return "; this is not an IDX file of that kind";
}

// One file on its way through the checks: header, sizes, payload, end.
class IdxParser {
 public:
  IdxParser(std::span<const uint8_t> stored, const std::string& path, Sha256& hash)
      : path_(path), hash_(hash), reader_(stored, path) {}

  // Magic number and `dimensions` sizes.
  std::vector<uint32_t> Header(uint32_t magic, size_t dimensions) {
    uint8_t bytes[16];
    const size_t size = 4 + 4 * dimensions;
    const size_t got = reader_.Read(bytes, size);
    if (got >= 4 && BigEndian(bytes) != magic) {
      Fail("bad magic number " + Hex32(BigEndian(bytes)) + " at " + reader_.At(0) + ", expected " +
           Hex32(magic) + MagicHint(BigEndian(bytes)));
    }
    if (got < size)
      Fail("truncated, ends at " + reader_.At(got) + " inside the header of " +
           std::to_string(size));
    hash_.Update(bytes, size);
    std::vector<uint32_t> sizes;
    for (size_t i = 1; i <= dimensions; ++i) sizes.push_back(BigEndian(bytes + 4 * i));
    if (sizes[0] == 0) Fail("declares a count of 0 at " + reader_.At(4));
    return sizes;
  }

  // Called before memory is taken for a payload of `bytes`.
  void CheckPayloadFits(uint64_t bytes) {
    if (bytes > kMaxIdxBytes) {
      Fail("declares " + std::to_string(bytes) + " bytes of data in the header at " +
           reader_.At(4) + ", more than the limit of " + std::to_string(kMaxIdxBytes));
    }
    if (bytes > reader_.MostLeft()) {
      Fail("truncated, declares " + std::to_string(bytes) + " bytes after " +
           reader_.At(reader_.position()) + " but at most " + std::to_string(reader_.MostLeft()) +
           " can follow");
    }
  }

  // Exactly `bytes`, then the end: one byte more is asked for, and never given.
  void Payload(uint8_t* dst, size_t bytes) {
    const size_t got = reader_.Read(dst, bytes);
    if (got < bytes) {
      Fail("truncated, ends at " + reader_.At(reader_.position()) + ", " +
           std::to_string(bytes - got) + " bytes before the declared end");
    }
    const uint64_t end = reader_.position();
    uint8_t extra;
    if (reader_.Read(&extra, 1) != 0)
      Fail("trailing bytes after the declared end at " + reader_.At(end));
    hash_.Update(dst, bytes);
  }

  [[noreturn]] void Fail(const std::string& what) const { throw InputError(path_ + ": " + what); }
  std::string At(uint64_t offset) const { return reader_.At(offset); }

 private:
  const std::string& path_;
  Sha256& hash_;
  ByteReader reader_;
};

}  // namespace

std::vector<uint8_t> ReadStoredFile(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) throw InputError(path + ": " + std::strerror(errno));
  if (S_ISDIR(info.st_mode)) throw InputError(path + ": is a folder, expected a file");
  if (!S_ISREG(info.st_mode)) throw InputError(path + ": is not a regular file");
  if (info.st_size == 0) throw InputError(path + ": is empty, ends at byte 0");
  if (static_cast<uint64_t>(info.st_size) > kMaxIdxBytes) {
    throw InputError(path + ": has " + std::to_string(info.st_size) +
                     " bytes, more than the limit of " + std::to_string(kMaxIdxBytes));
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (file == nullptr) throw InputError(path + ": " + std::strerror(errno));
  std::vector<uint8_t> bytes(static_cast<size_t>(info.st_size));
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    throw IoError(path + ": reading failed at byte " + std::to_string(bytes.size()) + ": " +
                  std::strerror(errno));
  }
  return bytes;
}

ImageSet ParseIdxImages(std::span<const uint8_t> stored, const std::string& path, Sha256& hash) {
  IdxParser parser(stored, path, hash);
  const std::vector<uint32_t> sizes = parser.Header(kIdxImages, 3);
  for (const size_t i : {1, 2}) {
    if (sizes[i] == 0 || sizes[i] > kMaxIdxSide) {
      parser.Fail("image " + std::string(i == 1 ? "height" : "width") + " " +
                  std::to_string(sizes[i]) + " at " + parser.At(4 + 4 * i) + ", expected 1.." +
                  std::to_string(kMaxIdxSide));
    }
  }
  ImageSet images;
  images.count = sizes[0], images.height = sizes[1], images.width = sizes[2];
  const uint64_t bytes = uint64_t{sizes[0]} * (sizes[1] * sizes[2]);
  parser.CheckPayloadFits(bytes);
  images.pixels = AlignedBuffer<uint8_t>(bytes);
  parser.Payload(images.pixels.data(), bytes);
  return images;
}

std::vector<uint8_t> ParseIdxLabels(std::span<const uint8_t> stored, const std::string& path,
                                    Sha256& hash) {
  IdxParser parser(stored, path, hash);
  const size_t count = parser.Header(kIdxLabels, 1)[0];
  parser.CheckPayloadFits(count);
  std::vector<uint8_t> labels(count);
  parser.Payload(labels.data(), count);
  for (size_t i = 0; i < count; ++i) {
    if (labels[i] >= kClasses) {
      parser.Fail("label " + std::to_string(labels[i]) + " at " + parser.At(8 + i) +
                  ", expected 0.." + std::to_string(kClasses - 1));
    }
  }
  return labels;
}

std::vector<uint8_t> IdxImagesHeader(const ImageSet& images) {
  std::vector<uint8_t> header;
  for (const size_t value : {size_t{kIdxImages}, images.count, images.height, images.width}) {
    AppendBigEndian(header, value);
  }
  return header;
}

std::vector<uint8_t> IdxLabelsHeader(size_t count) {
  std::vector<uint8_t> header;
  for (const size_t value : {size_t{kIdxLabels}, count}) AppendBigEndian(header, value);
  return header;
}

}  // namespace batchmark
