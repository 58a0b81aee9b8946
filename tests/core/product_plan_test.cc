// How products are cut, for the register tiles of every backend, whatever this machine runs.
#include "core/ops/product_plan.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "bench/shapes.h"
#include "core/ops/caches.h"
#include "tests/support/catch.h"
#include "tests/support/draws.h"

namespace batchmark {
namespace {

constexpr TileGeometry kNone{};
constexpr size_t kSharedSet = 36 * 1024;  // rows so far apart share a set of the first cache
const std::vector<ProductForm> kForms = [] {
  std::vector<ProductForm> forms;
  for (const bool avx512 : {false, true}) {
    for (const auto& [a, b] : {std::pair{false, false}, {false, true}, {true, false}}) {
      const TileGeometry narrow{6, 8, 16}, tall{14, 16, 32}, wide{6, 16, 64};
      for (const Place place : {Place::kAlone, Place::kLayer}) {
        forms.push_back({avx512 ? tall : narrow, avx512 ? wide : kNone, a, b, place});
      }
    }
  }
  return forms;
}();

std::string Name(const ProductForm& form, size_t m, size_t n, size_t k) {
  return std::string(form.place == Place::kLayer ? "in a layer, " : "") +
         std::to_string(form.tile.rows) + " rows a strip, A " + (form.a_transposed ? "T" : "N") +
         ", B " + (form.b_transposed ? "T" : "N") + ": " + std::to_string(m) + " x " +
         std::to_string(n) + " x " + std::to_string(k);
}

// Whether each step of the first task finds room in a worker's scratch for its A, if that is
// copied, and for its own B.
bool CopiesFit(const ProductPlan& plan) {
  ProductStep s = plan.FirstStep(0);
  do {
    const size_t depth = s.k1 - s.k0, strips = s.s1 - s.s0, panels = s.p1 - s.p0;
    const size_t a =
        strips * std::max(CopyStride(depth) * plan.tile.rows, depth * RoundUp(plan.tile.rows, 16));
    if (plan.copy_a && a > AScratchFloats(plan.tile)) return false;
    if (plan.PacksOwnB(s.p0) && panels * plan.tile.panel * depth > BScratchFloats(plan.tile)) {
      return false;
    }
  } while (plan.Advance(s));
  return true;
}

// Every element of C is stepped over once for every k.
double ElementSteps(const ProductPlan& plan) {
  double steps = 0;
  for (size_t task = 0; task < plan.tasks(); ++task) {
    ProductStep s = plan.FirstStep(task);
    do {
      const EvenParts rows = plan.rows();
      const size_t columns =
          std::min(plan.columns, s.p1 * plan.tile.panel) - s.p0 * plan.tile.panel;
      steps += static_cast<double>(rows.begin(s.s1) - rows.begin(s.s0)) *
               static_cast<double>(columns) * static_cast<double>(s.k1 - s.k0);
      CHECK(s.s1 - s.s0 <= ProductPlan::kMostStrips);
    } while (plan.Advance(s));
  }
  return steps;
}

TEST_CASE("product plan: even parts cover all items, the first ones with one more") {
  for (size_t items = 0; items < 40; ++items) {
    for (size_t parts = 1; parts < 12; ++parts) {
      const EvenParts even{items, parts};
      CHECK(even.begin(0) == 0);
      CHECK(even.begin(parts) == items);
      for (size_t p = 0; p < parts; ++p) {
        CHECK(even.begin(p + 1) - even.begin(p) == items / parts + (p < even.wider() ? 1 : 0));
        CHECK(even.begin(p + 1) - even.begin(p) <= even.widest());
      }
    }
  }
}

TEST_CASE("product plan: the named products, with work for two threads where there is some") {
  for (const ProductForm& form : kForms) {
    for (const shapes::NamedGemm& s : shapes::kGemm) {
      if (form.a_transposed != (s.form == GemmForm::kTN)) continue;
      if (form.b_transposed != (s.form == GemmForm::kNT)) continue;
      const ProductPlan plan = PlanProduct(form, s.m, s.n, s.k);
      INFO(s.name << ", " << Name(form, s.m, s.n, s.k));
      const double work =
          static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k);
      CHECK(ElementSteps(plan) ==
            work / static_cast<double>(s.n) * static_cast<double>(plan.columns));
      CHECK(plan.n - plan.columns == (s.n == 100 ? 4 : 0));
      const bool in_layer = form.place == Place::kLayer && form.tile.lanes == 16;
      CHECK((plan.tasks() >= 2) == (work > (in_layer ? 786432 : 524288)));
      if (s.m <= 64 && plan.row_tasks == 2) CHECK(plan.strips % 2 == 0);
    }
  }
}

TEST_CASE("product plan: the buffers of a capacity hold those of anything smaller") {
  testing::Draws draws(5);
  const auto up_to = [&](size_t most) { return most == 0 ? 1 : draws.Of(1, most); };
  for (int i = 0; i < 3000; ++i) {
    const size_t m = up_to(i % 3 == 0 ? 100 : 1200);
    const size_t n = i % 5 == 0 ? 128 + up_to(6) : up_to(i % 2 == 0 ? 200 : 4000);
    const size_t k = up_to(3000);
    for (const ProductForm& form : kForms) {
      const ProductPlan most = PlanProduct(form, m, n, k);
      const size_t a = up_to(m - 1), c = up_to(k - 1);
      for (const ProductPlan& plan :
           {most, PlanProduct(form, m, n, k, kSharedSet), PlanProduct(form, a, n, k),
            PlanProduct(form, a, n, c), PlanProduct(form, a, n, c, kSharedSet)}) {
        INFO(Name(form, plan.m, plan.n, plan.k) << " in " << m << " x " << n << " x " << k);
        if (plan.shared_b) {
          REQUIRE(plan.panels * form.tile.panel * plan.k <= most.MostSharedFloats());
        }
        for (const bool pending : {false, true}) {
          ProductPlan loaded = plan;
          PlanA(form, kSharedSet, pending && form.place == Place::kLayer, loaded);
          REQUIRE(CopiesFit(loaded));
        }
        const size_t few_rows = plan.FewRows();  // at once, with copies in place of A's and B's
        REQUIRE(few_rows >= form.tile.panel);
        REQUIRE(few_rows * plan.slice <= BScratchFloats(plan.tile));
        REQUIRE(few_rows * CopyStride(plan.slice) <= AScratchFloats(plan.tile));
        if (plan.chunks > 1) REQUIRE(plan.chunks * plan.m * plan.n <= most.MostSlotFloats());
        if (plan.hold) {
          size_t tiles = 0;
          for (size_t task = 0; task < plan.tasks(); ++task) {
            const ProductStep s = plan.FirstStep(task);
            tiles = std::max(tiles, (s.s_end - s.s_begin) * (s.p_end - s.p_begin));
          }
          REQUIRE(tiles * plan.TileFloats() <= SumsScratchFloats());
        }
      }
    }
  }
}

TEST_CASE("product plan: where caches are large, many rows and panels make narrow tasks") {
  for (const ProductForm& form : kForms) {
    const bool narrow = form.tile.lanes == 16;
    const size_t rows = form.a_transposed ? 512 : 2048, slice = form.a_transposed ? 192 : 2048;
    for (const auto& [m, n, k] :
         {std::array<size_t, 3>{1024, 1024, 1024}, {2048, 2048, 6000}, {300, 600, 500}}) {
      const ProductPlan near = PlanProduct(form, m, n, k), plan = PlanProduct(form, m, n, k, 1024);
      INFO(Name(form, m, n, k));
      REQUIRE(plan.narrow == narrow);
      CHECK(near.SumsAtOnce());
      CHECK(plan.SumsAtOnce());
      if (!narrow) continue;
      CHECK(!plan.shared_b);
      CHECK(plan.slice <= slice);
      CHECK(CopiesFit(plan));
      CHECK(plan.row_tasks == CeilDiv(m, rows));
      CHECK(plan.MostSharedFloats() <= CeilDiv(n, 32) * 32 * 96);  // of a smaller k
    }
    CHECK(PlanProduct(form, 512, 4096, 128).narrow == narrow);
    CHECK(!PlanProduct(form, 1024, 1024, 64).narrow);
    CHECK(!PlanProduct(form, 128, 1024, 1024).narrow);
    CHECK(!PlanProduct(form, 1024, 256, 1024).narrow);
    const bool turned = narrow && form.a_transposed && form.place == Place::kAlone;
    CHECK(TurnsA(form, 1024, 1024, 1024) == turned);
    CHECK(!TurnsA(form, 512, 512, 1024));  // too few columns to repay it
  }
}

TEST_CASE("product plan: two tasks read A twice only where its rows are few") {
  for (const ProductForm& form : kForms) {
    if (!form.b_transposed) continue;
    const size_t two = 2 * form.tile.panel;
    for (const auto& [m, by_columns] :
         {std::pair{size_t{8192}, false}, {512, false}, {200, true}}) {
      const ProductPlan plan = PlanProduct(form, m, two, m > 1000 ? 32 : 256);
      INFO(Name(form, plan.m, plan.n, plan.k));
      REQUIRE(plan.tasks() == 2);
      CHECK((plan.column_tasks == 2) == by_columns);
    }
    CHECK(PlanProduct(form, 128, two, 1024).tasks() == 2);           // in slices as well
    CHECK(PlanProduct(form, 128, 4 * two, 1024).column_tasks == 8);  // no three tasks of rows
    CHECK(PlanProduct(form, 8192, 4, 300).SumsAtOnce());  // as many tasks as hold their sums
  }
}

TEST_CASE("product plan: many tasks of rows are what two and four threads share equally") {
  for (const ProductForm& form : kForms) {
    for (const auto& [m, n, k] :
         {std::array<size_t, 3>{21632, 32, 9}, {36864, 64, 512}, {5000, 64, 100}, {900, 60, 200}}) {
      const ProductPlan plan = PlanProduct(form, m, n, k);
      INFO(Name(form, m, n, k) << ": " << plan.row_tasks);
      CHECK((plan.row_tasks <= 8 || plan.row_tasks % 4 == 0));
      CHECK(plan.row_tasks <= plan.strips);
    }
  }
}

TEST_CASE(
    "product plan: nothing is fetched for little depth, nor where one tile reads two streams") {
  for (const ProductForm& form : kForms) {
    CHECK_FALSE(PlanProduct(form, 21632, 32, 9).fetch);
    CHECK(PlanProduct(form, 21632, 32, 32).fetch);
    const bool one_tile = form.tile.lanes == 16;
    CHECK(PlanProduct(form, 9, 32, 86528).fetch == !(form.a_transposed && one_tile));
    CHECK(PlanProduct(form, 9, 64, 86528).fetch);
  }
}

TEST_CASE("product plan: which operands of a weight gradient are copied, where caches are large") {
  for (const ProductForm& form : kForms) {
    if (!form.a_transposed || form.tile.lanes != 16) continue;
    const auto plan = [&](size_t m, size_t n, size_t k) {
      ProductPlan p = PlanProduct(form, m, n, k, m);
      PlanA(form, m, /*pending=*/false, p);
      return p;
    };
    CHECK_FALSE(plan(512, 512, 128).pack_b);
    CHECK(plan(512, 520, 128).pack_b);    // ends within a vector
    CHECK(plan(1024, 1024, 128).pack_b);  // too large to stay near
    CHECK(plan(36864, 64, 32).pack_b);    // of many strips
    CHECK(plan(512, 256, 128).copy_a);
    CHECK_FALSE(plan(512, 256, 64).copy_a);   // of little depth
    CHECK_FALSE(plan(256, 512, 128).copy_a);  // rows near each other
    CHECK_FALSE(plan(512, 128, 128).copy_a);  // for few panels
    CHECK(plan(4096, 64, 128).spread_a);
    CHECK_FALSE(plan(4096, 256, 128).spread_a);
  }
}

TEST_CASE("product plan: rows of A that share a set find room in it with a row of B") {
  for (const ProductForm& form : kForms) {
    if (form.a_transposed) continue;
    const size_t ways = HeldLines(kSharedSet, form.tile.lanes);
    for (size_t m : {1, 10, 11, 14, 32, 128, 512, 1024}) {
      const ProductPlan apart = PlanProduct(form, m, 128, 36864, kSharedSet + 16);
      const ProductPlan plan = PlanProduct(form, m, 128, 36864, kSharedSet);
      INFO(Name(form, m, 128, 36864));
      CHECK(plan.rows().widest() + 2 <= ways);
      CHECK(apart.rows().widest() <= form.tile.rows);
      CHECK(apart.strips == PlanProduct(form, m, 128, 36864).strips);
      CHECK(plan.chunks == apart.chunks);  // or the sums would differ
      CHECK(plan.chunk == apart.chunk);
    }
  }
}

TEST_CASE(
    "product plan: a transposed A of rows far apart is read in place, and its sums stay one "
    "chain") {
  const Rng rng(6, RngStream::kSubset);
  uint64_t drawn = 0;
  const auto up_to = [&](uint32_t most) { return 1 + size_t{rng.Below(drawn++, most)}; };
  size_t in_place = 0;
  for (int i = 0; i < 3000; ++i) {
    const size_t m = up_to(i % 2 == 0 ? 40000 : 2000), n = up_to(i % 3 == 0 ? 1200 : 140);
    const size_t k = up_to(i % 2 == 0 ? 600 : 3000);
    for (const ProductForm& form : kForms) {
      if (!form.a_transposed) continue;
      const ProductPlan near = PlanProduct(form, m, n, k);
      ProductPlan plan = PlanProduct(form, m, n, k, kSharedSet);
      PlanA(form, kSharedSet, /*pending=*/false, plan);
      INFO(Name(form, m, n, k));
      CHECK(!near.spread_a);
      REQUIRE(plan.chunk == near.chunk);
      REQUIRE(plan.SumsAtOnce() == near.SumsAtOnce());  // weights may take their step in the tile
      if (!plan.spread_a) continue;
      ++in_place;
      CHECK(!plan.copy_a);
      CHECK(plan.slice <= 192);
    }
  }
  CHECK(in_place > 500);
}

}  // namespace
}  // namespace batchmark
