// One training step (forward, loss, backward, SGD) of the nets of shapes::kTrainStep, without and
// with batch norm before each activation, on inputs that are already in memory (as train_s counts
// it).
//
// The bound that share is of, with peers counted the same way:
//   products at the multiply-add peak: each linear layer's forward, weight gradient and (but for
//   the first
//     layer) input gradient
//   + batch norm unfused: 3 passes forward and 5 backward over each normalized array
//   + SGD: weights and gradients read, weights written
// each pass at the rate of the cache level that holds its arrays. Products are counted by their
// definition. A step that folds batch norm's passes into its neighbours, or SGD into the gradient's
// product, may come closer than the sum allows, and one whose convolutions take fewer multiply-adds
// (Winograd's algorithm, conv=auto) may be faster than the bound: a share above 1. none_direct and
// bn_pre_direct take every product of the definition (conv=direct).
#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/bench_util.h"
#include "bench/shapes.h"
#include "bench/train_step_check.h"
#include "core/ops/pointwise.h"
#include "core/reference/reference.h"
#include "training/net/net.h"

namespace batchmark::bench {
namespace {

constexpr size_t kBatches = 4;          // fed by turns
constexpr float kLearningRate = 1e-4f;  // small: the net stays what it is however long it is timed
constexpr size_t kCheckedSamples = 32;  // of the float64 forward pass
constexpr double kLongStepFlops = 1e9;  // several milliseconds: neighbours come and go meanwhile

// What a step costs at best, from the net's text.
struct StepWork {
  double flops = 0, parameters = 0;
  std::vector<double> normalized_bytes;  // each array under batch norm
  double samples = 0;
};

StepWork CountWork(const NetSpec& spec, const NetOptions& options) {
  StepWork work;
  work.samples = static_cast<double>(options.train_samples);
  size_t height = options.height, width = options.width, channels = options.channels;
  bool first = true;
  for (size_t layer = 0; layer < spec.size(); ++layer) {
    const LayerSpec& l = spec[layer];
    if (!l.IsLinear()) continue;
    const bool conv = l.kind == LayerSpec::Kind::kConv;
    if (conv && !l.same) height -= l.kernel_h - 1, width -= l.kernel_w - 1;
    const size_t terms = conv ? l.kernel_h * l.kernel_w * channels : height * width * channels;
    if (!conv) height = width = 1;
    channels = l.outputs;
    const double outputs = work.samples * static_cast<double>(height * width * channels);
    work.flops += (first ? 2 : 3) * 2 * outputs * static_cast<double>(terms);
    work.parameters += static_cast<double>((terms + 1) * channels);
    if (options.norm.placement != Placement::kNone && layer + 1 < spec.size()) {
      work.normalized_bytes.push_back(4 * outputs);
    }
    first = false;
  }
  return work;
}

double BoundSeconds(const StepWork& work, const MachineLimits& limits) {
  double seconds = work.flops / (limits.fma_gflops * 1e9);
  const auto pass = [&](double read, double written, double footprint) {
    const Work traffic = {0, read, written, footprint};
    seconds += TrafficSeconds(traffic, limits, LevelOf(traffic, limits.threads));
  };
  for (const double bytes : work.normalized_bytes) {
    pass(2 * bytes, bytes, 2 * bytes);
    pass(4 * bytes, bytes, 3 * bytes);
  }
  pass(8 * work.parameters, 4 * work.parameters, 8 * work.parameters);
  return seconds;
}

class Step {
 public:
  Step(const NetSpec& spec, const NetOptions& options, int threads)
      : parallel_(SharedParallel(threads)),
        spec_(spec),
        options_(options),
        net_(parallel_, spec, options),
        batch_(options.train_samples),
        d_logits_(batch_ * options.classes),
        losses_(batch_),
        labels_(batch_),
        correct_(batch_) {
    for (size_t i = 0; i < kBatches; ++i) {
      x_.push_back(RandomFloats(batch_ * options.height * options.width, i));
      for (float& value : x_.back()) value = 0.5f * value + 0.5f;  // [0, 1), like pixels
    }
    for (size_t i = 0; i < batch_; ++i) labels_[i] = static_cast<uint8_t>(i * 7 % options.classes);
  }

  // between: see Subject::run_in_parts; the parts are those of the net.
  void Run(const std::function<void()>* between = nullptr) {
    loss_ = ForwardBackward(steps_ % kBatches, between);
    Update(kLearningRate);
    ++steps_;
  }

  // Whether a step leaves the same bits in every tensor as the same step of `other`.
  std::string CheckAgainst(Step& other) {
    Run(), other.Run();
    for (size_t i = 0; i < net_.tensors().size(); ++i) {
      const Tensor &mine = net_.tensors()[i].tensor, &theirs = other.net_.tensors()[i].tensor;
      if (!std::equal(mine.value, mine.value + mine.size, theirs.value)) {
        return net_.tensors()[i].layer_text + ": " + mine.name +
               " after a step with stored gradients differs";
      }
    }
    return "";
  }

