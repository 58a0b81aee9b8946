// The IDX reader: what it accepts, and the sentence for each thing it refuses.
#include "training/data/idx.h"

#include <filesystem>

#include "tests/data/files_util.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

std::string ImagesError(const Bytes& stored) {
  return ErrorOf([&] {
    Sha256 hash;
    ParseIdxImages(stored, "dir/images", hash);
  });
}

std::string LabelsError(const Bytes& stored) {
  return ErrorOf([&] {
    Sha256 hash;
    ParseIdxLabels(stored, "dir/labels", hash);
  });
}

Bytes With(Bytes bytes, size_t offset, uint8_t value) {
  bytes[offset] = value;
  return bytes;
}

Bytes Cut(Bytes bytes, size_t size) {
  bytes.resize(size);
  return bytes;
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::string HashOf(const Bytes& bytes) {
  Sha256 hash;
  hash.Update(bytes.data(), bytes.size());
  return hash.HexDigest();
}

const Bytes kImages = ImagesFile(7, 5, 3);
const Bytes kLabels = LabelsFile(12);

}  // namespace

TEST_CASE("raw and gzip IDX give the same images, labels and hash") {
  for (const Bytes& stored : {kImages, Gzip(kImages)}) {
    Sha256 hash;
    const ImageSet images = ParseIdxImages(stored, "p", hash);
    CHECK(images.count == 7);
    CHECK(images.height == 5);
    CHECK(images.width == 3);
    REQUIRE(images.pixels.size() == 105);
    for (size_t i = 0; i < 105; ++i) REQUIRE(images.pixels[i] == i % 251);
    CHECK(hash.HexDigest() == HashOf(kImages));
    CHECK(IdxImagesHeader(images) == Cut(kImages, 16));
  }
  for (const Bytes& stored : {kLabels, Gzip(kLabels)}) {
    Sha256 hash;
    CHECK(ParseIdxLabels(stored, "p", hash) == Bytes(kLabels.begin() + 8, kLabels.end()));
    CHECK(hash.HexDigest() == HashOf(kLabels));
  }
  CHECK(IdxLabelsHeader(12) == Cut(kLabels, 8));
}

TEST_CASE("a gzip file may have several members") {
  const Bytes head(kImages.begin(), kImages.begin() + 9), tail(kImages.begin() + 9, kImages.end());
  Sha256 hash;
  CHECK(ParseIdxImages(Gzip(head) + Gzip(tail) + Gzip({}), "p", hash).count == 7);
  CHECK(hash.HexDigest() == HashOf(kImages));
}

TEST_CASE("swapped IDX files are named as such") {
  CHECK(ImagesError(kLabels) ==
        "3 dir/images: bad magic number 0x00000801 at byte 0, expected 0x00000803; this file holds "
        "labels where "
        "images should be: are the files swapped?");
  CHECK(LabelsError(Gzip(kImages)) ==
        "3 dir/labels: bad magic number 0x00000803 at byte 0 of the decompressed data, expected "
        "0x00000801; this "
        "file holds images where labels should be: are the files swapped?");
}

TEST_CASE("other magic numbers") {
  CHECK(ImagesError(With(kImages, 2, 0x0d)) ==
        "3 dir/images: bad magic number 0x00000d03 at byte 0, expected 0x00000803; only IDX files "
        "of unsigned bytes "
        "are read");
  CHECK(ImagesError(With(kImages, 0, 'P')) ==
        "3 dir/images: bad magic number 0x50000803 at byte 0, expected 0x00000803; this is not an "
        "IDX file of that "
        "kind");
}

TEST_CASE("truncated at every length, raw and gzip") {
  for (size_t size = 0; size < kImages.size(); ++size) {
    CAPTURE(size);
    CHECK(ImagesError(Cut(kImages, size)).starts_with("3 dir/images: truncated, "));
    CHECK(ImagesError(Gzip(Cut(kImages, size))).starts_with("3 dir/images: truncated, "));
  }
  CHECK(ImagesError(Cut(kImages, 7)) ==
        "3 dir/images: truncated, ends at byte 7 inside the header of 16");
  CHECK(ImagesError(Cut(kImages, 100)) ==
        "3 dir/images: truncated, declares 105 bytes after byte 16 but at most 84 can follow");
  CHECK(ImagesError(Gzip(Cut(kImages, 100))) ==
        "3 dir/images: truncated, ends at byte 100 of the decompressed data, 21 bytes before the "
        "declared end");
  const Bytes packed = Gzip(kImages);
  for (size_t size = 2; size < packed.size(); ++size) {
    CAPTURE(size);
    CHECK(ImagesError(Cut(packed, size)) ==
          "3 dir/images: truncated gzip stream, the file ends at byte " + std::to_string(size));
  }
}

