#include "training/trainer/probes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/base/aligned.h"
#include "core/base/check.h"
#include "core/base/median.h"
#include "core/base/rng.h"
#include "core/ops/batch_norm.h"
#include "core/ops/pointwise.h"
#include "training/net/norm.h"

namespace batchmark {
namespace {

constexpr size_t kProbeImages = 1024;
constexpr size_t kFewestGroups = 32, kFewestBatches = 8;
constexpr double kWalk[] = {0.5, 1.0, 2.0, 4.0};

std::string Of(const std::string& name, size_t layer) { return name + "." + std::to_string(layer); }

// Linear between order statistics (type 7).
double Percentile(const std::vector<float>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

struct Welford {
  double n = 0, mean = 0, m2 = 0;
  void Add(double x) {
    n += 1;
    const double delta = x - mean;
    mean += delta / n;
    m2 += delta * (x - mean);
  }
  double Variance() const { return n > 1 ? m2 / (n - 1) : 0.0; }
};

struct Probes::State {
  const RunSpec spec;
  const Dataset& data;
  const InputScaler& scaler;
  Parallel& parallel;
  Net& net;
  const size_t rows;
  std::vector<NetStage> stages;
  size_t last_hidden = 0;  // index in stages

  AlignedBuffer<float> x, values, d_logits, losses;
  AlignedBuffer<uint8_t> labels, correct;
  std::vector<int32_t> indices;
  std::vector<AlignedBuffer<float>> weights, gradient;  // landscape: by trainable tensor
  std::vector<const Tensor*> trainable;

  void Load(const ImageSet& images) {
    scaler.Gather(images, indices, x.data());
    for (size_t i = 0; i < indices.size(); ++i) labels[i] = images.labels[static_cast<size_t>(indices[i])];
  }

  // Evaluation passes over the probe images.
  template <class Visit>
  void ForEachProbePass(const Visit& visit) {
    const size_t first = data.TrainingImages();
    for (size_t done = 0; done < kProbeImages; done += net.eval_samples()) {
      indices.resize(std::min(net.eval_samples(), kProbeImages - done));
      std::iota(indices.begin(), indices.end(), static_cast<int32_t>(first + done));
      Load(data.train);
      net.Forward(x.data(), {.mode = PassMode::kEval, .samples = indices.size()});
      visit(indices.size());
    }
  }

  // u of the last hidden layer: as the block has it, or z computed once more where only act(z) was stored.
  void Preactivations(size_t samples, std::vector<std::vector<float>>& by_unit) {
    const NetStage& stage = stages[last_hidden];
    const size_t units = by_unit.size();
    if (const Pending u = net.Preactivation(last_hidden); u.v != nullptr) {
      Resolve(parallel, samples, u, values.data());
      for (size_t i = 0; i < samples * units; ++i) by_unit[i % units].push_back(values[i]);
      return;
    }
    const Pending in = net.Input(last_hidden);
    const size_t width = in.positions * in.channels;
    Resolve(parallel, samples, in, values.data());
    const auto tensor = [&](const char* name) {
      for (const NetTensor& t : net.tensors())
        if (t.layer == stage.layer && t.tensor.name == name) return t.tensor.value;
      return static_cast<float*>(nullptr);
    };
    const float *w = tensor("weight"), *bias = tensor("bias");
    std::vector<double> z(units);
    for (size_t s = 0; s < samples; ++s) {
      for (size_t c = 0; c < units; ++c) z[c] = bias[c];
      for (size_t k = 0; k < width; ++k) {
        const double value = values[s * width + k];
        for (size_t c = 0; c < units; ++c) z[c] += value * w[k * units + c];
      }
      for (size_t c = 0; c < units; ++c) by_unit[c].push_back(static_cast<float>(z[c]));
    }
  }

  // prefix_p15.u0 ... of the values collected by unit.
  static void AddPercentiles(int64_t step, const std::string& prefix, std::vector<std::vector<float>>& by_unit,
                             std::vector<Reading>& readings) {
    for (size_t unit = 0; unit < by_unit.size(); ++unit) {
      std::sort(by_unit[unit].begin(), by_unit[unit].end());
      for (const auto& [name, share] : {std::pair("_p15", 0.15), {"_p50", 0.50}, {"_p85", 0.85}})
        readings.push_back({step, prefix + name + ".u" + std::to_string(unit), Percentile(by_unit[unit], share)});
    }
  }

  void TakePercentiles(int64_t step, std::vector<Reading>& readings) {
    std::vector<std::vector<float>> by_unit(net.OutputChannels(last_hidden));
    ForEachProbePass([&](size_t samples) { Preactivations(samples, by_unit); });
    AddPercentiles(step, "preact", by_unit, readings);
  }

  // The same images and, of this step, the same jitter in every pass: what differs between steps is drift.
  void TakeTrainingPercentiles(int64_t step, double progress, std::vector<Reading>& readings) {
    std::vector<std::vector<float>> by_unit(net.OutputChannels(last_hidden));
    for (size_t batch = 0; batch * rows < kProbeImages; ++batch) {
      LoadRandom(batch);
      net.Forward(x.data(), {.mode = PassMode::kReadTrain, .samples = rows, .step = step, .progress = progress,
                             .seed = spec.seed});
      Preactivations(rows, by_unit);
    }
    AddPercentiles(step, "preact_train", by_unit, readings);
  }

  void TakeActivations(int64_t step, std::vector<Reading>& readings) {
    std::map<size_t, Welford> by_layer;
    ForEachProbePass([&](size_t samples) {
      for (size_t i = 0; i < stages.size(); ++i) {
        if (!stages[i].linear) continue;
        const Pending out = net.Output(i);
        Resolve(parallel, samples, out, values.data());
        Welford& sum = by_layer[stages[i].layer];
        for (size_t j = 0; j < samples * out.positions * out.channels; ++j) sum.Add(values[j]);
      }
    });
    for (const auto& [layer, sum] : by_layer) readings.push_back({step, Of("act_sd", layer), std::sqrt(sum.Variance())});
  }

  void TakeGradients(int64_t step, std::vector<Reading>& readings) const {
    double total = 0;
    for (const NetTensor& t : net.tensors()) {
      if (t.tensor.name != "weight") continue;
      double sum = 0;
      for (size_t i = 0; i < t.tensor.size; ++i) sum += double{t.tensor.grad[i]} * t.tensor.grad[i];
      readings.push_back({step, Of("grad_norm", t.layer), std::sqrt(sum)});
      total += sum;
    }
    readings.push_back({step, "grad_norm", std::sqrt(total)});
  }

  // Random training images, another set each time, the same for every arm of a seed.
  void LoadRandom(uint64_t set) {
    indices.resize(rows);
    const Rng rng(spec.seed, RngStream::kSubset, 2 + set);
    for (size_t i = 0; i < rows; ++i)
      indices[i] = static_cast<int32_t>(rng.Below(i, static_cast<uint32_t>(data.TrainingImages())));
    Load(data.train);
  }

  struct ChannelNoise {
    Welford used_mean, used_sd;
    double rows = 0, mean = 0, m2 = 0;  // pooled
  };

  void TakeNoise(int64_t step, double progress, std::vector<Reading>& readings) {
    std::map<size_t, std::vector<ChannelNoise>> layers;
    size_t groups = 0;
    for (size_t batch = 0; batch < kFewestBatches || groups < kFewestGroups; ++batch) {
      LoadRandom(batch);
      net.Forward(x.data(), {.mode = PassMode::kReadTrain,
                             .samples = rows,
                             .step = step + static_cast<int64_t>(batch),  // other draws of synthetic noise
                             .progress = progress,
                             .seed = spec.seed});
      size_t most_groups = 0;
      for (const NetStage& stage : stages) {
        if (stage.norm == nullptr) continue;
        const UsedStatistics used = stage.norm->Used();
        most_groups = std::max(most_groups, used.groups);
        auto& channels = layers[stage.layer];
        channels.resize(used.channels);
        for (size_t c = 0; c < used.channels; ++c) {
          ChannelNoise& noise = channels[c];
          for (size_t g = 0; g < used.groups; ++g) {
            const size_t i = g * used.channels + c;
            const double sd = 1.0 / (used.rstd[i] * used.r[i]);
            noise.used_mean.Add(used.mean[i] - used.d[i] * sd);
            noise.used_sd.Add(sd);
          }
          const double delta = used.batch_mean[c] - noise.mean, total = noise.rows + used.batch_rows;
          noise.m2 += used.batch_m2[c] + delta * delta * noise.rows * used.batch_rows / total;
          noise.mean += delta * used.batch_rows / total;
          noise.rows = total;
        }
      }
      if (layers.empty()) return;  // no batch norm, no noise
      groups += most_groups;
    }
    double mean_sum = 0, sd_sum = 0, shift_max = 0;
    for (const NetStage& stage : stages) {
      if (stage.norm == nullptr) continue;
      double mean = 0, sd = 0;
      std::vector<double> shifts;
      const auto& channels = layers.at(stage.layer);
      for (size_t c = 0; c < channels.size(); ++c) {
        const double variance = channels[c].m2 / channels[c].rows + spec.bn.eps;
        mean += channels[c].used_mean.Variance() / variance;
        sd += channels[c].used_sd.Variance() / variance;
        const double q = (stage.norm->Used().moving_var[c] + spec.bn.eps) / variance;
        shifts.push_back(std::max(q, 1.0 / q));
      }
      mean /= static_cast<double>(channels.size()), sd /= static_cast<double>(channels.size());
      const double shift = MiddleValue(shifts);
      readings.push_back({step, Of("noise_mean", stage.layer), mean});
      readings.push_back({step, Of("noise_sd", stage.layer), sd});
      readings.push_back({step, Of("shift", stage.layer), shift});
      mean_sum += mean, sd_sum += sd, shift_max = std::max(shift_max, shift);
    }
    const auto count = static_cast<double>(layers.size());
    readings.push_back({step, "noise_mean", mean_sum / count});
    readings.push_back({step, "noise_sd", sd_sum / count});
    readings.push_back({step, "shift", shift_max});
  }

  // Loss and gradient of the loaded batch at the weights as they are.
  double LossAndGradient(const Pass& pass) {
    const float* logits = net.Forward(x.data(), pass);
    std::fill(d_logits.begin(), d_logits.end(), 0.0f);
    const double loss = SoftmaxCrossEntropy(parallel, spec.batch, kClasses, logits, labels.data(), d_logits.data(),
                                            losses.data(), correct.data());
    net.Backward(d_logits.data(), pass);
    return loss;
  }

  // sqrt of the sum over trainable tensors of f(gradient now, gradient kept)^2.
  template <class F>
  double Norm2(const F& f) const {
    double sum = 0;
    for (size_t t = 0; t < trainable.size(); ++t) {
      for (size_t i = 0; i < trainable[t]->size; ++i) {
        const double value = f(double{trainable[t]->grad[i]}, double{gradient[t][i]});
        sum += value * value;
      }
    }
    return std::sqrt(sum);
  }

  void TakeLandscape(int64_t step, double progress, double lr, std::vector<Reading>& readings) {
    LoadRandom(0);  // one batch for the whole run
    const Pass pass{.mode = PassMode::kReadTrain, .samples = rows, .step = step, .progress = progress, .seed = spec.seed};
    double low = LossAndGradient(pass), high = low, distance = 0, beta = 0;
    for (size_t t = 0; t < trainable.size(); ++t) {
      std::copy_n(trainable[t]->value, trainable[t]->size, weights[t].data());
      std::copy_n(trainable[t]->grad, trainable[t]->size, gradient[t].data());
    }
    const double length = Norm2([](double now, double) { return now; });
    for (const double multiple : kWalk) {
      const double a = multiple * lr;
      for (size_t t = 0; t < trainable.size(); ++t) {
        for (size_t i = 0; i < trainable[t]->size; ++i)
          trainable[t]->value[i] = static_cast<float>(weights[t][i] - a * gradient[t][i]);
      }
      const double loss = LossAndGradient(pass);
      low = std::min(low, loss), high = std::max(high, loss);
      const double moved = Norm2([](double now, double kept) { return now - kept; });
      distance = std::max(distance, moved);
      if (length > 0) beta = std::max(beta, moved / (a * length));
    }
    for (size_t t = 0; t < trainable.size(); ++t)
      std::copy_n(weights[t].data(), trainable[t]->size, trainable[t]->value);
    readings.push_back({step, "landscape_loss", high - low});
    readings.push_back({step, "landscape_gradient", distance});
    readings.push_back({step, "landscape_beta", beta});
  }
};

Probes::Probes(const RunSpec& spec, const Dataset& data, const InputScaler& scaler, Parallel& parallel, Net& net,
               size_t rows)
    : state_(new State{spec, data, scaler, parallel, net, rows, net.stages()}) {
  State& s = *state_;
  const size_t images = std::max(rows, net.eval_samples());
  size_t widest = data.train.PixelsPerImage();
  for (size_t i = 0; i < s.stages.size(); ++i) {
    widest = std::max(widest, net.OutputChannels(i) * net.OutputPositions(i));
    if (s.stages[i].linear && i + 1 < s.stages.size()) s.last_hidden = i;
  }
  const bool percentiles = spec.probe.preact || spec.probe.preact_train;
  if (percentiles && (s.stages.size() < 2 || net.OutputPositions(s.last_hidden) > 1 || s.last_hidden == 0))
    throw InputError("probe=" + ToText(spec.probe) + ": preact needs a dense layer as the last hidden one, behind " +
                     "another layer");
  s.x = AlignedBuffer<float>(images * data.train.PixelsPerImage());
  s.labels = AlignedBuffer<uint8_t>(images);
  s.correct = AlignedBuffer<uint8_t>(images);
  if (percentiles || spec.probe.activations) s.values = AlignedBuffer<float>(images * widest);
  if (!spec.probe.landscape) return;
  s.losses = AlignedBuffer<float>(rows);
  s.d_logits = AlignedBuffer<float>(rows * kClasses);
  for (const NetTensor& t : net.tensors()) {
    if (t.tensor.grad == nullptr) continue;
    s.trainable.push_back(&t.tensor);
    s.weights.emplace_back(t.tensor.size);
    s.gradient.emplace_back(t.tensor.size);
  }
}

Probes::~Probes() = default;

void Probes::Take(int64_t step, double progress, double lr, std::vector<Reading>& readings) {
  const ProbeSpec& probe = state_->spec.probe;
  if (probe.gradients && step > 0) state_->TakeGradients(step, readings);  // before passes that overwrite them
  if (probe.preact) state_->TakePercentiles(step, readings);
  if (probe.preact_train) state_->TakeTrainingPercentiles(step, progress, readings);
  if (probe.activations) state_->TakeActivations(step, readings);
  if (probe.noise) state_->TakeNoise(step, progress, readings);
  if (probe.landscape) state_->TakeLandscape(step, progress, lr, readings);
}

namespace {

// Of a walk's readings along the run, as one number a run.
void SummarizeLandscape(int64_t step, std::vector<Reading>& readings) {
  for (const char* name : {"landscape_loss", "landscape_gradient", "landscape_beta"}) {
    std::vector<double> values;
    for (const Reading& reading : readings)
      if (reading.name == name && std::isfinite(reading.value)) values.push_back(reading.value);
    if (!values.empty()) readings.push_back({step, std::string(name) + "_median", MiddleValue(values)});
  }
}

// prefix: preact or preact_train.
void SummarizePercentiles(const std::string& prefix, int64_t step, std::vector<Reading>& readings) {
  struct Unit {
    std::vector<double> p15, p50, p85;
  };
  std::map<size_t, Unit> units;
  for (const Reading& reading : readings) {
    const size_t at = reading.name.find(".u");
    if (reading.name.rfind(prefix + "_p", 0) != 0 || at == std::string::npos) continue;
    Unit& unit = units[std::stoul(reading.name.substr(at + 2))];
    const char digit = reading.name[prefix.size() + 2];
    (digit == '1' ? unit.p15 : digit == '5' ? unit.p50 : unit.p85).push_back(reading.value);
  }
  if (units.empty() || units.begin()->second.p50.size() < 2) return;
  std::vector<std::pair<double, size_t>> drifts;
  for (const auto& [index, unit] : units) {
    double drift = 0, widths = 0, width_before = 0;
    for (size_t i = 0; i < unit.p50.size(); ++i) {
      const double width = unit.p85[i] - unit.p15[i];
      widths += width;
      if (i > 0) drift += std::abs(unit.p50[i] - unit.p50[i - 1]) + std::abs(width - width_before);
      width_before = width;
    }
    const double mean_width = widths / static_cast<double>(unit.p50.size());
    if (mean_width > 0) drifts.emplace_back(drift / mean_width, index);
  }
  if (drifts.empty()) return;
  std::sort(drifts.begin(), drifts.end());
  const auto& [drift, unit] = drifts[(drifts.size() - 1) / 2];
  readings.push_back({step, prefix + "_drift", drift});
  readings.push_back({step, prefix + "_unit", static_cast<double>(unit)});
}

}  // namespace

void Probes::Summarize(int64_t step, std::vector<Reading>& readings) {
  SummarizeLandscape(step, readings);
  SummarizePercentiles("preact", step, readings);
  SummarizePercentiles("preact_train", step, readings);
}

}  // namespace batchmark
