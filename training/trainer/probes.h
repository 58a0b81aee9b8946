// What the words of probe_spec.h measure. Everything here reads the net between steps.
//
// preact    u = input of the activation of the last hidden layer, over the first 1,024 validation images, with
//           evaluation statistics. preact_drift of a run = median over units of
//             sum over probes of |change of p50| + |change of (p85 - p15)|,  in units of that unit's mean
//             p85 - p15 over the probes (the first is of an untrained net: any growth is vast against it);
//           preact_unit = the unit whose drift is that median (lower of two).
//           After Ioffe & Szegedy 2015, Fig. 1 b, c.
// preact_train  the same over 1,024 or more random training images, always the same, in batches as a training
//           step would take them: its batch statistics, and the jitter of this step (Santurkar et al. 2018).
// noise     with u, s the mean and sd that a statistics group uses in a training step (bn.stats, synthetic
//           noise and renorm's r and d included: y = gamma (z - u) / s + beta), and mu, sigma^2 the moments
//           of all probed rows:
//             noise_mean = mean over channels of Var(u) / sigma^2,  noise_sd = mean over channels of Var(s) / sigma^2
//           over at least 32 groups of random training images at fixed weights, dropout off. For m normal
//           values a group: 1 / m and 1 / (2 m). Luo et al. 2018.
// shift     median over channels of max(q, 1 / q), q = moving variance / sigma^2: what a layer's evaluation
//           variance is off by. Li et al. 2018. Of every BN layer, and `shift`, the largest.
// landscape loss L(a) and gradient g(a) at weights w - a lr g(0), a = 1/2, 1, 2, 4, with the step's bn.stats:
//             _loss = max - min of L(a),  _gradient = max ||g(a) - g(0)||,
//             _beta = max ||g(a) - g(0)|| / (a lr ||g(0)||).   Santurkar et al. 2018.
//           At the end their medians over the run: landscape_loss_median ...
#pragma once

#include <memory>
#include <vector>

#include "core/base/parallel.h"
#include "training/data/dataset.h"
#include "training/data/input.h"
#include "training/net/net.h"
#include "training/trainer/run_spec.h"
#include "training/trainer/trainer.h"

namespace batchmark {

class Probes {
 public:
  // rows: of a training pass. Throws Error(kBadInput) where a probe does not fit the net. References are kept.
  Probes(const RunSpec& spec, const Dataset& data, const InputScaler& scaler, Parallel& parallel, Net& net, size_t rows);
  ~Probes();

  // After `step` steps (0: before the first, when there is no gradient yet). progress: share of the run done.
  void Take(int64_t step, double progress, double lr, std::vector<Reading>& readings);
  // At the end of the run: what follows from all readings together.
  static void Summarize(int64_t step, std::vector<Reading>& readings);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace batchmark
