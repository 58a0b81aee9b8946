#include "training/trainer/session.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "core/base/cpu.h"
#include "core/base/rng.h"
#include "core/base/sha256.h"
#include "core/ops/pointwise.h"
#include "core/simd/backend.h"
#include "training/trainer/checkpoint.h"
#include "training/trainer/progress_json.h"

namespace batchmark {
namespace {

constexpr size_t kGatherImages = 8;  // of a chunk: some 5 us
constexpr size_t kEvalPass = 128;  // images of an evaluation pass: activations stay in a shared cache

const RunSpec& CheckAgainstData(const RunSpec& spec, const Dataset& data) {
  const size_t available = spec.train_size == 0 ? data.TrainingImages() : spec.train_size;
  if (spec.train_size > data.TrainingImages()) {
    throw InputError("train_size=" + std::to_string(spec.train_size) + " is larger than the " +
                     std::to_string(data.TrainingImages()) + " training images of " + data.name);
  }
  if (spec.batch > available) {
    throw InputError("batch=" + std::to_string(spec.batch) + " is larger than the " + std::to_string(available) +
                     " training images of " + data.name);
  }
  if (spec.eval_size > kValidationImages) {
    throw InputError("eval_size=" + std::to_string(spec.eval_size) + " is larger than the " +
                     std::to_string(kValidationImages) + " validation images");
  }
  if (spec.bn.stats.kind == NormStats::Kind::kWide &&
      (spec.bn.stats.samples < spec.batch || spec.bn.stats.samples > available)) {
    throw InputError("bn.stats=" + ToText(spec.bn.stats) + ": M must lie between the batch (" +
                     std::to_string(spec.batch) + ") and the training images (" + std::to_string(available) + ")");
  }
  return spec;
}

// Half a day of the smallest net's, and 8 GB of records; a count beyond is a slip, and near 2^63 no count.
constexpr int64_t kMostSteps = 1'000'000'000;
constexpr int64_t kReservedSteps = int64_t{1} << 22;  // whose records are allocated before the first: 32 MiB

int64_t TotalSteps(const RunSpec& spec, size_t steps_per_epoch) {
  const double exact = spec.steps ? static_cast<double>(*spec.steps)
                                  : spec.epochs * static_cast<double>(steps_per_epoch);
  const std::string given = spec.steps ? "steps=" + std::to_string(*spec.steps) : "epochs=" + NumberText(spec.epochs);
  if (!(exact <= static_cast<double>(kMostSteps))) {
    throw InputError(given + " is more than the " + std::to_string(kMostSteps) + " steps that a run may take");
  }
  const int64_t steps = std::llround(exact);
  if (steps < 1) throw InputError(given + " is less than one step");
  return steps;
}

// What the key says is what runs. Before anything is built: blocks and operations are of one target. Forcing is
// of the process: runs at one time share one.
const RunSpec& OnItsTarget(const RunSpec& spec) {
  ForceBackend(spec.simd);
  return spec;
}

}  // namespace

TrainingSession::TrainingSession(const RunSpec& spec, const Dataset& data, const RunFiles& files)
    : spec_(OnItsTarget(CheckAgainstData(spec, data))),
      data_(data),
      files_(files),
      parallel_(spec.threads),
      scaler_(ParseInputScaling(spec.input), data.train, data.TrainingImages()),
      order_(spec.seed, data.TrainingImages(), spec.train_size == 0 ? data.TrainingImages() : spec.train_size,
             spec.batch, spec.order, data.train.labels),
      schedule_(ParseLrSchedule(spec.lr_schedule)),
      rows_(spec.bn.placement != Placement::kNone && spec.bn.stats.kind == NormStats::Kind::kWide
                ? spec.bn.stats.samples
                : spec.batch),
      target_(spec.target, spec.confirm, spec.target_metric.find("accuracy") != std::string::npos),
      run_key_(RunKeyHash(spec, data.hash)) {
  total_steps_ = TotalSteps(spec, order_.StepsPerEpoch());

  NetOptions options{.height = data.train.height,
                     .width = data.train.width,
                     .classes = kClasses,
                     .train_samples = rows_,
                     .eval_samples = kEvalPass,
                     .init = spec.init,
                     .seed = spec.seed,
                     .weight_decay = spec.weight_decay,
                     .descend = spec.momentum == 0 && !spec.probe.gradients && !spec.probe.landscape,
                     .conv = spec.conv == "direct" ? ConvAlgorithm::kDirect : ConvAlgorithm::kAuto,
                     .norm = spec.bn};
  net_ = std::make_unique<Net>(parallel_, ParseNet(spec.net), options);
  const size_t pixels = data.train.PixelsPerImage();
  evaluator_ = std::make_unique<Evaluator>(parallel_, *net_, scaler_, pixels, kClasses);
  indices_.resize(rows_);
  x_ = AlignedBuffer<float>(rows_ * pixels);
  d_logits_ = AlignedBuffer<float>(rows_ * kClasses);
  losses_ = AlignedBuffer<float>(rows_);
  labels_ = AlignedBuffer<uint8_t>(rows_);
  correct_ = AlignedBuffer<uint8_t>(rows_);
  for (const NetTensor& t : net_->tensors()) {
    velocity_.emplace_back(spec.momentum > 0 && t.tensor.grad != nullptr ? t.tensor.size : 0);
  }
  if (spec.probe.Any()) probes_ = std::make_unique<Probes>(spec_, data, scaler_, parallel_, *net_, rows_);
  const int64_t reserved = std::min(total_steps_, kReservedSteps);
  step_seconds_.reserve(static_cast<size_t>(reserved));
  outcome_.readings.reserve(4 * static_cast<size_t>(reserved / spec.eval_every + 2));
  if (files.resume) Restore();
  if (!files.dump_dir.empty()) {
    if (outcome_.steps > 0) throw UsageError("--dump wants a run from its first step, not a resumed one");
    dump_.emplace(files.dump_dir, *net_, SpecJson(spec_), spec.batch);
  }
}

void TrainingSession::LoadBatch(int64_t step) {
  const auto batch = order_.Indices(static_cast<size_t>(step));
  std::copy(batch.begin(), batch.end(), indices_.begin());
  if (rows_ > spec_.batch) {
    const auto wide = order_.Wide(static_cast<size_t>(step), rows_);
    std::copy(wide.begin(), wide.end(), indices_.begin() + static_cast<std::ptrdiff_t>(spec_.batch));
  }
  const size_t pixels = data_.train.PixelsPerImage();
  const ChunkPlan plan{rows_, kGatherImages, /*brief=*/true};
  parallel_.For(plan, [&](size_t chunk, int) {
    const size_t begin = plan.begin(chunk);
    const std::span<const int32_t> part(&indices_[begin], plan.end(chunk) - begin);
    scaler_.Gather(data_.train, part, x_.data() + begin * pixels);
  });
  for (size_t i = 0; i < spec_.batch; ++i) labels_[i] = data_.train.labels[static_cast<size_t>(indices_[i])];
}

void TrainingSession::Update(float lr) {
  for (size_t i = 0; i < net_->tensors().size(); ++i) {
    const Tensor& t = net_->tensors()[i].tensor;
    if (t.grad == nullptr) continue;
    SgdUpdate(parallel_, t.size, lr, static_cast<float>(spec_.momentum),
              static_cast<float>(t.decay), t.grad, velocity_[i].data(), t.value);
  }
}

bool TrainingSession::Diverge(const std::string& place) {
  outcome_.status = RunStatus::kDiverged;
  outcome_.diverged_step = outcome_.steps;
  outcome_.diverged_place = place;
  return false;
}

bool TrainingSession::Step() {
  const int64_t step = outcome_.steps;
  LoadBatch(step);
  const double begin = NowSeconds();
  const Pass pass{.mode = PassMode::kTrain, .samples = rows_, .step = step,
                  .progress = static_cast<double>(step) / static_cast<double>(total_steps_), .seed = spec_.seed,
                  .lr = static_cast<float>(LearningRate(schedule_, spec_.lr, step, total_steps_))};
  const float* logits = net_->Forward(x_.data(), pass);
  // Under wide:M the rows behind the mini-batch have no loss. Backward may have written over them.
  std::fill(d_logits_.begin() + spec_.batch * kClasses, d_logits_.end(), 0.0f);
  const double loss = SoftmaxCrossEntropy(parallel_, spec_.batch, kClasses, logits, labels_.data(), d_logits_.data(),
                                          losses_.data(), correct_.data());
  outcome_.train_loss = loss;
  if (dump_) dump_->Step({indices_.data(), spec_.batch}, loss);
  if (!std::isfinite(loss) || loss > *spec_.loss_limit) {
    // A bad activation is named before the loss that shows it.
    std::string place = std::isfinite(loss) ? "" : net_->FindNonFinite();
    outcome_.train_s += NowSeconds() - begin;
    ++outcome_.steps;
    return Diverge(!place.empty() ? place : std::isfinite(loss) ? "loss above loss_limit" : "loss");
  }
  net_->Backward(d_logits_.data(), pass);
  const std::string bad = net_->NonFinite();
  if (bad.empty()) Update(pass.lr);
  const double elapsed = NowSeconds() - begin;
  outcome_.train_s += elapsed;
  step_seconds_.push_back(elapsed);
  ++outcome_.steps;
  loss_sum_ += loss;
  ++loss_count_;
  return bad.empty() ? true : Diverge(bad);
}

PassMode TrainingSession::PrepareEvaluation() {
  if (spec_.bn.placement == Placement::kNone) return PassMode::kEval;
  if (spec_.bn.eval.kind == NormEval::Kind::kBatch) return PassMode::kBatchStats;
  if (spec_.bn.eval.kind == NormEval::Kind::kPrecise && gathered_step_ != outcome_.steps) {
    const size_t count = std::min(spec_.bn.eval.samples, data_.TrainingImages());
    std::vector<int32_t> sample(count);
    const Rng rng(spec_.seed, RngStream::kSubset, 1);
    for (size_t i = 0; i < count; ++i) {
      sample[i] = static_cast<int32_t>(rng.Below(i, static_cast<uint32_t>(data_.TrainingImages())));
    }
    evaluator_->Gather(data_.train, sample);
    gathered_step_ = outcome_.steps;
  }
  return PassMode::kEval;
}

void TrainingSession::Evaluate() {
  const double begin = NowSeconds();
  const PassMode mode = PrepareEvaluation();
  const size_t first = data_.TrainingImages();
  const size_t count = spec_.eval_size == 0 ? kValidationImages : spec_.eval_size;
  const Score score = evaluator_->Run(data_.train, first, first + count, mode);
  if (loss_count_ > 0) {
    outcome_.train_loss = loss_sum_ / static_cast<double>(loss_count_);
    loss_sum_ = 0, loss_count_ = 0;
  }
  outcome_.val_accuracy = score.accuracy;
  outcome_.readings.push_back({outcome_.steps, "train_loss", outcome_.train_loss});
  outcome_.readings.push_back({outcome_.steps, "val_loss", score.loss});
  outcome_.readings.push_back({outcome_.steps, "val_accuracy", score.accuracy});
  const double metric = spec_.target_metric == "val_accuracy" ? score.accuracy
                        : spec_.target_metric == "val_loss"   ? score.loss
                                                              : outcome_.train_loss;
  target_.Observe(outcome_.steps, outcome_.train_s, metric);
  outcome_.eval_s += NowSeconds() - begin;
}

void TrainingSession::Probe() {
  if (!probes_) return;
  const int64_t every = spec_.probe_every > 0 ? spec_.probe_every : spec_.eval_every;
  const int64_t step = outcome_.steps;
  if (step % every != 0 && step != total_steps_) return;
  const double begin = NowSeconds();
  const double progress = static_cast<double>(step) / static_cast<double>(total_steps_);
  const double lr = LearningRate(schedule_, spec_.lr, std::min(step, total_steps_ - 1), total_steps_);
  if (spec_.probe.LooksAtEvaluation()) PrepareEvaluation();
  probes_->Take(step, progress, lr, outcome_.readings);
  if (spec_.probe.batch_stats) {
    const size_t first = data_.TrainingImages(), count = spec_.eval_size == 0 ? kValidationImages : spec_.eval_size;
    const Score score = evaluator_->Run(data_.train, first, first + count, PassMode::kBatchStats);
    outcome_.readings.push_back({step, "val_accuracy_batch_stats", score.accuracy});
  }
  if (spec_.probe.state) {
    const auto bits = std::stoull(StateHash().substr(0, 13), nullptr, 16);  // 52 bits: exact in a double
    outcome_.readings.push_back({step, "state_bits", static_cast<double>(bits)});
  }
  outcome_.eval_s += NowSeconds() - begin;
}

void TrainingSession::FinishProbes() {
  if (probes_) Probes::Summarize(outcome_.steps, outcome_.readings);
}

void TrainingSession::FinalScores() {
  const double begin = NowSeconds();
  const PassMode mode = PrepareEvaluation();
  const size_t first = data_.TrainingImages();
  outcome_.val_accuracy = evaluator_->Run(data_.train, first, first + kValidationImages, mode).accuracy;
  outcome_.test_accuracy = evaluator_->Run(data_.test, 0, data_.test.count, mode).accuracy;
  outcome_.eval_s += NowSeconds() - begin;
}

std::vector<std::span<const float>> TrainingSession::StateTensors() const {
  std::vector<std::span<const float>> all;
  for (const NetTensor& t : net_->tensors()) all.emplace_back(t.tensor.value, t.tensor.size);
  for (const auto& v : velocity_) all.emplace_back(v.data(), v.size());
  return all;
}

std::string TrainingSession::StateHash() {
  Sha256 hash;
  for (const auto& tensor : StateTensors()) hash.Update(tensor.data(), tensor.size_bytes());
  hash.Update("step " + std::to_string(outcome_.steps) + " seed " + std::to_string(spec_.seed));
  return hash.HexDigest();
}

void TrainingSession::SaveCheckpoint() {
  if (files_.checkpoint_dir.empty()) return;
  const auto tensors = StateTensors();
  const Progress progress{outcome_, target_.Save(), loss_sum_, loss_count_};
  WriteCheckpoint(files_.checkpoint_dir, run_key_, ProgressJson(progress), tensors);
}

void TrainingSession::Restore() {
  const auto image = ReadCheckpoint(files_.checkpoint_dir, run_key_);
  if (!image) return;  // nothing saved yet: the run starts at its first step
  size_t at = 0;
  for (const auto& tensor : StateTensors()) {
    if (at + tensor.size() > image->payload.size()) throw InputError("checkpoint is too small for this net");
    std::copy_n(image->payload.data() + at, tensor.size(), const_cast<float*>(tensor.data()));
    at += tensor.size();
  }
  const Progress progress = ParseProgress(image->header_json);
  outcome_ = progress.outcome;
  target_.Restore(progress.target);
  loss_sum_ = progress.loss_sum, loss_count_ = progress.loss_count;
}

void TrainingSession::FinishDump() {
  if (dump_) dump_->Finish(*net_);
}

}  // namespace batchmark
