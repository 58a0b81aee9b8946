#include "core/ops/conv_plan.h"

#include <algorithm>
#include <utility>

#include "core/base/parts.h"
#include "core/ops/caches.h"
#include "core/simd/gemm_pack.h"

namespace batchmark {
namespace {

struct Range {
  size_t begin = 0, end = 0;
  size_t size() const { return end > begin ? end - begin : 0; }
  bool operator==(const Range& other) const = default;
};

// Outputs o of [0, outputs) whose input o + tap - pad lies in [0, inputs).
Range Served(size_t tap, size_t pad, size_t inputs, size_t outputs) {
  const size_t begin = pad > tap ? pad - tap : 0;
  const size_t end = inputs + pad > tap ? std::min(outputs, inputs + pad - tap) : 0;
  return {begin, std::max(begin, end)};
}

// Taps of [0, taps) that find their input for output o.
Range TapsOf(size_t o, size_t pad, size_t inputs, size_t taps) {
  const size_t begin = pad > o ? pad - o : 0;
  const size_t end = inputs + pad > o ? std::min(taps, inputs + pad - o) : 0;
  return {begin, std::max(begin, end)};
}

Range Cut(const Range& a, const Range& b) {
  const size_t begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

// Calls run(first tap, end tap, served) for stretches of horizontal taps that serve the same part
// of `pixels`; empty parts are left out.
template <class Run>
void ForTapGroups(const Correlation& s, const Range& pixels, const Run& run) {
  const auto served = [&](size_t j) { return Cut(pixels, Served(j, s.pad_x, s.in_w, s.out_w)); };
  for (size_t j = 0; j < s.kernel_w;) {
    const Range part = served(j);
    size_t end = j + 1;
    while (end < s.kernel_w && served(end) == part) ++end;
    if (part.size() != 0) run(j, end, part);
    j = end;
  }
}

// [0, n) in as few equal parts as hold at most `most`.
template <class Run>
void ForEvenParts(size_t n, size_t most, const Run& run) {
  const EvenParts even{n, CeilDiv(n, most)};
  for (size_t p = 0; p < even.parts; ++p) run(Range{even.begin(p), even.begin(p + 1)});
}

// The strips of one tile of pixels of row y. First the taps that serve all of it, since they start
// C.
void AddPixelStrips(const Correlation& s, const TileGeometry& tile, bool activated, size_t y,
                    const Range& pixels, std::vector<TileStrip>& strips) {
  const Range rows = TapsOf(y, s.pad_y, s.in_h, s.kernel_h);
  const size_t first = strips.size();
  const auto add = [&](size_t j, size_t end, const Range& part) {
    TileStrip strip;
    strip.rows = static_cast<uint32_t>(part.size());
    strip.segments = static_cast<uint32_t>(rows.size());
    strip.depth = static_cast<uint32_t>((end - j) * s.depth);
    strip.start = strips.size() == first ? TileStart::kBias : TileStart::kLoad;
    if (rows.size() != 0 && strip.depth != 0) {
      const size_t in_y = y + rows.begin - s.pad_y, in_x = part.begin + j - s.pad_x;
      strip.a = static_cast<ptrdiff_t>((in_y * s.in_w + in_x) * s.depth);
      strip.b = static_cast<ptrdiff_t>((rows.begin * s.kernel_w + j) * s.depth * tile.panel);
    }
    strip.c = static_cast<ptrdiff_t>((y * s.out_w + part.begin) * s.columns);
    strips.push_back(strip);
  };
  ForTapGroups(s, pixels, [&](size_t j, size_t end, const Range& part) {
    if (part == pixels && strips.size() == first) add(j, end, part);
  });
  if (strips.size() == first) add(0, 0, pixels);  // no tap serves all: only start C
  const size_t started = strips.size();
  bool skipped = strips.back().depth == 0;
  ForTapGroups(s, pixels, [&](size_t j, size_t end, const Range& part) {
    if (part == pixels && !skipped) {
      skipped = true;
    } else {
      add(j, end, part);
    }
  });
  // The activation wants a strip of all pixels.
  if (activated && strips.size() > started) add(0, 0, pixels);
  strips.back().finish = true;
}

}  // namespace

std::vector<TileStrip> CorrelationStrips(const Correlation& shape, const TileGeometry& tile,
                                         bool activated) {
  std::vector<TileStrip> strips;
  for (size_t y = 0; y < shape.out_h; ++y) {
    ForEvenParts(shape.out_w, tile.rows, [&](const Range& pixels) {
      AddPixelStrips(shape, tile, activated, y, pixels, strips);
    });
  }
  // Without padding each strip is a tile of its own: those of equal rows follow each other, so that
  // shallow ones run in one call (gemm_tile.cc).
  if (!shape.IsPadded()) {
    std::stable_sort(strips.begin(), strips.end(),
                     [](const TileStrip& a, const TileStrip& b) { return a.rows > b.rows; });
  }
  return strips;
}

TileOperands CorrelationOperands(const Correlation& s, const TileGeometry& tile) {
  TileOperands o;
  o.a_row = s.depth, o.a_depth = 1, o.a_segment = s.in_w * s.depth;
  o.b_depth = tile.panel;
  o.b_segment = s.kernel_w * s.depth * tile.panel;
  o.b_panel = s.kernel_h * s.kernel_w * s.depth * tile.panel;
  o.c_row = s.columns, o.columns = s.columns;
  return o;
}

void SharePrefetch(const TilePrefetch* ranges, size_t i, size_t n, TileOperands& o) {
  for (size_t r = 0; r < o.kPrefetchRanges; ++r) {
    const size_t part = RoundUp(CeilDiv(ranges[r].bytes, n), kLineFloats * sizeof(float));
    const size_t begin = std::min(ranges[r].bytes, i * part);
    o.prefetch[r] = {static_cast<const char*>(ranges[r].begin) + begin,
                     std::min(part, ranges[r].bytes - begin)};
  }
}

namespace {

// One input channel and three taps a kernel row, as in the first layer of an image net: three rows
// of C are too few to keep the multipliers busy, so that several kernel rows share a strip. Their
// rows of A are groups of three, one image row apart.
bool GroupsKernelRows(const Correlation& s) {
  return s.kernel_w == 3 && s.depth == 1 && !s.IsPadded();
}

// Few strips do not repay a copy. Nor do images whose input and gradient lie in the second cache
// together, where its latency is hidden and rows of C need not end with a tap: with vectors of 64
// bytes (26 x 26 x 32 to 24 x 24 x 64: 9 %; four times the size is 2 to 6 % slower so).
constexpr size_t kPlainStrips = 8;
constexpr size_t PlainFloats(size_t lanes) { return NearFloats(lanes) / 3; }
// So few pass over a band of d_out in place once, and leave it in the first cache for what reads it
// next (conv2d.cc sums its columns).
constexpr size_t kNearStrips = 2;
// Pixels of a band: a panel of two vectors is 18 KiB with AVX2, 36 KiB with AVX-512.
constexpr size_t kBandPixels = 288;

// c_rows rows of C, summed over `pixels` of each of `rows` of d_out; where the strip reads and
// writes is left to the caller.
TileStrip GradientStrip(size_t c_rows, const Range& rows, const Range& pixels) {
  TileStrip strip;
  strip.rows = static_cast<uint32_t>(c_rows);
  strip.segments = static_cast<uint32_t>(rows.size());
  strip.depth = static_cast<uint32_t>(pixels.size());
  strip.start = TileStart::kLoad;
  return strip;
}

// The strips of rows [band.begin, band.end) of d_out, all operands in place.
std::vector<TileStrip> PlainStrips(const Correlation& s, const TileGeometry& tile,
                                   const Range& band) {
  std::vector<TileStrip> strips;
  if (GroupsKernelRows(s)) {
    ForEvenParts(s.kernel_h, tile.rows / 3, [&](const Range& kernel_rows) {
      TileStrip strip = GradientStrip(3 * kernel_rows.size(), band, Range{0, s.out_w});
      strip.a = static_cast<ptrdiff_t>((band.begin + kernel_rows.begin) * s.in_w);
      strip.c = static_cast<ptrdiff_t>(kernel_rows.begin * 3 * s.columns);
      strips.push_back(strip);
    });
    return strips;
  }
  for (size_t i = 0; i < s.kernel_h; ++i) {
    const Range rows = Cut(band, Served(i, s.pad_y, s.in_h, s.out_h));
    if (rows.size() == 0) continue;
    ForTapGroups(s, Range{0, s.out_w}, [&](size_t j, size_t end, const Range& pixels) {
      const size_t in_y = rows.begin + i - s.pad_y, in_x = pixels.begin + j - s.pad_x;
      ForEvenParts((end - j) * s.depth, tile.rows, [&](const Range& part) {
        TileStrip strip = GradientStrip(part.size(), rows, pixels);
        strip.a = static_cast<ptrdiff_t>((in_y * s.in_w + in_x) * s.depth + part.begin);
        strip.b = static_cast<ptrdiff_t>(((rows.begin - band.begin) * s.out_w + pixels.begin) *
                                         s.columns);
        strip.c = static_cast<ptrdiff_t>(((i * s.kernel_w + j) * s.depth + part.begin) * s.columns);
        strips.push_back(strip);
      });
    });
  }
  return strips;
}

// The same over copies: rows of C are channels of one group, and all taps of a group follow each
// other.
std::vector<TileStrip> PackedStrips(const Correlation& s, const TileGeometry& tile,
                                    const GradientPlan& plan, const GradientBand& band) {
  std::vector<TileStrip> strips;
  const Range all{band.y, band.y + band.rows};
  size_t group = 0;
  ForEvenParts(s.depth, tile.rows, [&](const Range& channels) {
    for (size_t i = 0; i < s.kernel_h; ++i) {
      const Range rows = Cut(all, Served(i, s.pad_y, s.in_h, s.out_h));
      for (size_t j = 0; j < s.kernel_w; ++j) {
        const Range pixels = Served(j, s.pad_x, s.in_w, s.out_w);
        if (rows.size() == 0 || pixels.size() == 0) continue;
        const size_t in_y = rows.begin + i - s.pad_y - band.in_y;
        const size_t in_x = pixels.begin + j - s.pad_x;
        TileStrip strip = GradientStrip(channels.size(), rows, pixels);
        strip.a = static_cast<ptrdiff_t>(group * plan.group_floats +
                                         (in_y * s.in_w + in_x) * plan.operands.a_depth);
        strip.b =
            static_cast<ptrdiff_t>(((rows.begin - band.y) * s.out_w + pixels.begin) * tile.panel);
        strip.c =
            static_cast<ptrdiff_t>(((i * s.kernel_w + j) * s.depth + channels.begin) * s.columns);
        strips.push_back(strip);
      }
    }
    ++group;
  });
  return strips;
}

// Rows of in that the taps of d_out's rows reach.
Range RowsRead(const Correlation& s, const Range& band) {
  const size_t begin = band.begin > s.pad_y ? band.begin - s.pad_y : 0;
  const size_t end = band.end - 1 + s.kernel_h;
  return {begin, std::max(begin, std::min(s.in_h, end > s.pad_y ? end - s.pad_y : 0))};
}

}  // namespace

GradientPlan PlanWeightGradient(const Correlation& s, const TileGeometry& tile) {
  GradientPlan plan;
  TileOperands& o = plan.operands;
  o.a_row = 1, o.c_row = s.columns, o.columns = s.columns;
  std::vector<TileStrip> plain = PlainStrips(s, tile, Range{0, s.out_h});
  const size_t floats = s.in_h * s.in_w * s.depth + s.out_h * s.out_w * s.columns;
  plan.packed =
      s.columns > tile.panel && plain.size() > kPlainStrips && floats > PlainFloats(tile.lanes);
  if (!plan.packed) {
    o.a_depth = s.depth, o.a_segment = s.in_w * s.depth;
    if (GroupsKernelRows(s)) o.a_group = s.in_w;
    o.b_depth = s.columns, o.b_segment = s.out_w * s.columns, o.b_panel = tile.panel;
    plan.streams = plain.size() == 1 && s.columns <= tile.panel;
    const size_t near = std::max<size_t>(1, kBandPixels * tile.panel / (s.out_w * s.columns));
    ForEvenParts(s.out_h, plain.size() > kNearStrips ? s.out_h : near, [&](const Range& band) {
      plan.bands.push_back({band.begin, band.size(), 0, s.in_h, PlainStrips(s, tile, band)});
    });
    return plan;
  }
  plan.groups = CeilDiv(s.depth, tile.rows);
  o.a_depth = PackedGroupWidth(s.depth, plan.groups), o.a_segment = s.in_w * o.a_depth;
  o.b_depth = tile.panel, o.b_segment = s.out_w * tile.panel;
  const size_t panels = CeilDiv(s.columns, tile.panel);
  ForEvenParts(s.out_h, std::max<size_t>(1, kBandPixels / s.out_w), [&](const Range& band) {
    const Range in = RowsRead(s, band);
    plan.bands.push_back({band.begin, band.size(), in.begin, in.size(), {}});
    plan.panel_floats = std::max(plan.panel_floats, band.size() * s.out_w * tile.panel * panels);
    plan.group_floats =
        std::max(plan.group_floats, PackedGroupFloats(in.size() * s.in_w, s.depth, plan.groups));
  });
  for (GradientBand& band : plan.bands) band.strips = PackedStrips(s, tile, plan, band);
  return plan;
}

}  // namespace batchmark
