// A sweep as text: TOML with the words that W&B sweeps use.
//
//   name, description     name defaults to the file's; the store keeps the runs under "sweep-<name>"
//   method                grid | random | quasi (Halton)
//   metric                { name, goal }: what the closing table is ordered by
//   run_cap               most runs; needed by random and quasi
//   seed                  of the draws of random and quasi, default 1
//   early_terminate       { type = "floor", step, min }: becomes the run key prune=floor:STEP:MIN. Rules
//                         that compare runs with each other (hyperband, median) are refused: what a
//                         run gives would depend on which others came before it.
//   [parameters]          run key = plain value | { value } | { values } | { min, max, distribution, count }
//
// distribution: uniform, log_uniform (log_uniform_values), int_uniform, categorical (of values); without
// it, int_uniform if min and max are integers, else uniform. `count` is the number of points on a grid.
// Nested tables mean dotted keys. Sampled numbers are rounded to six significant digits (whole numbers
// where the key takes no others), so that they are the same on every machine and readable in a table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "training/experiment/definition.h"

namespace batchmark {

struct SweepAxis {
  enum class Kind { kValues, kUniform, kLogUniform };
  std::string key;
  std::string where;                // "lr.toml:4:1" or "--set lr=[1,2]", for messages
  Kind kind = Kind::kValues;
  std::vector<std::string> values;  // kValues: canonical texts, distinct; one: a fixed key
  double min = 0.0, max = 0.0;      // ranges
  bool integer = false;             // ranges: whole numbers only
  int64_t count = 0;                // ranges: points on a grid, 0 = not given
};

struct SweepMetric {
  std::string name;
  bool maximize = false;
};

struct SweepSpec {
  enum class Method { kGrid, kRandom, kQuasi };
  std::string name, description;
  Method method = Method::kGrid;
  SweepMetric metric{"steps_to_target", false};
  int64_t run_cap = 0;  // 0: none
  uint64_t seed = 1;
  std::string prune;  // value of the run key, "" if not given
  std::vector<SweepAxis> axes;  // in the order of the document
};

// Names that metric.name may have, and whether more is better.
struct SweepMetricName {
  const char* name;
  bool more_is_better;
  bool is_time;
};
const std::vector<SweepMetricName>& SweepMetricNames();

// overrides: "key=VALUE" arguments; VALUE is a plain value, [a, b] or { min = ..., max = ... }, and takes
// the place of the document's axis of that key. Throws Error(kBadInput) with line and column.
SweepSpec ParseSweep(const std::string& toml_text, const std::string& path, const std::vector<std::string>& overrides);
SweepSpec ReadSweepFile(const std::string& path, const std::vector<std::string>& overrides);

// Every point of the sweep in its order: grid, first key slowest; random and quasi, sampled points in
// order, each crossed with the seeds. A point holds all keys, in the order of the document.
std::vector<Settings> EnumerateSweep(const SweepSpec& sweep);

}  // namespace batchmark
