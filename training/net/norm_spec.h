// What a block is told about batch norm, as text that round-trips. Where BN stands, how its statistics
// are formed and which noise it carries are data, never a branch in the trainer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace batchmark {

enum class Placement { kNone, kPre, kPost };

// bn.stats: how a training step's statistics are formed.
struct NormStats {
  enum class Kind { kBatch, kGhost, kWide, kPopulation, kPopulationGauss, kRenorm };
  Kind kind = Kind::kBatch;
  size_t samples = 0;              // ghost:K, wide:M, population+gauss:K
  double r_max = 1.0, d_max = 0.0;  // renorm:R,D
};

// bn.eval: statistics used in evaluation.
struct NormEval {
  enum class Kind { kEma, kCumulative, kPrecise, kBatch };
  Kind kind = Kind::kEma;
  double momentum = 0.99;  // ema:m, the weight of the old value (Keras' convention)
  size_t samples = 0;      // precise:K
};

// bn.schedule: renorm's clips over the run. With t = step / steps of the run, in [0, 1):
//   ""                constant R and D
//   ramp:A,B[,C]      r_max = 1, d_max = 0 (plain batch norm) until t = A, then straight to R at t = B and
//                     to D at t = C (without C: at B), and constant from there on
// Ioffe 2017 holds 5k steps, and reaches R at 40k and D at 25k: of 160k steps, ramp:0.03,0.25,0.16.
struct NormSchedule {
  bool ramp = false;
  double begin = 0.0, r_end = 0.0, d_end = 0.0;

  double RMax(double r_max, double t) const { return ramp ? 1.0 + (r_max - 1.0) * Share(r_end, t) : r_max; }
  double DMax(double d_max, double t) const { return ramp ? d_max * Share(d_end, t) : d_max; }

 private:
  double Share(double end, double t) const {
    return t <= begin ? 0.0 : t >= end ? 1.0 : (t - begin) / (end - begin);
  }
};

struct NormSpec {
  Placement placement = Placement::kPre;
  NormStats stats;
  NormEval eval;
  double eps = 1e-3;
  bool affine = true;
  double gamma_decay = 0.0;    // L2 on gamma, added to its gradient
  double noise_scale = 1.0;    // factor on synthetic noise
  int64_t freeze_after = -1;   // step from which the population statistics are used; -1 = never
  NormSchedule schedule;       // of renorm's clips
};

// Text forms of design: "none|pre|post"; "batch", "ghost:16", "wide:512", "population",
// "population+gauss:32", "renorm:3,5"; "ema:0.99", "cumulative", "precise:1000", "batch"; "ramp:0.1,0.5".
// Parse throws Error(kBadInput) naming the accepted forms.
Placement ParsePlacement(const std::string& text);
NormStats ParseNormStats(const std::string& text);
NormEval ParseNormEval(const std::string& text);
NormSchedule ParseNormSchedule(const std::string& text);
std::string ToText(Placement placement);
std::string ToText(const NormStats& stats);
std::string ToText(const NormEval& eval);
std::string ToText(const NormSchedule& schedule);

}  // namespace batchmark
