// synth-digits: a built-in set of procedural digits, so that everything works offline and
// everywhere the same. 60,000 + 10,000 images of 28 x 28 like MNIST, but another set: its
// accuracies are never compared with MNIST's.
//
// A glyph is a few strokes of control points. Each sample wobbles the points, rounds the strokes
// (Chaikin's corner cutting), applies a random affine map, draws them with a random pen and adds
// noise. Integer arithmetic on Philox words only: the same bytes on every machine and compiler.
#pragma once

#include <cstdint>

#include "training/data/dataset.h"

namespace batchmark {

// Identity of the generated set; a test holds the generator to it.
inline constexpr const char* kSynthDigitsHash =
    "8d134aca006419bf9ed2120d19fca8ac10aac0b78f004be9b127061195e6e216";

inline constexpr size_t kSynthTrainImages = 60000, kSynthTestImages = 10000;
inline constexpr int kSynthSide = 28;

Dataset SynthDigits();

// Sample `index` (training images first, then test images) into image [28 * 28]; returns its label.
uint8_t DrawSynthDigit(uint64_t index, uint8_t* image);

}  // namespace batchmark
