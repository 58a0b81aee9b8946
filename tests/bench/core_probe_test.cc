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

TEST_CASE("the share of undisturbed moments sums parts by their medians", "[core_probe]") {
  const auto limit_s = [](double fma_gflops) { return 30 / fma_gflops; };
  // A call in one piece: 0.3 s at best, of which the moments reach 0.75, 0.6 and, on a core twice
  // as fast, 0.5.
  const std::vector<Moment> whole = {{0.4, 100}, {0.5, 100}, {0.3, 200}};
  const ShareAlone one = ShareOf({whole}, limit_s);
  CHECK(one.share == Approx(0.6));
  CHECK(one.moments == 3);
  // Two parts of half the call each: the same share, and the moments of the rarer part.
  const ShareAlone two = ShareOf({{{0.2, 100}, {0.25, 100}, {0.15, 200}}, {{0.25, 100}}}, limit_s);
  CHECK(two.share == Approx(0.6));
  CHECK(two.moments == 1);
  CHECK(ShareOf({whole, {}}, limit_s).share == 0);  // a part that no moment saw
  CHECK(ShareOf({}, limit_s).moments == 0);
}

TEST_CASE("a part counts from its first timing on, seen or not", "[core_probe]") {
  Parallel one(1);
  CoreProbe probe(one);
  PartMoments undisturbed;
  Moments moments(probe, 0, undisturbed);  // no part of the tile is known, so that none counts
  moments.Open();
  moments.Close(1e-3, 2);
  REQUIRE(undisturbed.size() == 3);
  for (const std::vector<Moment>& part : undisturbed) CHECK(part.empty());
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
