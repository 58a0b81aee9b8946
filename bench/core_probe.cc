#include "bench/core_probe.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "bench/machine_limits.h"
#include "core/base/cpu.h"
#include "core/base/median.h"
#include "core/simd/peak_probe.h"

namespace batchmark::bench {
namespace {

constexpr size_t kFmaRounds = 4000;   // x 48 multiply-adds, two a cycle: 0.035 ms
constexpr size_t kChainRounds = 600;  // x 64 cycles: 0.015 ms
constexpr size_t kTileDepth = 128;
constexpr double kTileFlops = 4e6;     // 0.02 ms
constexpr size_t kPatience = 1 << 20;  // spins for the others: about a millisecond

bool AreClose(double a, double b) { return std::abs(a - b) <= 0.02 * std::min(a, b); }

}  // namespace

CoreProbe::CoreProbe(Parallel& parallel)
    : parallel_(parallel), spans_(static_cast<size_t>(parallel.threads())) {
  const TileGeometry tile = ActiveTileGeometry();
  a_ = AlignedBuffer<float>(tile.rows * kTileDepth);
  b_ = AlignedBuffer<float>(tile.panel * kTileDepth);
  c_ = AlignedBuffer<float>(tile.rows * tile.panel * spans_.size());
  operands_.a = a_.data(), operands_.a_row = kTileDepth, operands_.a_depth = 1;
  operands_.b = b_.data(), operands_.b_depth = tile.panel;
  operands_.c_row = operands_.columns = tile.panel;
  TileStrip strip;
  strip.rows = static_cast<uint32_t>(tile.rows);
  strip.segments = 1, strip.depth = kTileDepth;
  const double flops = 2.0 * static_cast<double>(tile.rows * tile.panel * kTileDepth);
  strips_.assign(static_cast<size_t>(std::ceil(kTileFlops / flops)), strip);
  tile_flops_ = flops * static_cast<double>(strips_.size());
}

// Sum of the threads' own rates, since a call whose work is shared out evenly is not held up by the
// core that neighbours slow most; 0 where somebody was missing (fewer cores than threads, a
// scheduler without threads).
template <class Body>
double CoreProbe::Rate(const Body& body) {
  std::atomic<size_t> arrived{0};
  std::atomic<bool> alone{false};
  parallel_.For(spans_.size(), [&](size_t i, int) {
    arrived.fetch_add(1);
    for (size_t spin = 0; arrived.load(std::memory_order_relaxed) < spans_.size(); ++spin) {
      if (alone.load(std::memory_order_relaxed) || spin > kPatience) {
        alone = true;
        return;
      }
    }
    spans_[i].Measure([&] { return body(i); });
  });
  if (alone) return 0;
  double sum = 0;
  for (const Span& span : spans_) sum += span.Rate();
  return sum / 1e9;
}

CoresNow CoreProbe::Read() {
  const auto tiles = [this](size_t i) {
    TileOperands mine = operands_;
    mine.c = c_.data() + i * (c_.size() / spans_.size());
    RunTiles(strips_.data(), strips_.size(), mine);
    return tile_flops_;
  };
  const auto chain = [](size_t) { return PeakAddChain(kChainRounds); };
  const auto products = [](size_t) { return PeakFmaLoop(kFmaRounds); };
  // Once to have code and operands in the caches, which the timed calls have emptied of them.
  if (Rate(tiles) == 0) return {};
  // From both ends to the middle: the clock moves meanwhile.
  const double clock_before = Rate(chain), before = Rate(products);
  CoresNow now;
  now.tile_gflops = Rate(tiles);
  const double after = Rate(products), clock_after = Rate(chain);
  if (!AreClose(before, after)) return {};
  now.fma_gflops = (before + after) / 2;
  now.clock_ghz = (clock_before + clock_after) / 2 / static_cast<double>(spans_.size());
  return now;
}

double CoreProbe::ClockGhz() {
  constexpr int kReadings = 11;
  double fastest = 0;
  parallel_.Region([&] {
    for (int i = 0; i < kReadings; ++i) fastest = std::max(fastest, Read().clock_ghz);
  });
  return fastest;
}

bool CoreProbe::ProductsReachTheirPeak(const CoresNow& now) const {
  if (now.fma_gflops == 0) return false;
  const double ceiling = PeakFmaCeiling();
  if (ceiling == 0 || now.clock_ghz == 0) return true;
  const double flop_per_cycle = now.fma_gflops / now.clock_ghz / static_cast<double>(spans_.size());
  return flop_per_cycle >= ceiling * kLeastOfCeiling && flop_per_cycle <= ceiling * kMostOfCeiling;
}

bool CoreProbe::Undisturbed(const CoresNow& now, double tile_part) const {
  return tile_part > 0 && ProductsReachTheirPeak(now) &&
         now.tile_gflops >= 0.95 * tile_part * now.fma_gflops;
}

double TilePart() {
  // On one thread, which finds a core to itself more often than several; from window to window
  // while neighbours stay.
  constexpr int kWindows = 20, kReadings = 600;
  constexpr double kUsual = 0.95, kLeast = 0.9;
  Parallel one(1);
  CoreProbe probe(one);
  double best = 0;
  for (int window = 0; window < kWindows && best < kUsual; ++window) {
    std::vector<double> parts;
    for (int i = 0; i < kReadings; ++i) {
      const CoresNow now = probe.Read();
      if (probe.ProductsReachTheirPeak(now)) parts.push_back(now.tile_gflops / now.fma_gflops);
    }
    if (parts.empty()) continue;
    std::sort(parts.begin(), parts.end());
    best = std::max(best, parts[parts.size() * 99 / 100]);
  }
  return PeakFmaCeiling() != 0 && best < kLeast ? 0 : best;
}

Moments::Moments(CoreProbe& probe, double tile_part, PartMoments& parts)
    : probe_(probe), tile_part_(tile_part), last_(probe.Read()), parts_(parts) {}

void Moments::Open() { last_ = probe_.Read(); }

void Moments::Close(double seconds, size_t part) {
  if (part >= parts_.size()) parts_.resize(part + 1);
  const CoresNow now = probe_.Read();
  if (last_.fma_gflops > 0 && now.fma_gflops > 0) {
    Moment moment{seconds, std::max(last_.fma_gflops, now.fma_gflops)};
    moment.undisturbed = AreClose(last_.fma_gflops, now.fma_gflops) &&
                         probe_.Undisturbed(last_, tile_part_) &&
                         probe_.Undisturbed(now, tile_part_);
    parts_[part].push_back(moment);
  }
  last_ = now;
}

MomentsShare ShareOf(const PartMoments& parts, Which which,
                     const std::function<double(double fma_gflops)>& limit_s) {
  MomentsShare result;
  double limits = 0;  // that the call takes
  for (const std::vector<Moment>& moments : parts) {
    std::vector<double> of_limit;
    for (const Moment& moment : moments) {
      if (which == Which::kUndisturbed && !moment.undisturbed) continue;
      of_limit.push_back(moment.seconds / limit_s(moment.fma_gflops));
    }
    if (of_limit.empty()) return {};
    const size_t least = result.moments == 0 ? of_limit.size() : result.moments;
    result.moments = std::min(least, of_limit.size());
    limits += MiddleValue(std::move(of_limit));
  }
  if (limits > 0) result.share = 1 / limits;
  return result;
}

}  // namespace batchmark::bench
