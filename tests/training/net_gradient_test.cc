// Every block and placement, fp32, against the same network in float64; and the float64 network's own
// gradient against central differences.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/base/aligned.h"
#include "core/base/parallel.h"
#include "core/base/rng.h"
#include "core/ops/pointwise.h"
#include "tests/support/catch.h"
#include "tests/support/for_each_backend.h"
#include "tests/support/reference_net.h"
#include "training/net/net.h"
#include "training/net/norm.h"
#include "training/net/shape_blocks.h"

namespace batchmark::testing {
namespace {

struct Problem {
  std::string net;
  Placement placement = Placement::kPre;
  std::string stats = "batch";
  size_t batch = 6;
  size_t image = 10;
  double input_offset = 0.0;
  size_t samples = 0;  // rows of the pass where that is more than the batch (wide:M)
  std::string schedule;
  double progress = 0.0;
  int64_t freeze_after = -1;
  size_t Rows() const { return samples > 0 ? samples : batch; }
};

// Passes carry a seed and a step, which synthetic noise depends on.
constexpr uint64_t kSeed = 11;
constexpr int64_t kStep = 5;

struct Fp32Run {
  double loss;
  std::vector<double> logits;
  std::map<size_t, ReferenceParameters> parameters, gradients;
  std::map<size_t, std::pair<std::vector<double>, std::vector<double>>> moving;  // mean and variance, before the pass
};

std::vector<double>& Field(ReferenceParameters& p, const std::string& name) {
  return name == "weight" ? p.weight : name == "bias" ? p.bias : name == "gamma" ? p.gamma : p.beta;
}

std::vector<float> Input(const Problem& problem) {
  const Rng rng(7, RngStream::kNoise);
  std::vector<float> x(problem.Rows() * problem.image * problem.image);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(problem.input_offset + rng.Normal(i));
  return x;
}

std::vector<uint8_t> Labels(const Problem& problem) {
  std::vector<uint8_t> labels(problem.batch);
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<uint8_t>((3 * i + 1) % 10);
  return labels;
}

NormSpec Norms(const Problem& problem) {
  NormSpec norm;
  norm.placement = problem.placement;
  norm.stats = ParseNormStats(problem.stats);
  norm.schedule = ParseNormSchedule(problem.schedule);
  norm.freeze_after = problem.freeze_after;
  return norm;
}

Fp32Run RunFp32(const Problem& problem, int threads) {
  Parallel parallel(threads);
  NetOptions options{.height = problem.image,
                     .width = problem.image,
                     .train_samples = problem.Rows(),
                     .eval_samples = problem.Rows(),
                     .norm = Norms(problem)};
  Net net(parallel, ParseNet(problem.net), options);
  // gamma, beta and bias away from their neutral start, so that their part in the gradient shows.
  const Rng rng(9, RngStream::kNoise);
  uint64_t draw = 0;
  for (const NetTensor& t : net.tensors()) {
    if (t.tensor.name == "weight") continue;
    for (size_t i = 0; i < t.tensor.size; ++i) {
      float& value = t.tensor.value[i];
      value += static_cast<float>(0.3 * rng.Normal(draw++));
      if (t.tensor.name == "moving_var") value = std::abs(value) + 0.2f;
    }
  }
  AlignedBuffer<float> x(problem.Rows() * problem.image * problem.image), d_logits(problem.Rows() * 10);
  AlignedBuffer<float> losses(problem.batch);
  AlignedBuffer<uint8_t> labels(problem.batch), correct(problem.batch);
  const auto input = Input(problem);
  std::copy(input.begin(), input.end(), x.begin());
  const auto wanted = Labels(problem);
  std::copy(wanted.begin(), wanted.end(), labels.begin());
  const Pass pass{.mode = PassMode::kTrain,
                  .samples = problem.Rows(),
                  .step = kStep,
                  .progress = problem.progress,
                  .seed = kSeed};

  Fp32Run run;
  for (const NetTensor& t : net.tensors()) {
    const std::vector<double> values(t.tensor.value, t.tensor.value + t.tensor.size);
    if (t.tensor.name == "moving_mean") run.moving[t.layer].first = values;
    if (t.tensor.name == "moving_var") run.moving[t.layer].second = values;
    if (t.tensor.grad == nullptr) continue;
    Field(run.parameters[t.layer], t.tensor.name).assign(t.tensor.value, t.tensor.value + t.tensor.size);
  }
  const float* logits = net.Forward(x.data(), pass);
  run.logits.assign(logits, logits + problem.Rows() * 10);
  run.loss = SoftmaxCrossEntropy(parallel, problem.batch, 10, logits, labels.data(), d_logits.data(), losses.data(),
                                 correct.data());
  net.Backward(d_logits.data(), pass);
  for (const NetTensor& t : net.tensors()) {
    if (t.tensor.grad == nullptr) continue;
    Field(run.gradients[t.layer], t.tensor.name).assign(t.tensor.grad, t.tensor.grad + t.tensor.size);
  }
  return run;
}

ReferenceNorm ReferenceNormOf(const Problem& problem, const Fp32Run& run) {
  ReferenceNorm norm{.stats = ParseNormStats(problem.stats), .seed = kSeed, .step = kStep, .moving = run.moving};
  const NormSchedule schedule = ParseNormSchedule(problem.schedule);
  norm.stats.r_max = schedule.RMax(norm.stats.r_max, problem.progress);
  norm.stats.d_max = schedule.DMax(norm.stats.d_max, problem.progress);
  return norm;
}

ReferenceResult RunFloat64(const Problem& problem, const std::map<size_t, ReferenceParameters>& parameters,
                           const ReferenceNorm& norm = {}) {
  const auto input = Input(problem);
  const NormStats stats = ParseNormStats(problem.stats);
  return RunReferenceNet(ParseNet(problem.net), problem.placement, NormSpec().eps, problem.image, problem.image,
                         MakeGroups(stats, problem.Rows(), 2), MakeGroups(stats, problem.Rows(), 1), parameters,
                         {input.begin(), input.end()}, Labels(problem), norm);
}

double Norm2(const std::vector<double>& v) {
  double sum = 0;
  for (double x : v) sum += x * x;
  return std::sqrt(sum);
}

// ||a - b|| <= bound * ||b||, or both tiny: the bias gradient under BN is zero but for rounding.
void CheckClose(const std::string& what, const std::vector<double>& got, const std::vector<double>& want,
                double bound, double floor) {
  REQUIRE(got.size() == want.size());
  double distance = 0;
  for (size_t i = 0; i < got.size(); ++i) distance += (got[i] - want[i]) * (got[i] - want[i]);
  CAPTURE(what, std::sqrt(distance), Norm2(want), bound);
  CHECK(std::sqrt(distance) <= bound * Norm2(want) + floor);
}

void CompareWithReference(const Problem& problem) {
  CAPTURE(problem.net, batchmark::ToText(problem.placement), problem.stats, problem.batch);
  const Fp32Run fp32 = RunFp32(problem, 2);
  const ReferenceResult truth = RunFloat64(problem, fp32.parameters, ReferenceNormOf(problem, fp32));
  // fp32 rounding grows by about an order through each batch norm of a small batch; 1e-4 is a few
  // hundred epsilon, and a wrong term of a formula is off by 1e-2 or more.
  // An input at `offset` standard deviations from zero costs twice: xhat is rounded at eps * offset, and
  // the first layer's gradient sum(x dz), where sum(dz) = 0, multiplies that by the offset again.
  const double offset = std::abs(problem.input_offset);
  const double bound = std::max(1e-4, 2 * 6e-8 * offset * offset);
  CHECK(std::abs(fp32.loss - truth.loss) <= 1e-5 * std::abs(truth.loss));
  CheckClose("logits", fp32.logits, truth.logits, bound, 0.0);
  for (const auto& [layer, want] : truth.gradients) {
    ReferenceParameters expected = want, got = fp32.gradients.at(layer);
    const double floor = 1e-6 * (1.0 + Norm2(expected.weight));
    for (const char* name : {"weight", "bias", "gamma", "beta"}) {
      CheckClose("layer " + std::to_string(layer) + " " + name, Field(got, name), Field(expected, name), bound,
                 floor);
    }
  }
}

// Of 3 x 3 to 9 and more channels, and 5 x 5 to 33, batch norm folds into the first convolution's weights.
const char* const kNets[] = {
    "conv3x3:11 relu, conv3x3:7 relu, flatten, dense:9 relu, dense:10",
    "conv3x3same:6 sigmoid, maxpool2, conv3x3same:4 tanh, flatten, dense:10",
    "flatten, dense:20 sigmoid, dense:17 tanh, dense:10",
    "conv5x3:33 relu, maxpool2, conv1x1:3 none, dropout:0, flatten, dense:8 none, dense:10",
    "conv10x10:12 relu, flatten, dense:10",
    "conv3x3:5 relu, conv3x3:4 tanh, flatten, dense:10",
    "conv3x3:9 tanh, flatten, dense:10",
    // Large enough for the sums of batch norm to be gathered where the dense layer makes dy.
    "conv3x3:5 relu, conv3x3same:32 relu, flatten, dense:64 relu, dense:10",
};

TEST_CASE("Every block and placement agrees with the float64 network", "[net]") {
  ForEachBackend([] {
    for (const char* net : kNets) {
      for (Placement placement : {Placement::kNone, Placement::kPre, Placement::kPost}) {
        CompareWithReference({.net = net, .placement = placement, .batch = 8});
      }
    }
  });
}

TEST_CASE("Ghost groups with remainders agree with the float64 network", "[net]") {
  for (const char* net : kNets) {
    for (Placement placement : {Placement::kPre, Placement::kPost}) {
      for (size_t batch : {7u, 9u, 12u}) {
        CompareWithReference({.net = net, .placement = placement, .stats = "ghost:4", .batch = batch});
      }
    }
  }
}

TEST_CASE("Every notch of the noise dial agrees with the float64 network", "[net][noise]") {
  for (const char* net : kNets) {
    for (Placement placement : {Placement::kPre, Placement::kPost}) {
      CompareWithReference({.net = net, .placement = placement, .stats = "wide:19", .batch = 7, .samples = 19});
      CompareWithReference({.net = net, .placement = placement, .stats = "population", .batch = 7});
      for (size_t batch : {8u, 9u})  // 9: a remainder of one sample
        CompareWithReference({.net = net, .placement = placement, .stats = "population+gauss:4", .batch = batch});
      CompareWithReference({.net = net, .placement = placement, .stats = "renorm:1.2,0.1", .batch = 8});
      CompareWithReference({.net = net, .placement = placement, .stats = "renorm:50,50", .batch = 8});
    }
  }
}

TEST_CASE("Renorm's clips follow the schedule, from plain batch norm on", "[net][noise]") {
  const Problem renorm{.net = kNets[0], .stats = "renorm:3,5", .batch = 8, .schedule = "ramp:0.1,0.5,0.3"};
  for (double progress : {0.0, 0.05, 0.2, 0.4, 0.9}) {
    Problem problem = renorm;
    problem.progress = progress;
    CompareWithReference(problem);
  }
  Problem batch = renorm;
  batch.stats = "batch", batch.schedule = "";
  CHECK(RunFp32(renorm, 1).logits == RunFp32(batch, 1).logits);
  const NormSchedule schedule = ParseNormSchedule("ramp:0.1,0.5,0.3");
  CHECK(schedule.RMax(3.0, 0.3) == Approx(2.0));
  CHECK(schedule.DMax(5.0, 0.2) == Approx(2.5));
  CHECK(schedule.RMax(3.0, 0.9) == 3.0);
}

TEST_CASE("From freeze_after on, batch norm is population norm", "[net][noise]") {
  const Problem batch{.net = kNets[0], .batch = 8};
  Problem population = batch, frozen = batch, not_yet = batch;
  population.stats = "population";
  frozen.freeze_after = kStep, not_yet.freeze_after = kStep + 1;
  const Fp32Run want = RunFp32(population, 1), got = RunFp32(frozen, 1);
  CHECK(got.logits == want.logits);
  CHECK(got.gradients.at(0).weight == want.gradients.at(0).weight);
  CHECK(RunFp32(not_yet, 1).logits == RunFp32(batch, 1).logits);
}

TEST_CASE("A first convolution of one position follows the rule of rows", "[net]") {
  for (const char* stats : {"batch", "ghost:4"}) {
    CompareWithReference({.net = "conv5x5:32 relu, flatten, dense:10", .stats = stats, .batch = 9, .image = 5});
  }
}

TEST_CASE("An input far from zero stays exact under batch norm", "[net]") {
  for (const char* net : {kNets[0], kNets[5]}) {  // folded, and not
    CompareWithReference({.net = net, .batch = 16, .input_offset = 100.0});
  }
}

// Central differences with the stopped numbers held where the gradient holds them.
void CompareWithDifferences(const Problem& problem) {
  const Fp32Run fp32 = RunFp32(problem, 1);
  auto parameters = fp32.parameters;
  ReferenceNorm norm = ReferenceNormOf(problem, fp32);
  const ReferenceResult truth = RunFloat64(problem, parameters, norm);
  norm.stopped = truth.stopped;
  constexpr double kDelta = 1e-5;
  for (const auto& [layer, gradient] : truth.gradients) {
    for (const char* name : {"weight", "bias", "gamma", "beta"}) {
      ReferenceParameters analytic = gradient;
      const auto& slope = Field(analytic, name);
      auto& values = Field(parameters.at(layer), name);
      for (size_t i = 0; i < slope.size(); i += 1 + slope.size() / 5) {
        const double saved = values[i];
        values[i] = saved + kDelta;
        const double up = RunFloat64(problem, parameters, norm).loss;
        values[i] = saved - kDelta;
        const double down = RunFloat64(problem, parameters, norm).loss;
        values[i] = saved;
        CAPTURE(ToText(problem.placement), problem.stats, layer, name, i, slope[i]);
        // Central differences of a loss near 2 resolve about 1e-16 / 1e-5 = 1e-11.
        CHECK(std::abs((up - down) / (2 * kDelta) - slope[i]) <= 1e-6 * std::abs(slope[i]) + 2e-10);
      }
    }
  }
}

TEST_CASE("The float64 network's gradient agrees with central differences", "[net]") {
  // Smooth activations: no kinks to step over.
  const std::string net = "conv3x3:3 sigmoid, conv3x3same:2 tanh, flatten, dense:5 tanh, dense:10";
  CompareWithDifferences({.net = net, .placement = Placement::kNone});
  for (Placement placement : {Placement::kPre, Placement::kPost}) {
    for (const char* stats : {"ghost:3", "population", "population+gauss:3", "renorm:1.2,0.1"})
      CompareWithDifferences({.net = net, .placement = placement, .stats = stats});
    CompareWithDifferences({.net = net, .placement = placement, .stats = "wide:10", .batch = 4, .samples = 10});
  }
}

TEST_CASE("Jitter is a line per element, passed backward by its slope", "[net][noise]") {
  Parallel parallel(2);
  constexpr size_t kSamples = 5, kValues = 6;
  const auto block = MakeJitterBlock(parallel, 3, kSamples, kValues, 1.0);
  AlignedBuffer<float> x(kSamples * kValues), dy(x.size()), dx(x.size());
  const Pending in = PlainPending(x.data(), 1, kValues, kSamples);
  const Pass pass{.mode = PassMode::kTrain, .samples = kSamples, .step = 2, .seed = 1};
  std::vector<float> at_zero(block->Forward(in, pass).v, block->Forward(in, pass).v + x.size());
  std::fill(x.begin(), x.end(), 1.0f);
  std::fill(dy.begin(), dy.end(), 1.0f);
  const float* at_one = block->Forward(in, pass).v;
  block->Backward(in, dy.data(), dx.data(), pass, nullptr);
  double spread = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    CHECK(at_one[i] - at_zero[i] == Approx(dx[i]).epsilon(1e-5));
    CHECK(std::abs(at_zero[i]) <= 0.6f);                        // 0.5 for the unit, 0.1 for the sample
    CHECK(std::abs(dx[i] - 1.125f) < 0.125f + 6 * 0.1f);
    spread = std::max<double>(spread, std::abs(at_zero[i] - at_zero[0]));
  }
  CHECK(spread > 0.05);
  Pass evaluation = pass;
  evaluation.mode = PassMode::kEval;
  CHECK(block->Forward(in, evaluation).v == x.data());
}

TEST_CASE("A pass calls after_block behind each block, forward and backward", "[net]") {
  Parallel parallel(1);
  NetOptions options;
  options.train_samples = 4;
  Net net(parallel, ParseNet("conv3x3:4 relu, maxpool2, flatten, dense:10"), options);
  const std::vector<float> x(options.train_samples * options.height * options.width, 0.5f);
  AlignedBuffer<float> d_logits(options.train_samples * options.classes);
  std::fill(d_logits.data(), d_logits.data() + d_logits.size(), 0.1f);
  size_t calls = 0;
  const std::function<void()> count = [&] { ++calls; };
  const Pass pass{.mode = PassMode::kTrain, .samples = options.train_samples, .after_block = &count};
  net.Forward(x.data(), pass);
  CHECK(calls == net.stages().size());
  net.Backward(d_logits.data(), pass);
  CHECK(calls == 2 * net.stages().size());
}

TEST_CASE("The first convolution takes in its batch norm where one group has all samples", "[net]") {
  for (const auto& [net, stats, placement, folds] :
       {std::tuple{kNets[0], "batch", Placement::kPre, true}, {kNets[0], "ghost:4", Placement::kPre, false},
        {kNets[0], "batch", Placement::kPost, false}, {kNets[5], "batch", Placement::kPre, false}}) {
    CAPTURE(net, stats, batchmark::ToText(placement));
    Parallel parallel(1);
    NetOptions options{.height = 10, .width = 10, .train_samples = 8, .eval_samples = 8};
    options.norm.placement = placement, options.norm.stats = ParseNormStats(stats);
    Net trained(parallel, ParseNet(net), options);
    const std::vector<float> x(8 * 100, 0.5f);
    for (PassMode mode : {PassMode::kTrain, PassMode::kReadTrain}) {
      trained.Forward(x.data(), {.mode = mode, .samples = 8});
      CHECK(trained.Output(0).IsPlain() == folds);  // else its consumer applies the norm
      CHECK((trained.Preactivation(0).v == nullptr) == (folds || placement == Placement::kPost));
    }
  }
}

TEST_CASE("A training pass gives the same bits on any number of threads", "[net]") {
  for (const char* stats : {"batch", "ghost:4"}) {
    const Problem problem{.net = kNets[0], .stats = stats, .batch = 17};
    const Fp32Run one = RunFp32(problem, 1);
    for (int threads : {2, 3, 8}) {
      const Fp32Run many = RunFp32(problem, threads);
      CHECK(one.loss == many.loss);
      CHECK(one.logits == many.logits);
      for (const auto& [layer, gradient] : one.gradients) {
        CHECK(gradient.weight == many.gradients.at(layer).weight);
        CHECK(gradient.bias == many.gradients.at(layer).bias);
        CHECK(gradient.gamma == many.gradients.at(layer).gamma);
        CHECK(gradient.beta == many.gradients.at(layer).beta);
      }
    }
  }
}

}  // namespace
}  // namespace batchmark::testing
