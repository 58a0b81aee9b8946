// Batch moments by tiles: tiles of groups, accuracy where mean >> sd, every channel tail, every
// backend, merging, and equal bits for any number of threads.
#include "core/ops/moments.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/parallel.h"
#include "core/ops/batch_norm.h"
#include "core/simd/batch_norm_rows.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/for_each_backend.h"
#include "tests/support/norm_tolerance.h"
#include "tests/support/normal_floats.h"

namespace batchmark {
namespace {

struct Moments {
  std::vector<double> mean, var;  // [groups, channels]
};

Moments Measure(int threads, const std::vector<float>& x, const SampleGroups& groups,
                size_t positions, size_t channels) {
  Parallel parallel(threads);
  const MomentTiles tiles(groups, positions);
  TileMoments slots(tiles.tiles.size(), channels);
  Moments m{std::vector<double>(groups.count * channels),
            std::vector<double>(groups.count * channels)};
  GatherMoments(parallel, x.data(), tiles, slots);
  MergeMoments(tiles, slots, groups.count, m.mean.data(), m.var.data());
  return m;
}

Moments Exact(const std::vector<float>& x, const SampleGroups& groups, size_t positions,
              size_t channels) {
  Moments m;
  for (size_t g = 0; g < groups.count; ++g) {
    const size_t begin = groups.Begin(g) * positions, end = groups.End(g) * positions;
    for (size_t c = 0; c < channels; ++c) {
      double sum = 0.0, squares = 0.0;
      for (size_t r = begin; r < end; ++r) sum += double{x[r * channels + c]};
      const double mean = sum / static_cast<double>(end - begin);
      for (size_t r = begin; r < end; ++r) {
        const double d = double{x[r * channels + c]} - mean;
        squares += d * d;
      }
      m.mean.push_back(mean);
      m.var.push_back(squares / static_cast<double>(end - begin));
    }
  }
  return m;
}

void CheckClose(const Moments& actual, const Moments& exact) {
  const Worst mean = FindWorst(
      actual.mean.data(), actual.mean.size(), [&](size_t i) { return exact.mean[i]; },
      [&](size_t i) {
        return MeanTolerance(std::sqrt(exact.var[i])) + 1e-15 * std::abs(exact.mean[i]);
      });
  INFO("mean: " << mean.text);
  CHECK(mean.Ok());
  const Worst var = FindWorst(
      actual.var.data(), actual.var.size(), [&](size_t i) { return exact.var[i]; },
      [&](size_t i) { return VarianceTolerance(exact.var[i]); });
  INFO("var: " << var.text);
  CHECK(var.Ok());
}

TEST_CASE("moments: tiles never cross a group and cover every row once") {
  const SampleGroups whole{.samples = 130};
  MomentTiles dense(whole, 1);
  REQUIRE(dense.tiles.size() == 3);  // 64 + 64 + 2
  CHECK(dense.tiles[2].row_begin == 128);
  CHECK(dense.tiles[2].row_end == 130);
  const MomentTiles conv(whole, 9);
  REQUIRE(conv.tiles.size() == 130);
  CHECK(conv.tiles[7].row_begin == 63);
  for (const size_t size : {size_t{1}, size_t{7}, size_t{64}, size_t{100}}) {
    // The remainder forms a smaller last group, or joins the one before.
    for (const size_t count : {130 / size, (130 + size - 1) / size}) {
      const SampleGroups groups{130, size, std::max<size_t>(count, 1)};
      for (const size_t positions : {size_t{1}, size_t{4}}) {
        const MomentTiles tiles(groups, positions);
        size_t row = 0;
        for (const MomentTiles::Tile& tile : tiles.tiles) {
          REQUIRE(tile.row_begin == row);
          REQUIRE(tile.row_end > tile.row_begin);
          REQUIRE(groups.Of(tile.row_begin / positions) == tile.group);
          REQUIRE(groups.Of((tile.row_end - 1) / positions) == tile.group);
          row = tile.row_end;
        }
        CHECK(row == 130 * positions);
      }
    }
  }
}

TEST_CASE("moments: every channel tail and odd rows, every backend") {
  ForEachBackend([] {
    const size_t lanes = ActiveVectorBytes() / sizeof(float);
    for (size_t channels = 1; channels <= 2 * lanes + 1; ++channels) {
      for (const size_t positions : {size_t{1}, size_t{3}, size_t{67}}) {
        const SampleGroups groups{.samples = 5};
        const std::vector<float> x = NormalFloats(5 * positions * channels, channels, 0.5, 2.0);
        CheckClose(Measure(1, x, groups, positions, channels),
                   Exact(x, groups, positions, channels));
      }
    }
    // More than one segment of channels, and rows of a dense layer.
    for (const size_t channels : {size_t{4 * 16 + 5}, size_t{255}, size_t{257}, size_t{600}}) {
      const SampleGroups groups{.samples = 131};
      const std::vector<float> x = NormalFloats(131 * channels, channels, -1.0, 0.1);
      CheckClose(Measure(1, x, groups, 1, channels), Exact(x, groups, 1, channels));
    }
  });
}

TEST_CASE("moments: accurate where the mean is far from zero") {
  ForEachBackend([] {
    for (const double ratio : {0.0, 1e2, 1e4}) {
      const SampleGroups groups{.samples = 6};
      const std::vector<float> x = NormalFloats(6 * 676 * 5, 3, ratio, 1.0);
      CheckClose(Measure(1, x, groups, 676, 5), Exact(x, groups, 676, 5));
    }
  });
}

TEST_CASE("moments: accurate where the first rows are unlike the rest") {
  ForEachBackend([] {
    // The pivot comes from the first 42 rows: here 1000 sd away from the others.
    const size_t positions = 676;
    std::vector<float> x = NormalFloats(positions, 4, 1000.0, 1.0);
    for (size_t r = 0; r < 40; ++r) x[r] -= 1000.0f;
    const SampleGroups groups{.samples = 1};
    CheckClose(Measure(1, x, groups, positions, 1), Exact(x, groups, positions, 1));
    x[0] = -1e6f;  // and one single row far from everything
    CheckClose(Measure(1, x, groups, positions, 1), Exact(x, groups, positions, 1));
  });
}

TEST_CASE("moments: a constant channel has no variance at all") {
  ForEachBackend([] {
    for (const float value : {0.0f, 0.1f, -3.3e7f}) {
      const std::vector<float> x(7 * 67 * 3, value);
      const Moments m = Measure(1, x, {.samples = 7}, 67, 3);
      for (size_t c = 0; c < 3; ++c) {
        CHECK(m.mean[c] == double{value});
        CHECK(m.var[c] == 0.0);
      }
    }
  });
}

TEST_CASE("moments: NaN and infinity stay in their channel") {
  ForEachBackend([] {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      std::vector<float> x = NormalFloats(200 * 3, 5, 0.0, 1.0);
      x[150 * 3 + 1] = bad;
      const Moments m = Measure(1, x, {.samples = 200}, 1, 3);
      CHECK(std::isfinite(m.var[0]));
      CHECK(std::isnan(m.var[1]));
      CHECK(std::isfinite(m.var[2]));
    }
  });
}

TEST_CASE("moments: ghost groups with a remainder") {
  ForEachBackend([] {
    const size_t positions = 9, channels = 5;
    const std::vector<float> x = NormalFloats(23 * positions * channels, 6, 2.0, 3.0);
    for (const SampleGroups& groups : {SampleGroups{23, 7, 4}, SampleGroups{23, 11, 2}}) {
      CheckClose(Measure(1, x, groups, positions, channels), Exact(x, groups, positions, channels));
    }
  });
}

TEST_CASE("moments: the same bits for any number of threads") {
  ForEachBackend([] {
    const size_t positions = 676, channels = 35, samples = 9;
    const std::vector<float> x = NormalFloats(samples * positions * channels, 7, 1.0, 1.0);
    const SampleGroups groups{samples, 4, 3};
    const Moments one = Measure(1, x, groups, positions, channels);
    for (const int threads : {2, 3, 8}) {
      const Moments many = Measure(threads, x, groups, positions, channels);
      CHECK(SameBits(one.mean.data(), many.mean.data(), one.mean.size()));
      CHECK(SameBits(one.var.data(), many.var.data(), one.var.size()));
    }
  });
}

TEST_CASE("moments: what is stored past the caches is what was read, and changes no moment") {
  ForEachBackend([] {
    for (const size_t channels : {16, 32, 64, 528}) {
      for (const size_t rows : {1, 63, 130, 677}) {
        AlignedBuffer<float> x(rows * channels), copy(rows * channels);
        const std::vector<float> values = NormalFloats(x.size(), 5);
        std::copy(values.begin(), values.end(), x.begin());
        std::vector<double> plain(2 * channels), copied(2 * channels);
        TileMomentsRows(x.data(), rows, channels, plain.data(), &plain[channels]);
        TileMomentsRows(x.data(), rows, channels, copied.data(), &copied[channels], copy.data());
        CHECK(std::equal(x.begin(), x.end(), copy.begin()));
        CHECK(plain == copied);
      }
    }
  });
}

}  // namespace
}  // namespace batchmark
