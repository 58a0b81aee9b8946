// Batch normalization over rows = samples * positions and C channels (serves conv and dense alike),
// with statistics groups. Source: Ioffe & Szegedy 2015, Algorithm 1.
//
// Forward, per group g of m rows and channel c:
//   mean = sum z / m      var = sum (z - mean)^2 / m (biased)      rstd = 1 / sqrt(var + eps)
//   y = gamma (z - mean) rstd + beta = scale z + shift,   scale = gamma rstd,  shift = beta - mean scale
// Backward (pre: dyn = dy * act'(y); post: dyn = dy), xhat = (z - mean) rstd:
//   d_beta = sum dyn        d_gamma = sum dyn xhat          (summed over groups)
//   dz = scale (dyn - d_beta_g / m - xhat d_gamma_g / m) = scale dyn + slope z + base
//   slope = -scale rstd d_gamma_g / m,  base = -scale d_beta_g / m - slope mean
//
// This header has the pieces that a block puts together (moments -> coefficients -> pending) and the
// whole operation for benches. All sums: fixed tiles, merged in index order, in double.
#pragma once

#include <cstddef>
#include <memory>

#include "core/base/parallel.h"
#include "core/ops/moments.h"
#include "core/ops/pending.h"

namespace batchmark {

// Moments of x [samples, positions, channels] tile by tile, MomentTiles(groups, positions).
void GatherMoments(Parallel& parallel, const float* x, const MomentTiles& tiles, TileMoments& out);

// Merge to group statistics: mean, var (biased) [groups.count, C], in tile order, in double.
void MergeMoments(const MomentTiles& tiles, const TileMoments& moments, size_t group_count, double* mean,
                  double* var);

// Sums of the backward pass. v, scale, shift, act, form as in PendingGrad (kNormAct or kActNorm; slope, base unused).
//   d_beta[g,c] = sum dyn     d_gamma[g,c] = sum dyn (v - mean[g,c]) rstd[g,c]
// mean, rstd, d_beta, d_gamma [groups.count, C] double.
class BatchNormBackwardSums {
 public:
  BatchNormBackwardSums(Parallel& parallel, size_t max_tiles, size_t channels);
  void Run(const PendingGrad& grad, const MomentTiles& tiles, const double* mean, const double* rstd,
           double* d_beta, double* d_gamma);

  // Run by parts: Gather once for every tile, from any worker, then Merge.
  void Gather(const PendingGrad& grad, const MomentTiles& tiles, size_t tile, const double* mean);
  void Merge(const MomentTiles& tiles, const double* rstd, double* d_beta, double* d_gamma);

  // The same by the `count` blocks that a map of one group is made of: StartBlocks, Gather once for each block, from
  // any worker, then Merge.
  void StartBlocks(size_t count);
  void Gather(const PendingGrad& grad, const MapBlock& block, const double* mean);

 private:
  // In runs of `count` rows, run_distance rows apart; 0: one run.
  struct Rows {
    size_t begin, count, runs = 1, run_distance = 0;
  };
  void GatherSlot(const PendingGrad& grad, size_t slot, size_t group, const Rows& rows, const double* mean);

  Parallel& parallel_;
  TileMoments slots_;  // reused as (sum dyn, sum dyn (v - mean)) per tile or block
  size_t blocks_ = 0;  // that the next Merge is of; 0: tiles
};

// slope and base of every group from its sums; scale, slope, base [groups.count, C] float.
void FormGradientMap(const MomentTiles& tiles, size_t channels, const double* mean, const double* rstd,
                     const float* scale, const double* d_beta, const double* d_gamma, float* slope,
                     float* base);

// Write the value of a pending tensor / gradient, n samples, to dst (may alias v or dy).
void Resolve(Parallel& parallel, size_t n, const Pending& src, float* dst);
void Resolve(Parallel& parallel, size_t n, const PendingGrad& src, float* dst);

// The whole operation on plain tensors, as a framework would call it (benches, tests).
class BatchNorm {
 public:
  BatchNorm(Parallel& parallel, size_t samples, size_t positions, size_t channels, size_t group_size = 0);
  ~BatchNorm();
  // mean, rstd and scale stay inside for Backward. mean_out, var_out [groups, C] may be null.
  void ForwardTraining(const float* src, const float* gamma, const float* beta, float eps, Activation act,
                       float* dst, float* mean_out = nullptr, float* var_out = nullptr);
  // dst = output of ForwardTraining is not needed: act' is recomputed from src.
  void Backward(const float* src, const float* dy, float* d_src, float* d_gamma, float* d_beta);
  // dst = act(gamma (src - mean) / sqrt(var + eps) + beta), population statistics mean, var [C].
  void Inference(size_t n, const float* src, const float* gamma, const float* beta, const float* mean,
                 const float* var, float eps, Activation act, float* dst);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace batchmark
