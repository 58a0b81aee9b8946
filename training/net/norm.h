// How statistics are formed and which noise they carry: everything of batch norm that is not arithmetic
// over rows. Gives a block the (scale, shift) of its pending output and the (slope, base) of its pending
// gradient; keeps gamma, beta and the population (moving) moments.
//
// With m rows in group g (m = samples of g * positions), batch moments mean_B, var_B (biased):
//   batch, ghost:K, wide:M   u = mean_B, s2 = var_B + eps        gradient through both
//   population               u, s2 = moving moments              gradient stopped at them
//   population+gauss:K       u = moving_mean + noise_scale sd e1 / sqrt(m),
//                            s = sd (1 + noise_scale e2 / sqrt(2 m)),  e1, e2 ~ N(0,1) a group of K and channel;
//                            the first-order variances of the moments of m normal values. Gradient stopped.
//                            Unlike batch, the gradient does not see that z moves u and s (the normalized
//                            gradient misses the projection off 1 and xhat): a control for noise, not for BN.
//   renorm:R,D               xhat = (z - mean_B) / sd_B * r + d,   r = clip(sd_B / sd, 1/R, R),
//                            d = clip((mean_B - moving_mean) / sd, -D, D), gradient stopped at r and d.
//                            R and D by bn.schedule (norm_spec.h). Source: Ioffe 2017, arXiv 1702.03275.
//   from step freeze_after on: population, moving moments no longer updated.
// Moving moments: mean and *unbiased* variance of the whole batch (all groups merged), old weight m in
// ema:m; `cumulative` is the plain average over steps (old weight t / (t + 1)). They start at 0 and 1.
// precise:K and batch keep ema:0.99 while training.
// Source: Ioffe & Szegedy 2015; ghost: Hoffer et al. 2017; noise: Luo et al. 2018; precise: Wu & Johnson 2021.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/base/aligned.h"
#include "core/base/parallel.h"
#include "core/ops/batch_norm.h"
#include "training/net/block.h"
#include "training/net/norm_spec.h"

namespace batchmark {

// Groups of `samples` consecutive samples. ghost:K cuts runs of K; a remainder of one sample joins the
// previous group where a group must have two rows (positions == 1).
SampleGroups MakeGroups(const NormStats& stats, size_t samples, size_t positions);

// What the last pass used, for probes: y = gamma ((z - mean) rstd r + d) + beta by group and channel, and the
// moments of the whole pass by channel.
struct UsedStatistics {
  size_t groups, channels;
  const double *mean, *rstd, *r, *d;          // [groups, C]
  double batch_rows;
  const double *batch_mean, *batch_m2;        // [C]
  const float* moving_var;                    // [C]
};

class Norm {
 public:
  // layer: position in the net, for random counters and messages. capacity: most samples of a pass.
  Norm(Parallel& parallel, const NormSpec& spec, size_t layer, size_t capacity, size_t positions,
       size_t channels);

  // Prepares a pass: groups, and the moment storage the linear op fills (null if not needed).
  TileMoments* Prepare(const Pass& pass);
  const SampleGroups& groups() const { return groups_; }
  const MomentTiles& tiles() const { return *tiles_; }

  // Forms scale and shift after the moments have been filled; updates the moving moments in training.
  void FormStatistics(const Pass& pass);
  const float* scale() const { return scale_.data(); }
  const float* shift() const { return shift_.data(); }

  // grad: form, dy, v, act, scale, shift are set; fills gamma's and beta's gradients and grad.slope, base. gathered:
  // GatherGradient has been called for every sample of the pass, or for every block since StartBlocks; of an image
  // (positions > 1), from any worker.
  void FormGradient(PendingGrad& grad, bool gathered);
  void GatherGradient(const PendingGrad& grad, size_t sample) { sums_.Gather(grad, *tiles_, sample, mean_.data()); }

  // The same by the blocks of a map of one statistics group.
  void StartBlocks(size_t count) { sums_.StartBlocks(count); }
  void GatherGradient(const PendingGrad& grad, const MapBlock& block) { sums_.Gather(grad, block, mean_.data()); }

  // The same from sums that were formed elsewhere, of one group, [C]: sum_dyn, and sum_dynv = sum dyn (v - center).
  void FormGradient(const float* sum_dyn, const double* sum_dynv, const double* center);
  const float* slope() const { return slope_.data(); }
  const float* base() const { return base_.data(); }

  std::vector<Tensor> Tensors();
  std::string NonFinite() const { return non_finite_; }
  UsedStatistics Used() const {
    return {groups_.count,    channels_,           mean_.data(),      rstd_.data(),      r_.data(), d_.data(),
            batch_.rows, batch_.mean.data(), batch_.m2.data(), moving_var_.data()};
  }
  void StartGather();
  void FinishGather();

 private:
  bool UsesBatchMoments(const Pass& pass) const;
  void UpdateMoving();
  void FormGradientMaps();  // from d_beta_, d_gamma_
  void FormAffine();  // scale and shift of all groups, from mean_, rstd_, r_, d_

  Parallel& parallel_;
  NormSpec spec_;
  size_t layer_, positions_, channels_;
  SampleGroups groups_;
  const MomentTiles* tiles_ = nullptr;
  TileMoments moments_;
  BatchNormBackwardSums sums_;
  bool gradient_through_ = true;  // false: statistics are constants
  std::vector<double> mean_, var_, rstd_, r_, d_, d_beta_, d_gamma_;  // [groups, C]
  struct Pooled {
    double rows = 0;
    std::vector<double> mean, m2;  // [C]
    void Clear();
    // Merges the moments of rows_b more rows (Chan, Golub, LeVeque); m2_b(c) of channel c.
    template <class M2>
    void Add(double rows_b, const double* mean_b, const M2& m2_b);
  };
  Pooled batch_, gathered_;  // the whole batch; all batches of a gather
  AlignedBuffer<float> gamma_, beta_, d_gamma_out_, d_beta_out_, moving_mean_, moving_var_, updates_;
  // Of the last gather, for evaluation under precise:K alone: training may read the moving moments.
  std::vector<double> precise_mean_, precise_var_;
  AlignedBuffer<float> scale_, shift_, slope_, base_;  // [groups, C]
  std::string non_finite_;
  // One cut per pass size (training batch, evaluation chunks); made on first sight, then reused.
  const MomentTiles* TilesFor(const SampleGroups& groups);
  std::deque<std::pair<SampleGroups, MomentTiles>> tile_cache_;
};

}  // namespace batchmark
