// class BatchNorm: the whole operation on plain tensors, from the pieces of batch_norm.h. Two
// passes over memory each way: gather and apply. (A block of channels taken through all passes at
// once was measured for tensors of few rows and is slower at every size: its rows are strided.)
#include <cmath>

#include "core/base/check.h"
#include "core/base/parts.h"
#include "core/ops/batch_norm.h"
#include "core/simd/batch_norm_coefficients.h"

namespace batchmark {

struct BatchNorm::State {
  State(Parallel& p, size_t samples, size_t position_count, size_t channel_count, size_t group_size)
      : parallel(p),
        positions(position_count),
        channels(channel_count),
        groups{samples, group_size, group_size == 0 ? 1 : CeilDiv(samples, group_size)},
        tiles(groups, positions),
        slots(tiles.tiles.size(), channels),
        sums(parallel, tiles.tiles.size(), channels),
        doubles(5 * groups.count * channels),
        floats(4 * groups.count * channels) {}

  size_t Coefficients() const { return groups.count * channels; }
  double* Mean() { return doubles.data(); }
  double* Var() { return doubles.data() + Coefficients(); }
  double* Rstd() { return doubles.data() + 2 * Coefficients(); }
  double* DBeta() { return doubles.data() + 3 * Coefficients(); }
  double* DGamma() { return doubles.data() + 4 * Coefficients(); }
  float* Scale() { return floats.data(); }
  float* Shift() { return floats.data() + Coefficients(); }
  float* Slope() { return floats.data() + 2 * Coefficients(); }
  float* Base() { return floats.data() + 3 * Coefficients(); }

  void FormForward(const float* gamma, const float* beta, float eps) {
    MergeMoments(tiles, slots, groups.count, Mean(), Var());
    for (size_t k = 0; k < Coefficients(); k += channels) {
      NormalizeCoefficients(channels, Mean() + k, Var() + k, gamma, beta, double{eps}, Rstd() + k,
                            Scale() + k, Shift() + k);
    }
  }

  // From d_beta, d_gamma of the groups to slope, base and the parameters' gradients.
  void FormBackward(float* d_gamma, float* d_beta) {
    FormGradientMap(tiles, channels, Mean(), Rstd(), Scale(), DBeta(), DGamma(), Slope(), Base());
    for (size_t c = 0; c < channels; ++c) {
      double beta_sum = 0.0, gamma_sum = 0.0;
      for (size_t k = c; k < Coefficients(); k += channels) {
        beta_sum += DBeta()[k];
        gamma_sum += DGamma()[k];
      }
      d_beta[c] = static_cast<float>(beta_sum);
      d_gamma[c] = static_cast<float>(gamma_sum);
    }
  }

  Parallel& parallel;
  size_t positions, channels;
  SampleGroups groups;
  MomentTiles tiles;
  TileMoments slots;
  BatchNormBackwardSums sums;
  AlignedBuffer<double> doubles;
  AlignedBuffer<float> floats;
  Activation act = Activation::kNone;
};

BatchNorm::BatchNorm(Parallel& parallel, size_t samples, size_t positions, size_t channels,
                     size_t group_size) {
  BATCHMARK_CHECK(samples > 0 && positions > 0 && channels > 0);
  state_ = std::make_unique<State>(parallel, samples, positions, channels, group_size);
}
BatchNorm::~BatchNorm() = default;

void BatchNorm::ForwardTraining(const float* src, const float* gamma, const float* beta, float eps,
                                Activation act, float* dst, float* mean_out, float* var_out) {
  State& s = *state_;
  BATCHMARK_CHECK(eps > 0.0f);
  s.act = act;
  GatherMoments(s.parallel, src, s.tiles, s.slots);
  s.FormForward(gamma, beta, eps);
  const Pending y{src, s.Scale(), s.Shift(), act, s.positions, s.channels, s.groups};
  Resolve(s.parallel, s.groups.samples, y, dst);
  for (size_t i = 0; mean_out != nullptr && i < s.Coefficients(); ++i) {
    mean_out[i] = static_cast<float>(s.Mean()[i]);
  }
  for (size_t i = 0; var_out != nullptr && i < s.Coefficients(); ++i) {
    var_out[i] = static_cast<float>(s.Var()[i]);
  }
}

void BatchNorm::Backward(const float* src, const float* dy, float* d_src, float* d_gamma,
                         float* d_beta) {
  State& s = *state_;
  PendingGrad g;
  g.form = PendingGrad::Form::kNormAct;
  g.dy = dy, g.v = src, g.scale = s.Scale(), g.shift = s.Shift();
  g.slope = s.Slope(), g.base = s.Base();
  g.act = s.act, g.positions = s.positions, g.channels = s.channels, g.groups = s.groups;
  s.sums.Run(g, s.tiles, s.Mean(), s.Rstd(), s.DBeta(), s.DGamma());
  s.FormBackward(d_gamma, d_beta);
  Resolve(s.parallel, s.groups.samples, g, d_src);
}

void BatchNorm::Inference(size_t n, const float* src, const float* gamma, const float* beta,
                          const float* mean, const float* var, float eps, Activation act,
                          float* dst) {
  State& s = *state_;
  BATCHMARK_CHECK(n <= s.groups.samples && eps > 0.0f);
  // Not in Scale and Shift: those of the last ForwardTraining stay for Backward, which forms slope
  // and base itself.
  float* const own_scale = s.Slope();
  float* const own_shift = s.Base();
  for (size_t c = 0; c < s.channels; ++c) {
    const double scale = double{gamma[c]} / std::sqrt(double{var[c]} + double{eps});
    own_scale[c] = static_cast<float>(scale);
    own_shift[c] = static_cast<float>(double{beta[c]} - double{mean[c]} * double{own_scale[c]});
  }
  const Pending y{src, own_scale, own_shift, act, s.positions, s.channels, {.samples = n}};
  Resolve(s.parallel, n, y, dst);
}

}  // namespace batchmark
