// Whether the cores are ours alone at a moment. On shared machines neighbours use the same cores,
// and come and go within milliseconds, while the clock moves by steps of 2 to 4 %. So a kernel is
// timed between two readings of the cores, and the moment counts when both found them undisturbed
// and at the same clock: that is the kernel on a machine of its own, against the multiply-adds of
// the same moment. What lasts longer than neighbours stay away is timed in parts.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "bench/team.h"
#include "core/base/aligned.h"
#include "core/base/parallel.h"
#include "core/simd/gemm_tile.h"

namespace batchmark::bench {

struct CoresNow {
  double clock_ghz = 0;    // mean of the cores; 0 = unknown
  double fma_gflops = 0;   // bare multiply-adds, all threads; 0 = not side by side, or unsteady
  double tile_gflops = 0;  // the register tile of all products, operands in the first cache
};

// Loops in lock-step on all threads of a scheduler, on the active backend.
class CoreProbe {
 public:
  explicit CoreProbe(Parallel& parallel);

  // About 0.15 ms. Inside a region of the scheduler: sleeping workers come too late.
  CoresNow Read();

  // The multiply-adds reach 60/64 of the FLOP a cycle and core that the vectors allow, and do not
  // pass it (by more than 2 %: then the clock was misread), and the tile, which also loads what it
  // multiplies and so feels neighbours that the other does not, reaches 95 % of its part (0:
  // never). Where clock or ceiling are unknown, the tile alone decides.
  bool Undisturbed(const CoresNow& now, double tile_part) const;

  // Fastest clock of some readings, in a region of its own.
  double ClockGhz();

  // The first half of Undisturbed.
  bool ProductsReachTheirPeak(const CoresNow& now) const;

 private:
  template <class Body>
  double Rate(const Body& body);

  Parallel& parallel_;
  std::vector<Span> spans_;  // a thread
  TileOperands operands_;
  std::vector<TileStrip> strips_;
  AlignedBuffer<float> a_, b_, c_;  // c: a tile a thread
  double tile_flops_ = 0;
};

// What part of the multiply-adds' rate the tile reaches on an undisturbed core of the active
// backend: the best hundredth of 0.15 s of readings, or of 3 s while that is below what is usual. 0
// where it stays below 0.9: then neighbours are there all the time, and no moment can be told to be
// ours.
double TilePart();

// What was timed between two readings of the cores, each of them steady.
struct Moment {
  double seconds = 0;        // a call
  double fma_gflops = 0;     // the faster of the two readings: the stricter limit
  bool undisturbed = false;  // both found the cores so, and at the same clock
};

using PartMoments = std::vector<std::vector<Moment>>;  // of each part of a call

class Moments {
 public:
  // Reads the cores for the first time, inside a region. Adds to `parts`.
  Moments(CoreProbe& probe, double tile_part, PartMoments& parts);

  // Reads the cores again: nothing of what ran since the last reading was timed.
  void Open();
  // The calls since the last reading took `seconds` each, or that part of a call did; reads again.
  void Close(double seconds, size_t part = 0);

 private:
  CoreProbe& probe_;
  double tile_part_;
  CoresNow last_;
  PartMoments& parts_;
};

// The share of its limit that a call reaches, on undisturbed cores or beside whatever else used
// them:
//   1 / sum over parts of median over the part's moments of seconds / limit_s(fma_gflops)
// with limit_s the seconds of the whole call at best, where multiply-adds have that rate.
enum class Which { kUndisturbed, kAll };
struct MomentsShare {
  double share = 0;    // 0: some part has no moment
  size_t moments = 0;  // of the part that has fewest
};
MomentsShare ShareOf(const PartMoments& parts, Which which,
                     const std::function<double(double fma_gflops)>& limit_s);

}  // namespace batchmark::bench
