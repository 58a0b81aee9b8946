// `train --dump DIR`: everything another framework needs to replay a run step by step.
//   init/NN.name.npy, final/NN.name.npy   NN = position of the layer in the net text (from 00); conv weights
//                                         [KH, KW, Cin, Cout], dense [in, out], flatten in NHWC order
//   batches.npy  int32 [steps, batch]     indices into the training file
//   losses.npy   float32 [steps]          mean loss of the batch before that step's update
//   spec.json                             one flat object, every key
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "training/net/net.h"

namespace batchmark {

class Dump {
 public:
  // Creates DIR, DIR/init, DIR/final and writes init/ and spec.json. Throws Error(kIo).
  Dump(const std::string& dir, const Net& net, const std::string& spec_json, size_t batch);
  void Step(std::span<const int32_t> indices, double loss);
  void Finish(const Net& net);

 private:
  std::string dir_;
  size_t batch_;
  std::vector<int32_t> batches_;
  std::vector<float> losses_;
};

}  // namespace batchmark
