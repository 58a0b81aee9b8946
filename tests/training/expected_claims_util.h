// What each experiment's comparisons must claim, written down from the papers and apart from the
// definitions: a direction inverted there, arms swapped or another measure named is then found.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace batchmark::test {

enum class Is {
  kAbove,      // arms[0] > bound x arms[1]
  kBelow,      // arms[0] < bound x arms[1]
  kEqual,      // |arms[0] - arms[1]| < bound
  kNoLower,    // arms[0] > arms[1] - bound
  kNoHigher,   // arms[0] < bound x arms[1]; bound > 1
  kMoreOften,  // shares of runs
  kLessOften,
  kRising,  // from arm to arm
  kFalling,
};
enum class Part { kCriterion, kCheck, kShown };  // of the verdict

struct ExpectedClaim {
  const char* contrast;
  Part part;
  const char* measure;
  std::vector<const char*> arms;
  Is is;
  double bound = 1.0;
};

// By experiment.
const std::map<std::string, std::vector<ExpectedClaim>>& ExpectedClaims();

}  // namespace batchmark::test