TEST_CASE("trailing bytes") {
  CHECK(ImagesError(kImages + Bytes{0}) ==
        "3 dir/images: trailing bytes after the declared end at byte 121");
  CHECK(LabelsError(Gzip(kLabels + Bytes{0})) ==
        "3 dir/labels: trailing bytes after the declared end at byte 20 of the decompressed data");
  const size_t end = Gzip(kLabels).size();
  CHECK(LabelsError(Gzip(kLabels) + Bytes{1, 2, 3}) ==
        "3 dir/labels: 3 trailing bytes after the end of the gzip stream at byte " +
            std::to_string(end));
}

TEST_CASE("impossible sizes") {
  CHECK(ImagesError(With(kImages, 7, 0)) == "3 dir/images: declares a count of 0 at byte 4");
  CHECK(ImagesError(With(kImages, 11, 0)) ==
        "3 dir/images: image height 0 at byte 8, expected 1..1024");
  CHECK(ImagesError(With(kImages, 14, 4)) ==
        "3 dir/images: image width 1027 at byte 12, expected 1..1024");
  CHECK(ImagesError(With(kImages, 4, 0xff)) ==
        "3 dir/images: declares 64172851305 bytes of data in the header at byte 4, more than the "
        "limit of "
        "1073741824");
  CHECK(LabelsError(With(kLabels, 4, 0x20)) ==
        "3 dir/labels: truncated, declares 536870924 bytes after byte 8 but at most 12 can follow");
}

TEST_CASE("labels out of range") {
  CHECK(LabelsError(With(kLabels, 13, 10)) == "3 dir/labels: label 10 at byte 13, expected 0..9");
  CHECK(LabelsError(Gzip(With(kLabels, 19, 255))) ==
        "3 dir/labels: label 255 at byte 19 of the decompressed data, expected 0..9");
}

TEST_CASE("a gzip bomb is read no further than the declared size and one byte") {
  Bytes bomb = kImages;
  bomb.resize(size_t{64} << 20);  // 64 MiB behind a header that declares 105 bytes
  const Bytes packed = Gzip(bomb);
  CHECK(packed.size() < 100000);
  CHECK(ImagesError(packed) ==
        "3 dir/images: trailing bytes after the declared end at byte 121 of the decompressed data");
  // A header that declares more than the file could unpack to takes no memory.
  Bytes liar = ImagesFile(1, 1, 1);
  liar[5] = 0x10, liar[10] = 1;
  CHECK(ImagesError(Gzip(liar))
            .starts_with("3 dir/images: truncated, declares 269484289 bytes after byte 16"));
}

TEST_CASE("a broken gzip stream names the byte in the stored file") {
  Bytes packed = Gzip(kImages);
  packed[packed.size() - 6] ^= 1;  // checksum
  CHECK(ImagesError(packed).starts_with("3 dir/images: broken gzip stream at byte "));
  CHECK(ImagesError(packed).ends_with("(incorrect data check)"));
  CHECK(ImagesError(With(Gzip(kImages), 2, 7)).ends_with("(unknown compression method)"));
}

TEST_CASE("files that cannot be read") {
  const TestFolder folder;
  const auto error = [&](const std::string& name) {
    return ErrorOf([&] { ReadStoredFile(folder / name); });
  };
  WriteFile(folder / "empty", {});
  std::filesystem::create_directory(folder / "sub");
  CHECK(error("none") == "3 " + folder / "none" + ": No such file or directory");
  CHECK(error("empty") == "3 " + folder / "empty" + ": is empty, ends at byte 0");
  CHECK(error("sub") == "3 " + folder / "sub" + ": is a folder, expected a file");
  CHECK(ErrorOf([] { ReadStoredFile("/dev/null"); }) == "3 /dev/null: is not a regular file");
  WriteFile(folder / "huge", {});
  std::filesystem::resize_file(folder / "huge", kMaxIdxBytes + 1);  // sparse
  CHECK(error("huge") ==
        "3 " + folder / "huge" + ": has 1073741825 bytes, more than the limit of 1073741824");
}

}  // namespace batchmark
