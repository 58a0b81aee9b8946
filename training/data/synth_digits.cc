#include "training/data/synth_digits.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/base/rng.h"
#include "training/data/folder.h"
#include "training/data/synth_glyphs.h"

namespace batchmark {
namespace {

constexpr uint64_t kSeed = 1;    // of the set, not of a run
constexpr int kSubpixels = 16;   // positions on the image are in sixteenths of a pixel
constexpr int kMatrixBits = 14;  // matrix entries are in 1 / 16384
constexpr int kSide = kSynthSide;

struct Point {
  int32_t x, y;
};

// Draws of one sample in the order in which they are asked for.
class Draws {
 public:
  explicit Draws(uint64_t sample) : rng_(kSeed, RngStream::kSynthDigits, sample) {}
  uint32_t Word() { return rng_.Bits(next_++); }
  int32_t Below(uint32_t n) { return static_cast<int32_t>(rng_.Below(next_++, n)); }
  // Triangular on [-limit, limit].
  int32_t Around0(int32_t limit) {
    const uint32_t n = static_cast<uint32_t>(limit) + 1;
    return Below(n) - Below(n);
  }

 private:
  Rng rng_;
  uint64_t next_ = 0;
};

int32_t SquareRoot(int64_t value) {
  int64_t root = 0;
  for (int64_t bit = int64_t{1} << 20; bit > 0; bit >>= 1) {
    if ((root + bit) * (root + bit) <= value) root += bit;
  }
  return static_cast<int32_t>(root);
}

// image position = matrix * (glyph point - centre of the box) + shift, all integer.
class Affine {
 public:
  explicit Affine(Draws& draws) {
    // 100 glyph units become about 19 pixels: 19 / 100 in units of 1 / 2^14, glyph points come in
    // sixteenths.
    constexpr int32_t kScale = 3113;
    const int32_t scale_x = kScale * (100 + draws.Around0(26)) / 100;
    const int32_t scale_y = kScale * (100 + draws.Around0(20)) / 100;
    const int32_t sine = draws.Around0(360);  // in 1 / 1024: up to 21 degrees
    const int32_t cosine = SquareRoot(1024 * 1024 - sine * sine);
    const int32_t shear = draws.Around0(440);  // in 1 / 1024
    // rotation * [1 shear; 0 1] * diag(scale)
    xx_ = cosine * scale_x / 1024;
    yx_ = sine * scale_x / 1024;
    xy_ = (cosine * shear / 1024 - sine) * scale_y / 1024;
    yy_ = (sine * shear / 1024 + cosine) * scale_y / 1024;
    shift_x_ = kSide * kSubpixels / 2 + draws.Around0(7 * kSubpixels / 2);
    shift_y_ = kSide * kSubpixels / 2 + draws.Around0(7 * kSubpixels / 2);
  }

  Point operator()(Point glyph) const {
    const int32_t x = glyph.x - kGlyphWidth * kSubpixels / 2,
                  y = glyph.y - kGlyphHeight * kSubpixels / 2;
    return {((xx_ * x + xy_ * y) >> kMatrixBits) + shift_x_,
            ((yx_ * x + yy_ * y) >> kMatrixBits) + shift_y_};
  }

 private:
  int32_t xx_, xy_, yx_, yy_, shift_x_, shift_y_;
};

constexpr int32_t kThinnest = 8, kThickest = 24;  // pen radius, in sixteenths of a pixel
constexpr int32_t kSoftness = 24;                 // width of the pen's soft rim

// Squared distance to coverage 0..255: full inside the pen's radius, falling to 0 over the rim
// around it.
class Pen {
 public:
  explicit Pen(int32_t radius) : reach_(radius + kSoftness / 2), reach2_(reach_ * reach_) {
    for (int32_t i = 0; i < reach2_; ++i) {
      coverage_[i] =
          static_cast<uint8_t>(std::min(255, (reach_ - SquareRoot(i)) * 255 / kSoftness));
    }
  }
  int32_t reach() const { return reach_; }
  uint8_t Coverage(int32_t distance2) const {
    return distance2 < reach2_ ? coverage_[distance2] : 0;
  }

  // All pens are made once.
  static const Pen& OfRadius(int32_t radius) {
    static const std::vector<Pen> pens = [] {
      std::vector<Pen> made;
      for (int32_t r = kThinnest; r <= kThickest; ++r) made.emplace_back(r);
      return made;
    }();
    return pens[static_cast<size_t>(radius - kThinnest)];
  }

