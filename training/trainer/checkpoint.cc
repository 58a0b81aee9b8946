#include "training/trainer/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/check.h"
#include "core/base/sha256.h"

namespace batchmark {
namespace {

constexpr char kMagic[8] = {'B', 'M', 'C', 'K', 'P', 'T', '0', '1'};
constexpr size_t kKeyBytes = 64, kDigestBytes = 64;

// Header layout after the magic: run key (64), header length (8), payload floats (8).
constexpr size_t kFixedBytes = sizeof(kMagic) + kKeyBytes + 16;

void AppendU64(std::string& out, uint64_t value) {
  for (int i = 0; i < 8; ++i) out += static_cast<char>(value >> (8 * i));
}

uint64_t ReadU64(const std::string& in, size_t at) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | static_cast<uint8_t>(in[at + static_cast<size_t>(i)]);
  return value;
}

void WriteDurably(const std::string& path, const std::string& bytes) {
  const auto fail = [&] { return IoError("cannot write " + path + ": " + std::strerror(errno)); };
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) throw fail();
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = write(fd, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      const Error error = fail();
      close(fd);
      unlink(path.c_str());
      throw error;
    }
    done += static_cast<size_t>(wrote);
  }
  const bool synced = fsync(fd) == 0;
  if (close(fd) != 0 || !synced) throw fail();
}

struct Sound {
  std::string key;
  CheckpointImage image;
};

// Nothing unless every byte is as written.
std::optional<Sound> ReadSound(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (bytes.size() < kFixedBytes + kDigestBytes || std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0) {
    return std::nullopt;
  }
  const size_t body = bytes.size() - kDigestBytes;
  if (Sha256Hex(std::string_view(bytes).substr(0, body)) != std::string_view(bytes).substr(body)) return std::nullopt;
  const uint64_t header = ReadU64(bytes, sizeof(kMagic) + kKeyBytes);
  const uint64_t floats = ReadU64(bytes, sizeof(kMagic) + kKeyBytes + 8);
  if (kFixedBytes + header + floats * sizeof(float) != body) return std::nullopt;
  Sound sound{.key = bytes.substr(sizeof(kMagic), kKeyBytes),
              .image = {.header_json = bytes.substr(kFixedBytes, header), .payload = std::vector<float>(floats)}};
  std::memcpy(sound.image.payload.data(), bytes.data() + kFixedBytes + header, floats * sizeof(float));
  return sound;
}

}  // namespace

void WriteCheckpoint(const std::string& dir, const std::string& run_key, const std::string& header_json,
                     std::span<const std::span<const float>> tensors) {
  BATCHMARK_CHECK(run_key.size() == kKeyBytes);
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) throw IoError("cannot create " + dir + ": " + error.message());
  size_t floats = 0;
  for (const auto& tensor : tensors) floats += tensor.size();
  std::string bytes(kMagic, sizeof(kMagic));
  bytes.reserve(kFixedBytes + header_json.size() + floats * sizeof(float) + kDigestBytes);
  bytes += run_key;
  AppendU64(bytes, header_json.size());
  AppendU64(bytes, floats);
  bytes += header_json;
  for (const auto& tensor : tensors) bytes.append(reinterpret_cast<const char*>(tensor.data()), tensor.size_bytes());
  bytes += Sha256Hex(bytes);

  const std::string current = dir + "/checkpoint.bin", old = dir + "/checkpoint.old.bin", aside = current + ".tmp";
  WriteDurably(aside, bytes);
  if (std::filesystem::exists(current)) std::filesystem::rename(current, old, error);
  if (!error) std::filesystem::rename(aside, current, error);
  if (error) throw IoError("cannot rename " + aside + ": " + error.message());
  const int fd = open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    (void)fsync(fd);
    close(fd);
  }
}

std::optional<CheckpointImage> ReadCheckpoint(const std::string& dir, const std::string& run_key) {
  bool seen = false;
  for (const char* name : {"/checkpoint.bin", "/checkpoint.old.bin"}) {
    const std::string path = dir + name;
    if (!std::filesystem::exists(path)) continue;
    seen = true;
    if (auto sound = ReadSound(path)) {
      if (sound->key != run_key) {
        throw InputError(path + " belongs to another run: its spec or data set differs from this one's");
      }
      return std::move(sound->image);
    }
  }
  if (seen) throw InputError("no sound checkpoint in " + dir + ": its files are damaged or cut short");
  return std::nullopt;
}

}  // namespace batchmark
