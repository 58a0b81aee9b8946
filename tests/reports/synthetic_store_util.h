// Made-up runs for tests of the report, named so in every store: no figure drawn from them is a
// result.
#pragma once

#include <string>

#include "reports/results.h"

namespace batchmark::test {

struct SyntheticSeedOptions {
  int seeds = 3;
  int64_t step_cap = 600;
  bool diverge = false;  // the arm without BN at the high rate blows up in its last seed
};

// The two-by-two of seed-keras-mnist with plausible curves; the arm without BN at the low rate
// never arrives.
void FillSyntheticSeed(ResultStore& store, const SyntheticSeedOptions& options = {});

// A plain sweep without an experiment document: learning rate x batch x BN, with a diverged region.
void FillSyntheticSweep(ResultStore& store);

// Two arms with the percentiles of five units; the plain one drifts.
void FillSyntheticPercentiles(ResultStore& store);

// Four kinds of statistics, six seeds.
void FillSyntheticNoise(ResultStore& store);

}  // namespace batchmark::test
