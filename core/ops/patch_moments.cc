#include "core/ops/patch_moments.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/ops/chunks.h"

namespace batchmark {
namespace {

// What an image's moments cost, in pixels that are only moved (3 x 3: a microsecond).
constexpr size_t kWeight = 8;

}  // namespace

bool PatchMoments::Serves(const Conv2dShape& s) {
  const size_t taps = s.kernel_h * s.kernel_w;
  const bool by_sample = s.OutHeight() * s.OutWidth() > 1;  // as the moments' tiles are
  return s.channels_in == 1 && !s.same && by_sample &&
         taps <= std::min(kMostTaps, s.channels_out);
}

PatchMoments::PatchMoments(Parallel& parallel, const Conv2dShape& s)
    : parallel_(parallel),
      grid_{s.height, s.width, s.kernel_h, s.kernel_w},
      channels_(s.channels_out),
      means_(s.samples * grid_.taps()),
      comoments_(s.samples * grid_.taps() * grid_.taps()),
      mean_(grid_.taps()),
      all_(grid_.taps() * grid_.taps()) {
  BATCHMARK_CHECK(Serves(s));
}

void PatchMoments::Gather(size_t n, const float* src, const float* weights, const float* bias,
                          TileMoments& out) {
  const size_t taps = grid_.taps(), pixels = grid_.image_h * grid_.image_w;
  BATCHMARK_CHECK(n * taps <= means_.size() && n * channels_ <= out.mean.size());
  samples_ = n;
  const ChunkPlan plan = PlanChunks(n, n * pixels, kWeight);
  parallel_.For(plan, [&](size_t chunk, int) {
    for (size_t i = plan.begin(chunk); i < plan.end(chunk); ++i) {
      double* const mean = means_.data() + i * taps;
      double* const comoments = comoments_.data() + i * taps * taps;
      ImagePatchMoments(grid_, src + i * pixels, mean, comoments);
      LinearMoments(taps, channels_, mean, comoments, weights, bias,
                    out.mean.data() + i * channels_, out.m2.data() + i * channels_);
    }
  });
}

void PatchMoments::SumGradient(const float* weights, const float* bias, const float* p,
                               const float* s, double* mean_z, double* sums) {
  // Merged as moments are (moments.h), with the products of two means' distances.
  const size_t taps = grid_.taps();
  std::copy_n(means_.begin(), taps, mean_.begin());
  std::copy_n(comoments_.begin(), taps * taps, all_.begin());
  double delta[kMostTaps];
  for (size_t i = 1; i < samples_; ++i) {
    const double share = 1.0 / static_cast<double>(i + 1);
    const double spread = static_cast<double>(grid_.positions() * i) * share;
    for (size_t t = 0; t < taps; ++t) delta[t] = means_[i * taps + t] - mean_[t];
    const double* const more = comoments_.data() + i * taps * taps;
    for (size_t t = 0; t < taps; ++t) {
      mean_[t] += delta[t] * share;
      for (size_t u = 0; u < taps; ++u) {
        all_[t * taps + u] += more[t * taps + u] + delta[t] * delta[u] * spread;
      }
    }
  }
  for (size_t c = 0; c < channels_; ++c) mean_z[c] = bias[c], sums[c] = 0.0;
  for (size_t t = 0; t < taps; ++t) {
    for (size_t c = 0; c < channels_; ++c) {
      const double w = weights[t * channels_ + c];
      mean_z[c] += mean_[t] * w;
      sums[c] += w * (p[t * channels_ + c] - mean_[t] * s[c]);
    }
  }
}

void PatchMoments::MapGradient(const float* weights, const double* mean_z, const float* scale,
                               const float* slope, const float* base, float* p, float* s) const {
  const size_t taps = grid_.taps();
  const double n = static_cast<double>(samples_ * grid_.positions());
  for (size_t c = 0; c < channels_; ++c) {
    const double sum = s[c];
    const double d_bias = scale[c] * sum + n * (slope[c] * mean_z[c] + base[c]);
    for (size_t t = 0; t < taps; ++t) {
      double with_z = 0.0;  // C W
      for (size_t u = 0; u < taps; ++u) with_z += all_[t * taps + u] * weights[u * channels_ + c];
      float& to = p[t * channels_ + c];
      to = static_cast<float>(scale[c] * (to - mean_[t] * sum) + slope[c] * with_z +
                              mean_[t] * d_bias);
    }
    s[c] = static_cast<float>(d_bias);
  }
}

}  // namespace batchmark
