// A named experiment is data: TOML files under training/experiment/defs, compiled in.
//
//   name, title, claim, source           what is tested, and who said it
//   [base]                               run keys common to all arms
//   [[arm]] name, set = {key = value}    the arms (or [axes]: every combination of the listed values)
//   [factors] word = "run.key"           factors of a crossed design, for main effects
//   [[contrast]] name, a, b, measure, test, direction, margin   what the verdict rests on
//   [full] / [quick] seeds, set = {...}  the two sizes; quick may say budget_s
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace batchmark {

using Settings = std::vector<std::pair<std::string, std::string>>;  // run key, value; later beats earlier

struct Arm {
  std::string name;
  Settings set;
};

// One comparison, arm a against arm b, paired on seed. Words of measure, test and direction: reports/verdict.h.
struct Contrast {
  std::string name, a, b, measure, test, direction;
  double margin = 0.0;
};

struct ExperimentSize {
  int seeds = 1;
  int min_seeds = 1;      // a budget cuts seeds down to this, then steps
  double budget_s = 0.0;  // 0: none
  Settings set;
};

struct Experiment {
  std::string name, title, claim, source;
  Settings base;
  std::vector<Arm> arms;
  std::vector<std::pair<std::string, std::string>> factors;  // word, run key
  std::vector<Contrast> contrasts;
  ExperimentSize full, quick;
};

// All compiled-in experiments, in the order of their names. A broken definition aborts (a test reads them all).
const std::vector<Experiment>& Experiments();
// Throws Error(kBadInput) with the nearest name.
const Experiment& FindExperiment(const std::string& name);
// Throws Error(kBadInput): line, column and what is wrong.
Experiment ParseExperiment(const std::string& toml_text, const std::string& where);
// The definition as the report reads it from the store (document "experiment/<name>").
std::string DefinitionJson(const Experiment& experiment, bool quick, int seeds, int64_t step_cap,
                           const std::string& target, const std::string& target_metric);

}  // namespace batchmark
