// What surrounds the tile, where the tests of products do not tell it apart from the product.
#include "core/simd/gemm_sums.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "tests/core/product_util.h"
#include "tests/support/catch.h"
#include "tests/support/for_each_backend.h"
#include "tests/support/tolerance.h"

namespace batchmark {
namespace {

TEST_CASE("column sums: against float64, and by blocks the bits of one call") {
  ForEachBackend([] {
    constexpr size_t kBlock = kColumnSumsBlock;
    for (const size_t columns : {1, 10, 32, 100}) {
      for (const size_t rows : {size_t{1}, kBlock, 5 * kBlock + 7}) {
        INFO(rows << " x " << columns);
        const size_t stride = columns + 3;
        const AlignedBuffer<float> x = testing::RandomFloats(rows * stride, rows + columns);
        std::vector<float> once(columns, -1.0f), blocks(columns, 0.0f);
        ColumnSums(rows, columns, x.data(), stride, false, once.data());
        for (size_t r = 0; r < rows; r += 2 * kBlock) {
          ColumnSums(std::min(2 * kBlock, rows - r), columns, x.data() + r * stride, stride, true,
                     blocks.data());
        }
        CHECK(std::memcmp(once.data(), blocks.data(), columns * sizeof(float)) == 0);
        std::vector<double> expected(columns), bound(columns);
        for (size_t c = 0; c < columns; ++c) {
          for (size_t r = 0; r < rows; ++r) {
            expected[c] += double{x[r * stride + c]};
            bound[c] += std::abs(double{x[r * stride + c]});
          }
          bound[c] = GemmTolerance(rows, bound[c]);
        }
        CHECK(testing::Compare(once.data(), expected, bound) == "");
      }
    }
  });
}

}  // namespace
}  // namespace batchmark
