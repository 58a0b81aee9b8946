// Pixels to network input.
#include <array>
#include <cmath>

#include "tests/data/files_util.h"
#include "tests/support/catch.h"
#include "training/data/input.h"

namespace batchmark {
namespace {

ImageSet MakeSet(size_t count, size_t h, size_t w, uint8_t (*pixel)(size_t)) {
  ImageSet set;
  set.count = count, set.height = h, set.width = w;
  set.pixels = AlignedBuffer<uint8_t>(count * h * w);
  for (size_t i = 0; i < count * h * w; ++i) set.pixels[i] = pixel(i);
  set.labels.assign(count, 0);
  return set;
}

}  // namespace

TEST_CASE("raw, minmax and binary are functions of the pixel alone") {
  const ImageSet set = MakeSet(3, 2, 2, [](size_t i) { return static_cast<uint8_t>(i * 20); });
  const InputScaler raw(InputScaling::kRaw, set, 2), minmax(InputScaling::kMinmax, set, 2);
  const InputScaler binary(InputScaling::kBinary, set, 2);
  for (int v = 0; v < 256; ++v) {
    const auto pixel = static_cast<uint8_t>(v);
    CHECK(raw.Value(pixel) == static_cast<float>(v));
    CHECK(minmax.Value(pixel) == static_cast<float>(v) / 255.0f);
    CHECK(binary.Value(pixel) == (v >= 128 ? 1.0f : 0.0f));
  }
  std::array<float, 8> dst{};
  const std::array<int32_t, 2> indices = {2, 0};
  raw.Gather(set, indices, dst.data());
  CHECK(dst == std::array<float, 8>{160, 180, 200, 220, 0, 20, 40, 60});
}

TEST_CASE("standardize uses the training images only, with the population's sd") {
  // Two training images of 1 and 3, and a validation image that must not count.
  const ImageSet set = MakeSet(3, 1, 2, [](size_t i) {
    return static_cast<uint8_t>(i < 2 ? 1 : i < 4 ? 3 : 200);
  });
  const InputScaler scaler(InputScaling::kStandardize, set, 2);
  CHECK(scaler.Value(1) == -1.0f);  // mean 2, sd 1
  CHECK(scaler.Value(3) == 1.0f);
  CHECK(scaler.Value(200) == 198.0f);
}

TEST_CASE("standardize is exact far from zero") {
  // 2,000,001 pixels, one of them 254 and the rest 255: mean^2 is 65025 times the spread 5e-7.
  const ImageSet set =
      MakeSet(1, 1, 2000001, [](size_t i) { return static_cast<uint8_t>(i == 0 ? 254 : 255); });
  const InputScaler scaler(InputScaling::kStandardize, set, 1);
  const double n = 2000001;
  CHECK(scaler.Value(254) == Catch::Approx(-std::sqrt(n - 1)).epsilon(1e-7));
  CHECK(scaler.Value(255) == Catch::Approx(1 / std::sqrt(n - 1)).epsilon(1e-6));
}

TEST_CASE("constant images cannot be standardized") {
  const ImageSet set = MakeSet(2, 2, 2, [](size_t) { return uint8_t{7}; });
  CHECK(ErrorOf([&] { InputScaler(InputScaling::kStandardize, set, 2); }) ==
        "3 input=standardize: all training pixels are equal, so their standard deviation is 0");
}

TEST_CASE("names of the scalings") {
  CHECK(ParseInputScaling("raw") == InputScaling::kRaw);
  CHECK(ParseInputScaling("minmax") == InputScaling::kMinmax);
  CHECK(ParseInputScaling("standardize") == InputScaling::kStandardize);
  CHECK(ParseInputScaling("binary") == InputScaling::kBinary);
  CHECK(ErrorOf([] { ParseInputScaling("zscore"); }) ==
        "3 input=zscore: expected raw, minmax, standardize or binary");
}

}  // namespace batchmark
