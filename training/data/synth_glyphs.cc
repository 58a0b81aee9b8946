#include "training/data/synth_glyphs.h"

#include <array>

#include "core/base/check.h"

namespace batchmark {
namespace {

constexpr GlyphPoint k0a1[] = {{35, -4},  {64, 6}, {72, 50}, {64, 94},
                               {35, 104}, {6, 94}, {-2, 50}, {6, 6}};
constexpr GlyphPoint k0b1[] = {{42, -4}, {66, 14}, {60, 70}, {36, 104}, {10, 92}, {4, 40}};
constexpr GlyphStroke k0a[] = {{k0a1, true}};
constexpr GlyphStroke k0b[] = {{k0b1, true}};
constexpr std::span<const GlyphStroke> k0[] = {k0a, k0b};

constexpr GlyphPoint k1a1[] = {{38, 0}, {36, 50}, {36, 100}};
constexpr GlyphPoint k1b1[] = {{18, 24}, {40, 0}};
constexpr GlyphPoint k1b2[] = {{40, 0}, {40, 50}, {40, 100}};
constexpr GlyphPoint k1c1[] = {{16, 24}, {38, 0}};
constexpr GlyphPoint k1c2[] = {{38, 0}, {38, 100}};
constexpr GlyphPoint k1c3[] = {{14, 100}, {62, 100}};
constexpr GlyphStroke k1a[] = {{k1a1, false}};
constexpr GlyphStroke k1b[] = {{k1b1, false}, {k1b2, false}};
constexpr GlyphStroke k1c[] = {{k1c1, false}, {k1c2, false}, {k1c3, false}};
constexpr std::span<const GlyphStroke> k1[] = {k1a, k1b, k1c};

constexpr GlyphPoint k2a1[] = {{4, 24}, {14, -4}, {60, -6}, {70, 30}, {38, 66}, {4, 98}};
constexpr GlyphPoint k2a2[] = {{4, 98}, {36, 96}, {68, 98}};
constexpr GlyphPoint k2b1[] = {{6, 22},  {22, -6}, {66, -2}, {66, 42}, {34, 76},
                               {6, 104}, {-2, 82}, {24, 78}, {44, 98}, {72, 92}};
constexpr GlyphStroke k2a[] = {{k2a1, false}, {k2a2, false}};
constexpr GlyphStroke k2b[] = {{k2b1, false}};
constexpr std::span<const GlyphStroke> k2[] = {k2a, k2b};

constexpr GlyphPoint k3a1[] = {{6, 12}, {28, -8}, {68, 2}, {64, 44}, {26, 47}};
constexpr GlyphPoint k3a2[] = {{26, 47}, {68, 48}, {76, 92}, {36, 112}, {2, 88}};
constexpr GlyphPoint k3b1[] = {{6, 2}, {64, 2}};
constexpr GlyphPoint k3b2[] = {{64, 2}, {30, 42}};
constexpr GlyphPoint k3b3[] = {{30, 42}, {68, 44}, {74, 92}, {36, 112}, {4, 90}};
constexpr GlyphStroke k3a[] = {{k3a1, false}, {k3a2, false}};
constexpr GlyphStroke k3b[] = {{k3b1, false}, {k3b2, false}, {k3b3, false}};
constexpr std::span<const GlyphStroke> k3[] = {k3a, k3b};

constexpr GlyphPoint k4a1[] = {{14, 0}, {10, 30}, {4, 56}};
constexpr GlyphPoint k4a2[] = {{4, 56}, {36, 54}, {68, 52}};
constexpr GlyphPoint k4a3[] = {{56, 2}, {52, 50}, {50, 100}};
constexpr GlyphPoint k4b1[] = {{50, 0}, {4, 66}};
constexpr GlyphPoint k4b2[] = {{4, 66}, {70, 66}};
constexpr GlyphPoint k4b3[] = {{50, 0}, {48, 100}};
constexpr GlyphStroke k4a[] = {{k4a1, false}, {k4a2, false}, {k4a3, false}};
constexpr GlyphStroke k4b[] = {{k4b1, false}, {k4b2, false}, {k4b3, false}};
constexpr std::span<const GlyphStroke> k4[] = {k4a, k4b};

constexpr GlyphPoint k5a1[] = {{62, 2}, {14, 2}};
constexpr GlyphPoint k5a2[] = {{14, 2}, {10, 44}};
constexpr GlyphPoint k5a3[] = {{10, 44}, {44, 28}, {76, 50}, {70, 98}, {30, 110}, {4, 88}};
constexpr GlyphPoint k5b1[] = {{64, 4},  {40, 2},  {16, 6},   {6, 46}, {40, 36},
                               {72, 56}, {66, 96}, {34, 108}, {4, 94}};
constexpr GlyphStroke k5a[] = {{k5a1, false}, {k5a2, false}, {k5a3, false}};
constexpr GlyphStroke k5b[] = {{k5b1, false}};
constexpr std::span<const GlyphStroke> k5[] = {k5a, k5b};

constexpr GlyphPoint k6a1[] = {{58, 2},  {22, 18}, {-4, 62}, {4, 104}, {44, 110},
                               {74, 82}, {60, 50}, {26, 48}, {6, 74}};
constexpr GlyphPoint k6b1[] = {{34, 0}, {10, 40}, {4, 76}};
constexpr GlyphPoint k6b2[] = {{4, 76}, {14, 52}, {50, 48}, {70, 76}, {50, 104}, {14, 102}};
constexpr GlyphStroke k6a[] = {{k6a1, false}};
constexpr GlyphStroke k6b[] = {{k6b1, false}, {k6b2, true}};
constexpr std::span<const GlyphStroke> k6[] = {k6a, k6b};

constexpr GlyphPoint k7a1[] = {{4, 4}, {66, 4}};
constexpr GlyphPoint k7a2[] = {{66, 4}, {40, 44}, {28, 100}};
constexpr GlyphPoint k7b1[] = {{4, 6}, {36, 2}, {66, 4}};
constexpr GlyphPoint k7b2[] = {{66, 4}, {44, 50}, {32, 100}};
constexpr GlyphPoint k7b3[] = {{20, 52}, {62, 48}};
constexpr GlyphStroke k7a[] = {{k7a1, false}, {k7a2, false}};
constexpr GlyphStroke k7b[] = {{k7b1, false}, {k7b2, false}, {k7b3, false}};
constexpr std::span<const GlyphStroke> k7[] = {k7a, k7b};

constexpr GlyphPoint k8a1[] = {{66, 12}, {35, -12}, {2, 12},  {18, 42}, {58, 58},
                               {74, 90}, {35, 114}, {-4, 90}, {12, 58}, {52, 42}};
constexpr GlyphPoint k8b1[] = {{35, -2}, {60, 6}, {60, 40}, {35, 48}, {10, 40}, {10, 6}};
constexpr GlyphPoint k8b2[] = {{35, 48}, {70, 56}, {70, 94}, {35, 104}, {0, 94}, {0, 56}};
constexpr GlyphStroke k8a[] = {{k8a1, true}};
constexpr GlyphStroke k8b[] = {{k8b1, true}, {k8b2, true}};
constexpr std::span<const GlyphStroke> k8[] = {k8a, k8b};

constexpr GlyphPoint k9a1[] = {{62, 16}, {38, -6}, {6, 8}, {2, 42}, {34, 60}, {62, 38}};
constexpr GlyphPoint k9a2[] = {{62, 20}, {62, 60}, {50, 100}};
constexpr GlyphPoint k9b1[] = {{64, 18}, {36, -6}, {4, 10}, {6, 48}, {40, 54}};
constexpr GlyphPoint k9b2[] = {{64, 18}, {72, 80}, {40, 112}, {6, 92}};
constexpr GlyphStroke k9a[] = {{k9a1, true}, {k9a2, false}};
constexpr GlyphStroke k9b[] = {{k9b1, true}, {k9b2, false}};
constexpr std::span<const GlyphStroke> k9[] = {k9a, k9b};

constexpr std::array<std::span<const std::span<const GlyphStroke>>, 10> kDigits = {
    k0, k1, k2, k3, k4, k5, k6, k7, k8, k9};

}  // namespace

std::span<const std::span<const GlyphStroke>> GlyphForms(size_t digit) {
  BATCHMARK_CHECK(digit < kDigits.size());
  return kDigits[digit];
}

}  // namespace batchmark
