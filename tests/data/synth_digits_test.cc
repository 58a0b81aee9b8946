// The built-in set: its bytes are the same everywhere, and its name comes from its hash.
#include "training/data/synth_digits.h"

#include <algorithm>
#include <array>

#include "tests/support/catch.h"
#include "training/data/folder.h"

namespace batchmark {

TEST_CASE("synth-digits has the golden hash") {
  const Dataset data = SynthDigits();
  CHECK(data.hash == kSynthDigitsHash);
  CHECK(data.name == "synth-digits");
  CHECK(data.origin == "built in");
  CHECK(data.train.count == 60000);
  CHECK(data.test.count == 10000);
  CHECK(data.train.height == 28);
  CHECK(data.train.width == 28);
  CHECK(data.TrainingImages() == 55000);

  std::array<size_t, kClasses> counts{};
  for (const uint8_t label : data.train.labels) ++counts[label];
  CHECK(*std::min_element(counts.begin(), counts.end()) > 5500);

  // Any image can be drawn by itself.
  std::array<uint8_t, 28 * 28> image;
  for (const size_t i : {size_t{0}, size_t{12345}, size_t{59999}, size_t{69999}}) {
    const bool train = i < data.train.count;
    const ImageSet& set = train ? data.train : data.test;
    const size_t at = train ? i : i - data.train.count;
    CHECK(DrawSynthDigit(i, image.data()) == set.labels[at]);
    CHECK(std::equal(image.begin(), image.end(), set.pixels.data() + at * image.size()));
  }
}

}  // namespace batchmark
