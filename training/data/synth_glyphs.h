// The strokes of synth-digits: control points in a box 70 wide and 100 high, y downwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace batchmark {

struct GlyphPoint {
  int16_t x, y;
};

// Rounded by corner cutting, so the pen passes near inner control points and through the ends of an
// open stroke. Sharp corners are where one stroke ends and the next begins.
struct GlyphStroke {
  std::span<const GlyphPoint> points;
  bool closed;
};

// The ways to write a digit; each is as likely as the others.
std::span<const std::span<const GlyphStroke>> GlyphForms(size_t digit);

inline constexpr int kGlyphWidth = 70, kGlyphHeight = 100;
inline constexpr size_t kMaxGlyphPoints = 12;  // of one stroke

}  // namespace batchmark
