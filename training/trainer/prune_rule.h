// Early end of a hopeless run, by a rule that looks at the run alone, so that shards, workers and
// resumed runs prune alike.
//   never        no pruning
//   floor:S:A    end at the first evaluation at or after step S whose validation accuracy is below A
// A run whose target is confirmed is never pruned. A pruned run is censored at that step (status
// "capped"), and its reading "pruned" (the accuracy) says why it is short.
#pragma once

#include <cstdint>
#include <string>

namespace batchmark {

struct PruneRule {
  bool active = false;
  int64_t step = 0;
  double min_accuracy = 0.0;

  bool Ends(int64_t at_step, double val_accuracy) const {
    return active && at_step >= step && !(val_accuracy >= min_accuracy);  // NaN is pruned
  }
};

PruneRule ParsePruneRule(const std::string& text);  // throws Error(kBadInput)
std::string ToText(const PruneRule& rule);

}  // namespace batchmark
