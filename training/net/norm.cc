#include "training/net/norm.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "core/base/parts.h"
#include "core/base/rng.h"

namespace batchmark {
namespace {

constexpr double kDefaultEma = 0.99;  // while training under bn.eval = precise:K or batch

size_t MaxGroups(const NormStats& stats, size_t capacity) {
  const bool grouped = stats.kind == NormStats::Kind::kGhost || stats.kind == NormStats::Kind::kPopulationGauss;
  return grouped ? CeilDiv(capacity, stats.samples) : 1;
}

bool FormsByStats(PassMode mode) { return mode == PassMode::kTrain || mode == PassMode::kReadTrain; }

}  // namespace

SampleGroups MakeGroups(const NormStats& stats, size_t samples, size_t positions) {
  SampleGroups groups{.samples = samples};
  if (MaxGroups(stats, samples) <= 1) return groups;
  groups.group_size = stats.samples;
  groups.count = MaxGroups(stats, samples);
  if (positions == 1 && samples % stats.samples == 1 && groups.count > 1) --groups.count;
  return groups;
}

Norm::Norm(Parallel& parallel, const NormSpec& spec, size_t layer, size_t capacity, size_t positions,
           size_t channels)
    : parallel_(parallel),
      spec_(spec),
      layer_(layer),
      positions_(positions),
      channels_(channels),
      moments_(std::max(capacity, MaxGroups(spec.stats, capacity)), channels),
      sums_(parallel, std::max(capacity, MaxGroups(spec.stats, capacity)), channels) {
  const size_t all = MaxGroups(spec.stats, capacity) * channels;
  for (auto* v : {&mean_, &var_, &rstd_, &r_, &d_, &d_beta_, &d_gamma_}) v->assign(all, 0.0);
  for (auto* pooled : {&batch_, &gathered_}) {
    pooled->mean.assign(channels, 0.0);
    pooled->m2.assign(channels, 0.0);
  }
  for (auto* b : {&gamma_, &beta_, &d_gamma_out_, &d_beta_out_, &moving_mean_, &moving_var_}) {
    *b = AlignedBuffer<float>(channels);
  }
  for (auto* b : {&scale_, &shift_, &slope_, &base_}) *b = AlignedBuffer<float>(all);
  updates_ = AlignedBuffer<float>(1);
  std::fill(gamma_.begin(), gamma_.end(), 1.0f);
  std::fill(moving_var_.begin(), moving_var_.end(), 1.0f);
  precise_mean_.assign(channels, 0.0), precise_var_.assign(channels, 1.0);
}

bool Norm::UsesBatchMoments(const Pass& pass) const { return pass.mode != PassMode::kEval; }

const MomentTiles* Norm::TilesFor(const SampleGroups& groups) {
  for (const auto& [known, tiles] : tile_cache_) {
    if (known.samples == groups.samples && known.count == groups.count) return &tiles;
  }
  tile_cache_.emplace_back(groups, MomentTiles(groups, positions_));
  return &tile_cache_.back().second;
}

TileMoments* Norm::Prepare(const Pass& pass) {
  groups_ = FormsByStats(pass.mode) ? MakeGroups(spec_.stats, pass.samples, positions_)
                                          : SampleGroups{.samples = pass.samples};
  if (!UsesBatchMoments(pass)) return nullptr;
  tiles_ = TilesFor(groups_);
  return &moments_;
}

template <class M2>
void Norm::Pooled::Add(double rows_b, const double* mean_b, const M2& m2_b) {
  const double total = rows + rows_b;
  const double share = rows_b / total, spread = rows * rows_b / total;
  for (size_t c = 0; c < mean.size(); ++c) {
    const double delta = mean_b[c] - mean[c];
    mean[c] += delta * share;
    m2[c] += m2_b(c) + delta * delta * spread;
  }
  rows = total;
}

void Norm::Pooled::Clear() {
  rows = 0;
  std::fill(mean.begin(), mean.end(), 0.0);
  std::fill(m2.begin(), m2.end(), 0.0);
}

void Norm::FormAffine() {
  bool finite = true;
  for (size_t g = 0, i = 0; g < groups_.count; ++g) {
    for (size_t c = 0; c < channels_; ++c, ++i) {
      const double gamma = gamma_[c];
      const double scale = gamma * rstd_[i] * r_[i];
      scale_[i] = static_cast<float>(scale);
      // From the rounded scale, so that scale * mean cancels where mean >> sd.
      shift_[i] = static_cast<float>(double{beta_[c]} + gamma * d_[i] - mean_[i] * double{scale_[i]});
      finite &= std::isfinite(scale_[i]) && std::isfinite(shift_[i]);
    }
  }
  if (!finite) non_finite_ = "batch moments";
}

void Norm::FormStatistics(const Pass& pass) {
  non_finite_.clear();
  const auto use = [&](size_t i, double mean, double rstd, double r, double d) {
    mean_[i] = mean, rstd_[i] = rstd, r_[i] = r, d_[i] = d;
  };
  if (!UsesBatchMoments(pass)) {
    const bool precise = spec_.eval.kind == NormEval::Kind::kPrecise;
    for (size_t c = 0; c < channels_; ++c) {
      const double mean = precise ? precise_mean_[c] : moving_mean_[c];
      const double var = precise ? precise_var_[c] : moving_var_[c];
      use(c, mean, 1.0 / std::sqrt(var + spec_.eps), 1.0, 0.0);
    }
    return FormAffine();
  }
  MergeMoments(*tiles_, moments_, groups_.count, mean_.data(), var_.data());
  batch_.Clear();
  for (size_t g = 0; g < groups_.count; ++g) {
    const double rows = static_cast<double>((groups_.End(g) - groups_.Begin(g)) * positions_);
    const double* const var = var_.data() + g * channels_;
    batch_.Add(rows, mean_.data() + g * channels_, [&](size_t c) { return var[c] * rows; });
  }

  using Kind = NormStats::Kind;
  const bool training = FormsByStats(pass.mode);
  const bool frozen = training && spec_.freeze_after >= 0 && pass.step >= spec_.freeze_after;
  const Kind kind = frozen ? Kind::kPopulation : training ? spec_.stats.kind : Kind::kBatch;
  gradient_through_ = kind != Kind::kPopulation && kind != Kind::kPopulationGauss;
  const Rng noise(pass.seed, RngStream::kNoise, RandomSub(pass, layer_));
  const auto moving_sd = [&](size_t c) { return std::sqrt(moving_var_[c] + spec_.eps); };
  const auto batch_sd = [&](size_t i) { return std::sqrt(var_[i] + spec_.eps); };
  const auto for_all = [&](const auto& form) {
    for (size_t g = 0, i = 0; g < groups_.count; ++g) {
      for (size_t c = 0; c < channels_; ++c, ++i) form(i, c);
    }
  };
  switch (kind) {
    case Kind::kPopulation:
      for_all([&](size_t i, size_t c) { use(i, moving_mean_[c], 1.0 / moving_sd(c), 1.0, 0.0); });
      break;
    case Kind::kPopulationGauss: {
      const double m = static_cast<double>(spec_.stats.samples * positions_);
      for_all([&](size_t i, size_t c) {
        const double e1 = spec_.noise_scale * noise.Normal(2 * i);
        const double e2 = spec_.noise_scale * noise.Normal(2 * i + 1);
        // A factor below 1/10 would need a ten-sigma draw unless m is tiny; the floor keeps sd positive.
        const double factor = std::max(0.1, 1.0 + e2 / std::sqrt(2.0 * m));
        const double sd = moving_sd(c);
        use(i, moving_mean_[c] + sd * e1 / std::sqrt(m), 1.0 / (sd * factor), 1.0, 0.0);
      });
      break;
    }
    case Kind::kRenorm: {
      const double r_max = spec_.schedule.RMax(spec_.stats.r_max, pass.progress);
      const double d_max = spec_.schedule.DMax(spec_.stats.d_max, pass.progress);
      for_all([&](size_t i, size_t c) {
        const double batch = batch_sd(i), moving = moving_sd(c);
        const double r = std::clamp(batch / moving, 1.0 / r_max, r_max);
        const double d = std::clamp((mean_[i] - moving_mean_[c]) / moving, -d_max, d_max);
        use(i, mean_[i], 1.0 / batch, r, d);
      });
      break;
    }
    default:
      for_all([&](size_t i, size_t) { use(i, mean_[i], 1.0 / batch_sd(i), 1.0, 0.0); });
  }
  FormAffine();
  if (pass.mode == PassMode::kTrain && !frozen) UpdateMoving();
  if (pass.mode == PassMode::kGather) {
    gathered_.Add(batch_.rows, batch_.mean.data(), [&](size_t c) { return batch_.m2[c]; });
  }
}

void Norm::UpdateMoving() {
  const double steps = updates_[0];
  const double old_weight = spec_.eval.kind == NormEval::Kind::kCumulative ? steps / (steps + 1.0)
                            : spec_.eval.kind == NormEval::Kind::kEma      ? spec_.eval.momentum
                                                                           : kDefaultEma;
  for (size_t c = 0; c < channels_; ++c) {
    const double unbiased = batch_.m2[c] / std::max(1.0, batch_.rows - 1.0);
    moving_mean_[c] = static_cast<float>(old_weight * moving_mean_[c] + (1.0 - old_weight) * batch_.mean[c]);
    moving_var_[c] = static_cast<float>(old_weight * moving_var_[c] + (1.0 - old_weight) * unbiased);
  }
  updates_[0] = static_cast<float>(steps + 1.0);
}

void Norm::FormGradient(PendingGrad& grad, bool gathered) {
  grad.groups = groups_;
  if (gathered) {
    sums_.Merge(*tiles_, rstd_.data(), d_beta_.data(), d_gamma_.data());
  } else {
    sums_.Run(grad, *tiles_, mean_.data(), rstd_.data(), d_beta_.data(), d_gamma_.data());
  }
  FormGradientMaps();
  grad.slope = slope_.data(), grad.base = base_.data();
}

void Norm::FormGradient(const float* sum_dyn, const double* sum_dynv, const double* center) {
  BATCHMARK_CHECK(groups_.count == 1);
  for (size_t c = 0; c < channels_; ++c) {
    d_beta_[c] = sum_dyn[c];
    d_gamma_[c] = rstd_[c] * (sum_dynv[c] + (center[c] - mean_[c]) * d_beta_[c]);
  }
  FormGradientMaps();
}

void Norm::FormGradientMaps() {
  if (gradient_through_) {
    FormGradientMap(*tiles_, channels_, mean_.data(), rstd_.data(), scale_.data(), d_beta_.data(),
                    d_gamma_.data(), slope_.data(), base_.data());
  } else {
    std::fill(slope_.begin(), slope_.end(), 0.0f);
    std::fill(base_.begin(), base_.end(), 0.0f);
  }
  bool finite = true;
  for (size_t c = 0; c < channels_; ++c) {
    double d_gamma = 0.0, d_beta = 0.0;
    for (size_t i = c; i < groups_.count * channels_; i += channels_) {
      // xhat = (v - mean) rstd r + d, so its sum against dyn is r d_gamma_ + d d_beta_.
      d_gamma += r_[i] * d_gamma_[i] + d_[i] * d_beta_[i];
      d_beta += d_beta_[i];
    }
    d_gamma_out_[c] = static_cast<float>(d_gamma);
    d_beta_out_[c] = static_cast<float>(d_beta);
    finite &= std::isfinite(d_gamma_out_[c]) && std::isfinite(d_beta_out_[c]);
  }
  if (!finite) non_finite_ = "d_gamma, d_beta";
}

std::vector<Tensor> Norm::Tensors() {
  const std::vector<size_t> shape = {channels_};
  float* const d_gamma = spec_.affine ? d_gamma_out_.data() : nullptr;
  float* const d_beta = spec_.affine ? d_beta_out_.data() : nullptr;
  std::vector<Tensor> tensors = {{"gamma", shape, channels_, gamma_.data(), d_gamma, spec_.gamma_decay},
                                 {"beta", shape, channels_, beta_.data(), d_beta},
                                 {"moving_mean", shape, channels_, moving_mean_.data(), nullptr},
                                 {"moving_var", shape, channels_, moving_var_.data(), nullptr}};
  if (spec_.eval.kind == NormEval::Kind::kCumulative) {
    tensors.push_back({"updates", {1}, 1, updates_.data(), nullptr});
  }
  return tensors;
}

void Norm::StartGather() { gathered_.Clear(); }

void Norm::FinishGather() {
  for (size_t c = 0; c < channels_; ++c) {
    precise_mean_[c] = gathered_.mean[c];
    precise_var_[c] = gathered_.m2[c] / std::max(1.0, gathered_.rows - 1.0);
  }
}

}  // namespace batchmark
