// The texts of training/experiment/defs/*.toml, compiled in (generated at configure time).
#pragma once

#include <string>
#include <vector>

namespace batchmark {

struct EmbeddedDefinition {
  std::string file;  // "seed-keras-mnist.toml"
  std::string text;
};
const std::vector<EmbeddedDefinition>& EmbeddedDefinitions();

}  // namespace batchmark
