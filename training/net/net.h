// A network ready to train: blocks made from a net text, all memory allocated at construction.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/aligned.h"
#include "core/base/parallel.h"
#include "core/ops/conv2d.h"
#include "training/net/block.h"
#include "training/net/net_spec.h"
#include "training/net/norm_spec.h"

namespace batchmark {

struct NetOptions {
  size_t height = 28, width = 28, channels = 1;
  size_t classes = 10;
  size_t train_samples = 32;  // rows of a training pass (the mini-batch, or M under bn.stats = wide:M)
  size_t eval_samples = 128;  // most rows of an evaluation pass
  std::string init = "glorot";
  uint64_t seed = 1;
  double weight_decay = 0.0;  // on the weights of linear layers only
  // Weights of dense layers take their step of SGD without momentum within Backward, at pass.lr, where that saves
  // writing and reading their gradient; it is then in no memory, and Tensor::grad null.
  bool descend = false;
  ConvAlgorithm conv = ConvAlgorithm::kAuto;
  NormSpec norm;
};

// A tensor with its place: layer = position in the net text.
struct NetTensor {
  size_t layer;
  std::string layer_text;  // "dense:64 relu"
  Tensor tensor;
};

// A block and its place, for probes.
struct NetStage {
  size_t layer;
  bool linear;
  const Norm* norm;  // null: none
};

class Net {
 public:
  // Throws Error(kBadInput): image too small for a layer, logits != classes, a statistics group of one row, bad init.
  Net(Parallel& parallel, const NetSpec& spec, const NetOptions& options);

  // x [pass.samples, H, W, C] -> logits [pass.samples, classes], valid until the next Forward.
  const float* Forward(const float* x, const Pass& pass);
  // d_logits [pass.samples, classes]; gradients of every parameter are overwritten, or used up (NetOptions::descend).
  // After Forward(kTrain).
  void Backward(float* d_logits, const Pass& pass);

  const std::vector<NetTensor>& tensors() const { return tensors_; }
  size_t capacity() const { return capacity_; }
  size_t eval_samples() const { return eval_samples_; }

  // For probes: the blocks in order, and what stood before and behind block i in the last Forward.
  std::vector<NetStage> stages() const;
  const Pending& Input(size_t i) const { return inputs_[i]; }
  const Pending& Output(size_t i) const { return i + 1 < inputs_.size() ? inputs_[i + 1] : logits_; }
  Pending Preactivation(size_t i) const { return stages_[i].block->Preactivation(); }
  size_t OutputChannels(size_t i) const { return stages_[i].channels; }
  size_t OutputPositions(size_t i) const { return stages_[i].positions; }

  void StartGather();
  void FinishGather();

  // The first non-finite thing of the last pass, from reductions made anyway: "" or "layer 2 dense:64 relu: batch moments".
  std::string NonFinite() const;
  // A full scan of parameters and gradients, for naming the place once a loss has gone bad.
  std::string FindNonFinite() const;

 private:
  struct Stage {
    size_t layer;
    std::string text;
    std::unique_ptr<Block> block;
    bool linear;
    size_t positions, channels;  // of the output
  };
  void InitializeWeights(const std::string& init, uint64_t seed);

  Parallel& parallel_;
  size_t capacity_ = 0, eval_samples_ = 0;
  std::vector<Stage> stages_;
  std::vector<Pending> inputs_;  // of each stage, in the last Forward
  std::vector<NetTensor> tensors_;
  Pending logits_;  // of the last Forward
  Pending image_;                   // shape of the input
  AlignedBuffer<float> gradient_[2];  // ping-pong between blocks
};

}  // namespace batchmark
