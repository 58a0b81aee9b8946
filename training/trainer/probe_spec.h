// Which optional observers a run carries, as text that round-trips: "none", or words joined by "+".
//   preact        percentiles 15, 50, 85 of every unit's input to the last hidden activation (a dense layer),
//                 over the probe images:  preact_p15.u0 ...; at the end preact_drift (see probes.h)
//   preact_train  the same of a training step: batch moments by bn.stats, jitter on:  preact_train_p15.u0 ...,
//                 preact_train_drift
//   activations   sd of every linear layer's output over the probe images:  act_sd.L
//   gradients     L2 norm of the last step's weight gradients:  grad_norm, grad_norm.L
//   noise         variance of the statistics that training uses, relative to the population's:
//                 noise_mean.L, noise_sd.L and their means over layers; shift.L (see probes.h)
//   landscape     loss and gradient along the gradient, on a fixed batch:  landscape_loss, _gradient, _beta
//   batch_stats   val_accuracy_batch_stats: the periodic evaluation with each pass's own statistics
//   state         state_bits: 52 bits of the state's hash, to see where two runs part
// L is the layer's position in the net. Probes read; they never change the state (a test compares hashes), and
// cost nothing when off. Their time is counted with evaluation.
#pragma once

#include <string>
#include <vector>

namespace batchmark {

struct ProbeSpec {
  bool preact = false, preact_train = false, activations = false, gradients = false, noise = false;
  bool landscape = false, batch_stats = false, state = false;
  bool Any() const {
    return preact || preact_train || activations || gradients || noise || landscape || batch_stats || state;
  }
  // Some are taken from evaluation passes with bn.eval's statistics.
  bool LooksAtEvaluation() const { return preact || activations; }
};

ProbeSpec ParseProbeSpec(const std::string& text);  // throws Error(kBadInput)
std::string ToText(const ProbeSpec& spec);

}  // namespace batchmark
