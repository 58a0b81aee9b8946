// Gemm against float64: every small size and tail, all forms and backends, strides, accumulation,
// plans that cut K, M and N, and equal bits for any number of threads.
#include "core/ops/gemm.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "core/simd/gemm_tile.h"
#include "tests/core/product_util.h"
#include "tests/support/catch.h"
#include "tests/support/draws.h"
#include "tests/support/for_each_backend.h"
#include "tests/support/tolerance.h"

namespace batchmark {
namespace {

using testing::Absolute;
using testing::Compare;
using testing::RandomFloats;
using testing::ToDouble;

struct Case {
  GemmForm form;
  size_t m, n, k;
  size_t pad_a = 0, pad_b = 0, pad_c = 0;  // of the rows
  bool accumulate = false;
};

struct Stored {
  size_t rows, columns, stride;
  size_t floats() const { return rows * stride; }
};

struct Problem {
  explicit Problem(const Case& test)
      : c(test),
        a_shape(c.form == GemmForm::kTN ? Stored{c.k, c.m, c.m + c.pad_a}
                                        : Stored{c.m, c.k, c.k + c.pad_a}),
        b_shape(c.form == GemmForm::kNT ? Stored{c.n, c.k, c.k + c.pad_b}
                                        : Stored{c.k, c.n, c.n + c.pad_b}),
        a(RandomFloats(a_shape.floats(), 1)),
        b(RandomFloats(b_shape.floats(), 2)),
        start(RandomFloats(c.m * (c.n + c.pad_c), 3)) {}

  AlignedBuffer<float> Run(int threads) const {
    AlignedBuffer<float> out(start.size());
    std::copy(start.begin(), start.end(), out.begin());
    Parallel parallel(threads);
    Gemm gemm(parallel, c.form, c.m, c.n, c.k);
    gemm.Run(a.data(), a_shape.stride, b.data(), b_shape.stride, out.data(), c.n + c.pad_c,
             c.accumulate);
    return out;
  }

  std::vector<double> Reference(const std::vector<double>& x, const std::vector<double>& y) const {
    std::vector<double> product(c.m * c.n);
    const bool a_t = c.form == GemmForm::kTN, b_t = c.form == GemmForm::kNT;
    reference::Gemm(c.m, c.n, c.k, x.data(), a_t ? 1 : a_shape.stride, a_t ? a_shape.stride : 1,
                    y.data(), b_t ? 1 : b_shape.stride, b_t ? b_shape.stride : 1, product.data());
    return product;
  }

  std::string Check() const {
    const AlignedBuffer<float> out = Run(1);
    const std::vector<double> x = ToDouble(a.data(), a.size()), y = ToDouble(b.data(), b.size());
    const std::vector<double> product = Reference(x, y), size = Reference(Absolute(x), Absolute(y));
    const size_t stride = c.n + c.pad_c;
    std::vector<double> expected = ToDouble(start.data(), start.size());
    std::vector<double> bound(expected.size(), 0.0);  // the padding must stay as it is
    for (size_t i = 0; i < c.m; ++i) {
      for (size_t j = 0; j < c.n; ++j) {
        const double before = c.accumulate ? expected[i * stride + j] : 0.0;
        expected[i * stride + j] = before + product[i * c.n + j];
        bound[i * stride + j] = GemmTolerance(c.k, size[i * c.n + j] + std::abs(before));
      }
    }
    return Compare(out.data(), expected, bound);
  }

