#include <cmath>

#include "core/base/check.h"
#include "training/data/input.h"

namespace batchmark {
namespace {

struct PixelMoments {
  double mean, sd;
};

// Over the first `images` images. With n pixels, s1 = sum and s2 = sum of squares, all exact,
// mean = s1 / n and sd = sqrt(n s2 - s1^2) / n: rounding happens once in each.
PixelMoments MomentsOf(const ImageSet& set, size_t images) {
  uint64_t histogram[256] = {};
  const size_t n = images * set.PixelsPerImage();
  for (size_t i = 0; i < n; ++i) ++histogram[set.pixels[i]];
  unsigned __int128 s1 = 0, s2 = 0;
  for (uint64_t v = 0; v < 256; ++v) {
    s1 += histogram[v] * v;
    s2 += histogram[v] * v * v;
  }
  const double spread = static_cast<double>(n * s2 - s1 * s1);
  const double count = static_cast<double>(n);
  return {static_cast<double>(s1) / count, std::sqrt(spread) / count};
}

}  // namespace

InputScaling ParseInputScaling(const std::string& text) {
  if (text == "raw") return InputScaling::kRaw;
  if (text == "minmax") return InputScaling::kMinmax;
  if (text == "standardize") return InputScaling::kStandardize;
  if (text == "binary") return InputScaling::kBinary;
  throw InputError("input=" + text + ": expected raw, minmax, standardize or binary");
}

InputScaler::InputScaler(InputScaling scaling, const ImageSet& train, size_t training_images) {
  BATCHMARK_CHECK(training_images > 0 && training_images <= train.count);
  PixelMoments moments{0.0, 1.0};
  if (scaling == InputScaling::kStandardize) moments = MomentsOf(train, training_images);
  if (moments.sd == 0.0) {
    throw InputError(
        "input=standardize: all training pixels are equal, so their standard deviation is 0");
  }
  for (int v = 0; v < 256; ++v) {
    double value = v;
    if (scaling == InputScaling::kMinmax) value = v / 255.0;
    if (scaling == InputScaling::kStandardize) value = (v - moments.mean) / moments.sd;
    if (scaling == InputScaling::kBinary) value = v >= 128 ? 1.0 : 0.0;
    table_[v] = static_cast<float>(value);
  }
}

void InputScaler::Gather(const ImageSet& images, std::span<const int32_t> indices,
                         float* dst) const {
  constexpr size_t kLine = 64;
  const size_t pixels = images.PixelsPerImage();
  const auto image = [&](size_t i) {
    const int32_t index = indices[i];
    BATCHMARK_CHECK(index >= 0 && static_cast<size_t>(index) < images.count);
    return images.pixels.data() + static_cast<size_t>(index) * pixels;
  };
  for (size_t i = 0; i < indices.size(); ++i, dst += pixels) {
    // Images lie anywhere in memory: the next one is fetched while this one is scaled.
    if (i + 1 < indices.size()) {
      const uint8_t* const next = image(i + 1);
      for (size_t at = 0; at < pixels; at += kLine) __builtin_prefetch(next + at);
    }
    const uint8_t* const src = image(i);
    for (size_t at = 0; at < pixels; ++at) dst[at] = table_[src[at]];
  }
}

}  // namespace batchmark