  // The forward pass against float64, then the gradient against the loss itself: a small step along
  // it must lower the loss by rate |gradient|^2, to first order. Of a net that stores gradients.
  std::string Check() {
    const size_t samples = std::min(batch_, kCheckedSamples);
    const float* logits =
        net_.Forward(x_[0].data(), {.mode = PassMode::kBatchStats, .samples = samples});
    const std::vector<double> got(logits, logits + samples * options_.classes);
    const std::vector<double> expected =
        ReferenceLogits(net_, spec_, options_, x_[0].data(), samples);
    double largest = 1;
    for (const double value : expected) largest = std::max(largest, std::abs(value));
    for (size_t i = 0; i < got.size(); ++i) {
      const std::string wrong =
          Mismatch("logit " + std::to_string(i), got[i], expected[i], 1e-4 * largest);
      if (!wrong.empty()) return wrong;
    }

    const double loss = ForwardBackward(0);
    double square = 0;
    for (const NetTensor& t : net_.tensors()) {
      for (size_t i = 0; t.tensor.grad != nullptr && i < t.tensor.size; ++i) {
        square += double{t.tensor.grad[i]} * t.tensor.grad[i];
      }
    }
    const double fall = 2e-3 * loss;
    Update(static_cast<float>(fall / square));
    return Mismatch("fall of the loss", loss - ForwardBackward(0), fall, 0.25 * fall);
  }

  const AlignedBuffer<float>& Input() const { return x_[0]; }

 private:
  double ForwardBackward(size_t which, const std::function<void()>* between = nullptr) {
    const Pass pass{.mode = PassMode::kTrain,
                    .samples = batch_,
                    .step = steps_,
                    .seed = 1,
                    .lr = kLearningRate,
                    .after_block = between};
    const float* logits = net_.Forward(x_[which].data(), pass);
    const double loss =
        SoftmaxCrossEntropy(parallel_, batch_, options_.classes, logits, labels_.data(),
                            d_logits_.data(), losses_.data(), correct_.data());
    net_.Backward(d_logits_.data(), pass);
    return loss;
  }

  void Update(float rate) {
    for (const NetTensor& t : net_.tensors()) {
      if (t.tensor.grad == nullptr) continue;
      SgdUpdate(parallel_, t.tensor.size, rate, 0.0f, 0.0f, t.tensor.grad, nullptr, t.tensor.value);
    }
  }

  Parallel& parallel_;
  NetSpec spec_;
  NetOptions options_;
  Net net_;
  size_t batch_;
  std::vector<AlignedBuffer<float>> x_;
  AlignedBuffer<float> d_logits_, losses_;
  AlignedBuffer<uint8_t> labels_, correct_;
  int64_t steps_ = 0;
  double loss_ = 0;
};

void RegisterStep(const shapes::NamedStep& named, Placement placement, ConvAlgorithm conv) {
  const NetSpec spec = ParseNet(named.net);
  const bool direct = conv == ConvAlgorithm::kDirect;
  const auto is_conv = [](const LayerSpec& l) { return l.kind == LayerSpec::Kind::kConv; };
  if (direct && std::none_of(spec.begin(), spec.end(), is_conv)) return;
  NetOptions options;
  options.conv = conv;
  options.train_samples = named.batch;
  options.norm.placement = placement;
  options.descend = true;  // as the trainer does without momentum
  const StepWork work = CountWork(spec, options);
  Case one;
  one.name = std::string("train_step/") + named.net + "_b" + std::to_string(named.batch) + "/" +
             (placement == Placement::kNone ? "none" : "bn_pre") + (direct ? "_direct" : "");
  one.work.flops = work.flops;
  one.bound = [work](const MachineLimits& limits) { return BoundSeconds(work, limits); };
  one.samples = named.batch;
  one.unit = benchmark::kMillisecond;
  one.cold_variant = false;  // a step follows a step
  ForEachVariant([&](const std::string& backend, int threads) {
    one.backend = backend, one.threads = threads;
    one.make = [=] {
      const auto step = std::make_shared<Step>(spec, options, threads);
      Subject subject;
      subject.run = [step] { step->Run(); };
      if (work.flops >= kLongStepFlops) {
        subject.run_in_parts = [step](const std::function<void()>& between) {
          step->Run(&between);
        };
      }
      subject.check = [=] {
        NetOptions stored = options;
        stored.descend = false;
        Step plain(spec, stored, threads);
        const std::string wrong = Step(spec, options, threads).CheckAgainst(plain);
        return wrong.empty() ? plain.Check() : wrong;
      };
      return subject;
    };
    Register(one);
  });
}

void RegisterAll() {
  for (const shapes::NamedStep& step : shapes::kTrainStep) {
    for (ConvAlgorithm conv : {ConvAlgorithm::kAuto, ConvAlgorithm::kDirect}) {
      RegisterStep(step, Placement::kNone, conv);
      RegisterStep(step, Placement::kPre, conv);
    }
  }
}

}  // namespace
}  // namespace batchmark::bench

BATCHMARK_BENCH_MAIN(batchmark::bench::RegisterAll)
