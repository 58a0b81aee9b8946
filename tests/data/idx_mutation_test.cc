// Corrupted IDX and gzip input: always Error or success, never anything else.
#include <algorithm>

#include "core/base/rng.h"
#include "tests/data/files_util.h"
#include "tests/support/catch.h"
#include "training/data/idx.h"

namespace batchmark {
namespace {

// Draws of one trial; any stream does, these numbers never reach a result.
class Mutator {
 public:
  explicit Mutator(uint64_t trial) : rng_(7, RngStream::kExperiment, trial) {}

  Bytes Mutate(Bytes bytes) {
    const uint32_t edits = 1 + Below(3);
    for (uint32_t i = 0; i < edits; ++i) Edit(bytes);
    return bytes;
  }
  uint32_t Below(size_t n) { return rng_.Below(next_++, static_cast<uint32_t>(n)); }

 private:
  void Edit(Bytes& bytes) {
    if (bytes.empty()) return;
    // Half of the edits hit the head, where the structure is.
    const size_t at =
        Below(2) == 0 ? Below(std::min<size_t>(bytes.size(), 20)) : Below(bytes.size());
    const auto position = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    switch (Below(6)) {
      case 0:
        bytes[at] ^= static_cast<uint8_t>(1u << Below(8));
        break;
      case 1:
        bytes[at] = static_cast<uint8_t>(Below(256));
        break;
      case 2:
        bytes[at] = Below(2) == 0 ? 0x00 : 0xff;
        break;
      case 3:
        bytes.resize(at);
        break;
      case 4:
        bytes.insert(position, 1 + Below(9), static_cast<uint8_t>(Below(256)));
        break;
      case 5:
        bytes.erase(position, position + Below(std::min<size_t>(bytes.size() - at, 8) + 1));
        break;
    }
  }

  Rng rng_;
  uint64_t next_ = 0;
};

// Fails the test on anything but success or a bad-input Error that names the path.
bool Accepted(const Bytes& stored, bool images) {
  Sha256 hash;
  try {
    if (images) {
      const ImageSet set = ParseIdxImages(stored, "some/path", hash);
      REQUIRE(set.pixels.size() == set.count * set.height * set.width);
    } else {
      const Bytes labels = ParseIdxLabels(stored, "some/path", hash);
      REQUIRE(std::all_of(labels.begin(), labels.end(),
                          [](uint8_t label) { return label < kClasses; }));
    }
    return true;
  } catch (const Error& error) {
    REQUIRE(error.code() == ExitCode::kBadInput);
    REQUIRE(std::string(error.what()).starts_with("some/path: "));
    return false;
  }
}

}  // namespace

TEST_CASE("200,000 corrupted files are refused or read, never a crash") {
  const Bytes images = ImagesFile(6, 4, 4), labels = LabelsFile(40);
  const Bytes packed_images = Gzip(images), packed_labels = Gzip(labels);
  REQUIRE(Accepted(images, true));
  REQUIRE(Accepted(packed_labels, false));
  size_t accepted = 0;
  constexpr uint64_t kTrials = 200000;
  for (uint64_t trial = 0; trial < kTrials; ++trial) {
    Mutator mutator(trial);
    const bool is_images = trial % 2 == 0;
    Bytes bytes;
    switch (trial / 2 % 3) {
      case 0:
        bytes = mutator.Mutate(is_images ? images : labels);
        break;
      case 1:
        bytes = mutator.Mutate(is_images ? packed_images : packed_labels);
        break;
      case 2:
        bytes = Gzip(mutator.Mutate(is_images ? images : labels));
        break;  // past the checksum
    }
    accepted += Accepted(bytes, is_images);
  }
  // Many edits of raw pixels are legal; nearly everything else must have been refused.
  CHECK(accepted > kTrials / 20);
  CHECK(accepted < kTrials / 2);
}

}  // namespace batchmark
