// TOML tables as sweeps, with line and column in every refusal. The only header that shows toml++.
#pragma once

#include <string>
#include <toml++/toml.h>
#include <vector>

#include "training/experiment/sweep_spec.h"

namespace batchmark {

// The whole document. Throws Error(kBadInput).
SweepSpec ReadSweepTable(const toml::table& root, const std::string& path);

// One parameter, or the parameters of a table whose name begins theirs. where: what messages name in place
// of line and column.
std::vector<SweepAxis> ReadSweepParameter(const std::string& name, const toml::key& key, const toml::node& node,
                                          const std::string& where);

}  // namespace batchmark
