// The outcome fields of a run, named once: store, export and merge walk this list.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "reports/results.h"

namespace batchmark {

using RunField = std::variant<std::string RunRecord::*, int RunRecord::*, int64_t RunRecord::*,
                              double RunRecord::*, std::optional<int64_t> RunRecord::*,
                              std::optional<double> RunRecord::*>;

struct RunColumn {
  const char* name;
  RunField field;
};

// In the order of RunRecord, without key, experiment, arm, spec and readings.
const std::vector<RunColumn>& RunColumns();

// The column of a spec key: its own name, or "spec_steps" where a field of the outcome has that
// name.
std::string SpecColumnName(const std::string& spec_key);

}  // namespace batchmark