 private:
  int32_t reach_, reach2_;
  std::array<uint8_t, (kThickest + kSoftness / 2) * (kThickest + kSoftness / 2)> coverage_{};
};

// Marks every pixel whose centre is within reach of the segment a-b; overlapping ink does not add
// up.
void DrawSegment(Point a, Point b, const Pen& pen, uint8_t* image) {
  const auto pixel = [](int32_t position) {
    return std::clamp(position / kSubpixels, 0, kSide - 1);
  };
  const int32_t x0 = pixel(std::min(a.x, b.x) - pen.reach()),
                x1 = pixel(std::max(a.x, b.x) + pen.reach());
  const int32_t y0 = pixel(std::min(a.y, b.y) - pen.reach()),
                y1 = pixel(std::max(a.y, b.y) + pen.reach());
  const int32_t dx = b.x - a.x, dy = b.y - a.y;
  const int32_t length2 = dx * dx + dy * dy;
  const int64_t inverse = length2 > 0 ? (int64_t{1} << 32) / length2 : 0;
  for (int32_t y = y0; y <= y1; ++y) {
    for (int32_t x = x0; x <= x1; ++x) {
      const int32_t px = x * kSubpixels + kSubpixels / 2 - a.x,
                    py = y * kSubpixels + kSubpixels / 2 - a.y;
      const int32_t along = px * dx + py * dy;
      int32_t distance2;
      if (along <= 0) {
        distance2 = px * px + py * py;
      } else if (along >= length2) {
        distance2 = (px - dx) * (px - dx) + (py - dy) * (py - dy);
      } else {
        const int64_t across = int64_t{px} * dy - int64_t{py} * dx;
        // A pixel of the box may be far from the line: keep across^2 * inverse within 64 bits.
        const int64_t across2 = std::min(across * across, int64_t{1} << 30);
        distance2 = static_cast<int32_t>((across2 * inverse) >> 32);
      }
      uint8_t& ink = image[y * kSide + x];
      ink = std::max(ink, pen.Coverage(distance2));
    }
  }
}

// A stroke's points while corners are cut: each round turns n points into at most 2 n.
struct Path {
  std::array<Point, kMaxGlyphPoints * 4 + 4> points;
  size_t count = 0;
  void Add(Point p) { points[count++] = p; }
};

// Chaikin 1974: every edge is replaced by its points at 1/4 and 3/4; open ends stay.
Path CutCorners(const Path& path, bool closed) {
  Path cut;
  if (!closed) cut.Add(path.points[0]);
  const size_t edges = closed ? path.count : path.count - 1;
  for (size_t i = 0; i < edges; ++i) {
    const Point a = path.points[i], b = path.points[(i + 1) % path.count];
    if (closed || i > 0) cut.Add({(3 * a.x + b.x) >> 2, (3 * a.y + b.y) >> 2});
    if (closed || i + 1 < edges) cut.Add({(a.x + 3 * b.x) >> 2, (a.y + 3 * b.y) >> 2});
  }
  if (!closed) cut.Add(path.points[path.count - 1]);
  return cut;
}

void DrawStroke(const GlyphStroke& stroke, const Affine& affine, const Pen& pen, Draws& draws,
                uint8_t* image) {
  constexpr int32_t kWobble = 13 * kSubpixels;
  Path path;
  for (const GlyphPoint& p : stroke.points) {
    path.Add(
        {p.x * kSubpixels + draws.Around0(kWobble), p.y * kSubpixels + draws.Around0(kWobble)});
  }
  for (int round = 0; round < 2; ++round) path = CutCorners(path, stroke.closed);
  for (size_t i = 0; i < path.count; ++i) path.points[i] = affine(path.points[i]);
  for (size_t i = 1; i < path.count; ++i)
    DrawSegment(path.points[i - 1], path.points[i], pen, image);
  if (stroke.closed) DrawSegment(path.points[path.count - 1], path.points[0], pen, image);
}

// Fades the ink and adds noise of a strength that differs from sample to sample, four pixels a
// word.
void AddNoise(Draws& draws, uint8_t* image) {
  const int32_t ink = 140 + draws.Below(116);
  const int32_t strength = draws.Below(90);
  for (int i = 0; i < kSide * kSide; i += 4) {
    const uint32_t word = draws.Word();
    for (int k = 0; k < 4; ++k) {
      const uint32_t byte = word >> (8 * k);
      const int32_t noise =
          static_cast<int32_t>(byte & 15) - static_cast<int32_t>((byte >> 4) & 15);  // [-15, 15]
      const int32_t value = image[i + k] * ink / 255 + noise * strength / 16;
      image[i + k] = static_cast<uint8_t>(std::clamp(value, 0, 255));
    }
  }
}

ImageSet DrawSet(uint64_t first, size_t count) {
  ImageSet set;
  set.count = count, set.height = kSide, set.width = kSide;
  set.pixels = AlignedBuffer<uint8_t>(count * kSide * kSide);
  set.labels.resize(count);
  for (size_t i = 0; i < count; ++i)
    set.labels[i] = DrawSynthDigit(first + i, &set.pixels[i * kSide * kSide]);
  return set;
}

}  // namespace

uint8_t DrawSynthDigit(uint64_t index, uint8_t* image) {
  Draws draws(index);
  std::fill_n(image, kSide * kSide, uint8_t{0});
  const auto digit = static_cast<uint8_t>(draws.Below(kClasses));
  const auto forms = GlyphForms(digit);
  const auto form = forms[static_cast<size_t>(draws.Below(static_cast<uint32_t>(forms.size())))];
  const Affine affine(draws);
  const Pen& pen = Pen::OfRadius(kThinnest + draws.Below(kThickest - kThinnest + 1));
  for (const GlyphStroke& stroke : form) DrawStroke(stroke, affine, pen, draws, image);
  AddNoise(draws, image);
  return digit;
}

Dataset SynthDigits() {
  Dataset data;
  data.train = DrawSet(0, kSynthTrainImages);
  data.test = DrawSet(kSynthTrainImages, kSynthTestImages);
  Identify(data);
  data.origin = "built in";
  return data;
}

}  // namespace batchmark
