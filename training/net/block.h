// A network is a list of blocks. Linear blocks are Linear (conv or dense) + Norm + Activation in either
// order; the others pool, drop or (flatten) only rename the shape. Values travel as Pending (core/ops/pending.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/ops/pending.h"

namespace batchmark {

// What a pass over the net is for.
enum class PassMode {
  kTrain,       // statistics by bn.stats, running moments updated, dropout on
  kEval,        // population statistics, dropout off
  kBatchStats,  // statistics of this batch (one group), nothing updated, dropout off
  kReadTrain,   // statistics by bn.stats and jitter as in kTrain, nothing updated, dropout off (probes)
  kGather,      // kBatchStats that also pools this batch's moments (bn.eval = precise:K)
};

struct Pass {
  PassMode mode = PassMode::kEval;
  size_t samples = 0;
  int64_t step = 0;  // 0-based training step, for counters of random numbers
  double progress = 0.0;  // step / steps of the run, for schedules
  uint64_t seed = 0;
  float lr = 0;  // of the step, where Backward updates weights (NetOptions::descend)
  // Called by the net behind each block, forward and backward; null: not. For timing.
  const std::function<void()>* after_block = nullptr;
};

// The `sub` of a layer's random numbers (core/base/rng.h) in a step: known without state, so that Backward draws
// what Forward drew, and a resumed run what the whole one did. A step has 64 places, so that no layer meets
// another's draws of an earlier or later step; only in a net of more than 64 layers do two share a place.
inline uint64_t RandomSub(const Pass& pass, size_t layer) {
  return static_cast<uint64_t>(pass.step) * 64 + layer % 64;
}

// One trainable tensor, or one that only Backward or the statistics write (grad == nullptr).
struct Tensor {
  std::string name;           // weight, bias, gamma, beta, moving_mean, moving_var
  std::vector<size_t> shape;  // conv weights [KH, KW, Cin, Cout], dense [in, out]
  size_t size = 0;
  float* value = nullptr;
  float* grad = nullptr;
  double decay = 0.0;       // L2 factor of this tensor's update
};

class Norm;

class Block {
 public:
  virtual ~Block() = default;

  // in: [samples, positions, channels] pending, valid until the next Forward. The result stays valid as long.
  virtual Pending Forward(const Pending& in, const Pass& pass) = 0;

  // in: as given to Forward of the same pass. dy: gradient with respect to the mapped output (may be
  // overwritten). d_in: gradient with respect to the mapped input, overwritten; null if nobody wants it.
  // before: the block whose dy d_in will be, or null; see BeginSamples.
  virtual void Backward(const Pending& in, float* dy, float* d_in, const Pass& pass, Block* before) = 0;

  // The block behind may make dy sample by sample, and then asks what this block does with each: nothing, or
  // something to it where it lies, or all that it ever wants of it, so that dy needs no place of its own.
  enum class Take { kNothing, kPart, kAll };
  virtual Take BeginSamples(float* /*dy*/, const Pass&) { return Take::kNothing; }
  // For each sample of the pass as soon as its dy is complete and in cache, as Conv2d::SampleDone is called. Backward
  // comes next, and after kAll reads no dy.
  virtual void TakeSample(size_t /*sample*/, float* /*dy*/) {}

  // Or it makes dy of all samples in `count` blocks of positions: what this block will read beside dy, stored as that,
  // if it wants to do something to each (kPart); null: nothing. TakeBlock: as TakeSample.
  virtual const float* BeginBlocks(float* /*dy*/, const Pass&, size_t /*count*/) { return nullptr; }
  virtual void TakeBlock(const MapBlock&) {}

  // Parameters first, then state, in the order of the dump.
  virtual std::vector<Tensor> Tensors() { return {}; }

  // After a pass: the first non-finite thing in this block ("z", "batch variance", "d_bias" ...) or
  // "". Cheap: looks at reductions that were made anyway.
  virtual std::string NonFinite() const { return ""; }

  // u of act(u) in the last Forward, where the block has it in memory or pending; v is null where only act(u)
  // was stored, or there is no activation. For probes.
  virtual Pending Preactivation() const { return {}; }

  // The block's batch norm, for probes; null if it has none.
  virtual const Norm* norm() const { return nullptr; }

  // bn.eval = precise:K. Start forgets the pooled moments; Finish makes them what evaluation uses.
  virtual void StartGather() {}
  virtual void FinishGather() {}
};

}  // namespace batchmark