  Case c;
  Stored a_shape, b_shape;
  AlignedBuffer<float> a, b, start;
};

constexpr GemmForm kForms[] = {GemmForm::kNN, GemmForm::kNT, GemmForm::kTN};

std::string Name(const Case& c) {
  return std::to_string(static_cast<int>(c.form)) + ": " + std::to_string(c.m) + "x" +
         std::to_string(c.n) + "x" + std::to_string(c.k) + (c.accumulate ? " accumulate" : "");
}

void CheckAll(const Case& c) {
  const std::string error = Problem(c).Check();
  if (!error.empty()) FAIL_CHECK(Name(c) << ": " << error);
}

TEST_CASE("gemm: every number of rows and columns around a tile") {
  ForEachBackend([] {
    const TileGeometry tile = ActiveTileGeometry();
    for (const GemmForm form : kForms) {
      for (size_t m = 1; m <= tile.rows + 2; ++m) {
        for (size_t n = 1; n <= tile.panel + tile.lanes + 1; ++n) CheckAll({form, m, n, 5});
      }
    }
  });
}

TEST_CASE("gemm: every number of rows and columns around a wide tile, depths around its slice") {
  ForEachBackend([] {
    const TileGeometry tile = ActiveTileGeometry(), wide = ActiveTileGeometry(/*wide=*/true);
    for (size_t m = 1; m <= wide.rows + 1; ++m) {
      for (size_t n = 3 * tile.lanes; n <= 4 * tile.lanes + 1; ++n) {
        CheckAll({GemmForm::kNN, m, n, 5, 1, 3, 2, n % 2 == 0});
      }
    }
    for (const size_t k : {95, 96, 97, 200}) {
      CheckAll({GemmForm::kNN, 17, 4 * tile.lanes, k});
      CheckAll({GemmForm::kNN, 17, 4 * tile.lanes - 3, k, 0, 0, 1});
    }
  });
}

TEST_CASE("gemm: sums held from slice to slice") {
  ForEachBackend([] {
    for (const GemmForm form : kForms) {
      CheckAll({form, 300, 70, 300});
      CheckAll({form, 110, 300, 900, 0, 0, 3, true});
      CheckAll({form, 60, 700, 600, 1, 1, 0});
    }
  });
}

// One chain over K, whatever the plan: two halves, of 4 million elements each, go through the
// caches.
TEST_CASE("gemm: sums held from slice to slice, then stored past the caches") {
  const size_t m = 8192, n = 1024, k = 292;
  const Problem both({GemmForm::kNN, m, n, k});
  Parallel parallel(1);
  Gemm half(parallel, GemmForm::kNN, m / 2, n, k);
  const AlignedBuffer<float> whole = both.Run(1);
  AlignedBuffer<float> part(m / 2 * n);
  for (const size_t row : {size_t{0}, m / 2}) {
    half.Run(both.a.data() + row * k, k, both.b.data(), n, part.data(), n);
    size_t different = 0;
    for (size_t i = 0; i < m / 2; ++i) {
      different += std::memcmp(&part[i * n], &whole[(row + i) * n], n * sizeof(float)) != 0 ? 1 : 0;
    }
    CHECK(different == 0);
  }
}

// Of all rows, A is turned where caches are large; of a part of them it is not.
TEST_CASE("gemm: the same bits whether or not a transposed A is turned") {
  ForEachBackend([] {
    for (const bool accumulate : {false, true}) {
      const size_t m = 1031, n = 1030, k = 523, part = 256;
      const Problem all({GemmForm::kTN, m, n, k, 2, 0, 5, accumulate});
      const AlignedBuffer<float> whole = all.Run(1);
      CHECK(testing::SameBits(all.Run(2), whole));
      Parallel parallel(1);
      size_t different = 0;
      for (size_t row = 0; row < m; row += part) {
        const size_t rows = std::min(part, m - row), stride = n + 5;
        Gemm gemm(parallel, GemmForm::kTN, rows, n, k);
        AlignedBuffer<float> c(rows * stride);
        std::copy_n(all.start.begin() + row * stride, c.size(), c.begin());
        gemm.Run(all.a.data() + row, m + 2, all.b.data(), n, c.data(), stride, accumulate);
        const size_t bytes = c.size() * sizeof(float);
        different += std::memcmp(c.data(), &whole[row * stride], bytes) != 0 ? 1 : 0;
      }
      CHECK(different == 0);
    }
  });
}

// Only where K is not cut, which the number of columns may decide.
TEST_CASE("gemm: the same bits whether or not other columns share the tile") {
  ForEachBackend([] {
    const size_t m = 45, k = 300, n = ActiveTileGeometry().panel;
    const Problem both({GemmForm::kNN, m, 2 * n, k});
    Parallel parallel(1);
    Gemm half(parallel, GemmForm::kNN, m, n, k);
    const AlignedBuffer<float> whole = both.Run(1);
    AlignedBuffer<float> part(m * n);
    for (const size_t j : {size_t{0}, n}) {
      half.Run(both.a.data(), k, both.b.data() + j, 2 * n, part.data(), n);
      for (size_t i = 0; i < m; ++i) {
        CHECK(std::memcmp(&part[i * n], &whole[i * 2 * n + j], n * sizeof(float)) == 0);
      }
    }
  });
}

// They are formed with rows in the lanes: from so many rows and so much depth on.
TEST_CASE("gemm: few columns beyond whole vectors") {
  ForEachBackend([] {
    const TileGeometry tile = ActiveTileGeometry();
    for (const GemmForm form : kForms) {
      for (size_t few = 1; few <= 5; ++few) {
        for (const size_t m : {2 * tile.lanes, 4 * tile.lanes + 3, size_t{150}}) {
          CheckAll({form, m, tile.panel + few, 32, 1, 2, 3, few % 2 == 0});
          CheckAll({form, m, 3 * tile.panel + few, 60, 0, 0, 0, few % 2 != 0});
        }
        CheckAll({form, 50, tile.panel + few, 600, 0, 3, 1, few % 2 == 0});  // slices of K
      }
    }
  });
}

TEST_CASE("gemm: few columns beyond whole vectors have the bits of a panel") {
  ForEachBackend([] {
    const size_t m = 45, k = 300, few = 3, first = ActiveTileGeometry().panel, n = first + few;
    const Problem both({GemmForm::kNN, m, n, k});
    Parallel parallel(1);
    Gemm last(parallel, GemmForm::kNN, m, few, k);
    const AlignedBuffer<float> whole = both.Run(1);
    AlignedBuffer<float> part(m * few);
    last.Run(both.a.data(), k, both.b.data() + first, n, part.data(), few);
    for (size_t i = 0; i < m; ++i) {
      CHECK(std::memcmp(&part[i * few], &whole[i * n + first], few * sizeof(float)) == 0);
    }
  });
}

TEST_CASE("gemm: every depth, also none, with and without accumulation and row padding") {
  ForEachBackend([] {
    for (const GemmForm form : kForms) {
      for (size_t k = 0; k <= 17; ++k) {
        for (const bool accumulate : {false, true}) {
          CheckAll({form, 7, 9, k, 0, 0, 0, accumulate});
          CheckAll({form, 3, 32, k, 1, 3, 5, accumulate});
          CheckAll({form, 40, 32, k, 0, 0, 0, accumulate});  // several strips of whole panels
        }
      }
      for (const size_t k : {287, 288, 289, 577, 1000}) {
        CheckAll({form, 17, 37, k, 3, 2, 1, k % 2 == 0});
      }
    }
  });
}

TEST_CASE("gemm: plans that share B, cut columns, and cut a long K") {
  ForEachBackend([] {
    for (const GemmForm form : kForms) {
      CheckAll({form, 260, 70, 60});   // tasks of rows, B packed once
      CheckAll({form, 20, 1100, 64});  // tasks of columns
      CheckAll({form, 300, 300, 33, 1, 1, 1, true});
      CheckAll({form, 14, 64, 5000});  // chunks of K
      CheckAll({form, 5, 33, 2500, 0, 0, 2, true});
      CheckAll({form, 32, 64, 2048});    // rows a multiple of 4 KiB apart
      CheckAll({form, 90, 130, 1024});   // and whole sums
      CheckAll({form, 180, 190, 2048});  // and chunks of K of a larger C
      CheckAll({form, 60, 100, 784});    // the last panel of B ends within a vector
      CheckAll({form, 300, 600, 70});    // A and B packed, tasks of rows and columns
    }
  });
  CheckAll({GemmForm::kNN, 340, 64, 4100});  // on AVX-512: tasks of many rows, since B is large
  for (const GemmForm form : kForms) {
    CheckAll({form, 8192, 1024, 3, 0, 0, 0, false});  // C stored past the caches
    CheckAll({form, 8192, 1024, 3, 0, 0, 0, true});   // and not: C is read
  }
}

TEST_CASE("gemm: operands read where they lie on large caches, whose rows share their sets") {
  ForEachBackend([] {
    CheckAll({GemmForm::kTN, 600, 70, 400, 424});  // rows of A a page apart, in slices
    CheckAll({GemmForm::kTN, 1030, 100, 200, 0, 0, 0, true});
    CheckAll({GemmForm::kTN, 1030, 600, 130});  // and so many panels that it is copied
    CheckAll({GemmForm::kTN, 256, 64, 256});
    CheckAll({GemmForm::kNN, 40, 500, 512});  // B in place: a slice of 512
    CheckAll({GemmForm::kNN, 33, 257, 1000, 0, 0, 1, true});
  });
}

TEST_CASE("gemm: narrow tasks, and shared panels one a step") {
  for (const GemmForm form : kForms) {
    CheckAll({form, 300, 520, 300, 0, 0, 0, true});
    CheckAll({form, 1030, 490, 320, 1, 2, 3});
    CheckAll({form, 290, 550, 1100, 0, 0, 1, true});  // slices of 550: sums are held
    CheckAll({form, 290, 515, 1024});  // few columns beyond whole vectors, of a deep slice
  }
}

TEST_CASE("gemm: random sizes, row padding and accumulation") {
  ForEachBackend([] {
    testing::Draws draws(1);
    for (int i = 0; i < 300; ++i) {
      Case c{draws.From(kForms), draws.Size(200), draws.Size(200), draws.Size(700)};
      if (c.m * c.n * c.k > 6000000) continue;
      c.pad_a = draws.Of(0, 40), c.pad_b = draws.Of(0, 40), c.pad_c = draws.Of(0, 40);
      c.accumulate = draws.Coin();
      CheckAll(c);
    }
  });
}

TEST_CASE("gemm: no rows or columns touches nothing") {
  for (const GemmForm form : kForms) {
    CheckAll({form, 0, 5, 3});
    CheckAll({form, 5, 0, 3, 1, 1, 4});
  }
}

TEST_CASE("gemm: the same bits for 1, 2, 3 and 8 threads") {
  ForEachBackend([] {
    for (const Case& c : {Case{GemmForm::kNN, 260, 190, 120}, Case{GemmForm::kNT, 30, 1500, 64},
                          Case{GemmForm::kTN, 300, 64, 96}, Case{GemmForm::kNN, 28, 60, 4000},
                          Case{GemmForm::kNT, 180, 190, 2048}, Case{GemmForm::kNN, 60, 100, 300},
                          Case{GemmForm::kTN, 200, 300, 600}, Case{GemmForm::kNT, 300, 500, 320},
                          Case{GemmForm::kNN, 130, 60, 200}}) {
      const Problem problem(c);
      const AlignedBuffer<float> one = problem.Run(1);
      for (const int threads : {2, 3, 8}) {
        const AlignedBuffer<float> many = problem.Run(threads);
        CHECK(std::memcmp(one.data(), many.data(), one.size() * sizeof(float)) == 0);
      }
    }
  });
}

}  // namespace
}  // namespace batchmark
