// When a moment counts as undisturbed, and that reading the cores ends however few of them there
// are.
#include "bench/core_probe.h"

#include <thread>

#include "core/simd/backend.h"
#include "core/simd/peak_probe.h"
#include "tests/support/catch.h"

namespace batchmark::bench {
namespace {

TEST_CASE("a moment counts when products reach their peak and the tile its part", "[core_probe]") {
  constexpr double kTilePart = 0.98, kClock = 3;
  for (const std::string& backend : BackendNames()) {
    INFO(backend);
    ForceBackend(backend);
    for (const int threads : {1, 2}) {
      Parallel parallel(threads);
      const CoreProbe probe(parallel);
      const double ceiling = PeakFmaCeiling();  // 0: none is known, the tile decides
      const double peak = (ceiling == 0 ? 4 : ceiling) * kClock * threads;
      const auto undisturbed = [&](double products, double tile) {
        return probe.Undisturbed({kClock, products * peak, tile * products * peak}, kTilePart);
      };
      CHECK(undisturbed(1.0, kTilePart));
      CHECK(undisturbed(60.0 / 64 + 1e-9, kTilePart));
      CHECK(undisturbed(59.9 / 64, kTilePart) == (ceiling == 0));
      CHECK(undisturbed(1.03, kTilePart) == (ceiling == 0));  // the clock was misread
      CHECK(undisturbed(1.0, 0.96 * kTilePart));
      CHECK_FALSE(undisturbed(1.0, 0.94 * kTilePart));
      CHECK_FALSE(probe.Undisturbed({}, kTilePart));            // they did not run side by side
      CHECK_FALSE(probe.Undisturbed({kClock, peak, peak}, 0));  // no undisturbed core was seen
    }
  }
  ForceBackend("auto");
}

TEST_CASE("the share of a call sums its parts by the medians of their moments", "[core_probe]") {
  const auto limit_s = [](double fma_gflops) { return 30 / fma_gflops; };
  // A call in one piece: 0.3 s at best, of which the moments reach 0.75, 0.6 and, on a core twice
  // as fast, 0.5.
  const std::vector<Moment> whole = {{0.4, 100, true}, {0.5, 100, true}, {0.3, 200, true}};
  const MomentsShare one = ShareOf({whole}, Which::kUndisturbed, limit_s);
  CHECK(one.share == Approx(0.6));
  CHECK(one.moments == 3);
  // Two parts of half the call each: the same share, and the moments of the rarer part.
  const PartMoments halves = {{{0.2, 100, true}, {0.25, 100, true}, {0.15, 200, true}},
                              {{0.25, 100, true}}};
  const MomentsShare two = ShareOf(halves, Which::kUndisturbed, limit_s);
  CHECK(two.share == Approx(0.6));
  CHECK(two.moments == 1);
  CHECK(ShareOf({whole, {}}, Which::kAll, limit_s).share == 0);  // a part that no moment saw
  CHECK(ShareOf({}, Which::kAll, limit_s).moments == 0);
  // Beside neighbours, who leave half of the core to the call and to the multiply-adds, and one of
  // whom is gone before the second reading.
  const std::vector<Moment> beside = {{0.4, 100, true}, {0.6, 50}, {1.0, 50}, {0.5, 50}};
  CHECK(ShareOf({beside}, Which::kUndisturbed, limit_s).share == Approx(0.75));
  const MomentsShare all = ShareOf({beside}, Which::kAll, limit_s);
  CHECK(all.share == Approx(2 / (1 / 0.75 + 1)));  // between 0.75 and 1 of 0.6, 0.75, 1 and 1.2
  CHECK(all.moments == 4);
}

TEST_CASE("a part counts from its first timing on, seen or not", "[core_probe]") {
  Parallel one(1);
  CoreProbe probe(one);
  PartMoments parts;
  Moments moments(probe, 0, parts);  // no part of the tile is known, so that none is undisturbed
  moments.Open();
  moments.Close(1e-3, 2);
  REQUIRE(parts.size() == 3);
  CHECK(parts[0].empty());
  CHECK(parts[1].empty());
  for (const Moment& moment : parts[2]) CHECK_FALSE(moment.undisturbed);
}

TEST_CASE("cores are read on one thread, and given up where threads outnumber them",
          "[core_probe]") {
  Parallel one(1);
  CoreProbe single(one);
  CoresNow now;  // zeros while the clock moves
  for (int i = 0; i < 1000 && now.fma_gflops == 0; ++i) now = single.Read();
  CHECK(now.fma_gflops > 0);
  CHECK(now.tile_gflops > 0);
  const double part = TilePart();
  CHECK((part == 0 || part >= 0.9 || PeakFmaCeiling() == 0));
  // With fewer cores than threads somebody is late: zeros, or a reading if all came in time.
  Parallel many(4 * static_cast<int>(std::thread::hardware_concurrency()) + 1);
  CoreProbe probe(many);
  many.Region([&] { CHECK(probe.Read().fma_gflops >= 0); });
}

}  // namespace
}  // namespace batchmark::bench
