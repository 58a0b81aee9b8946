// A named experiment is data: TOML files under training/experiment/defs, compiled in.
//
//   name, title, claim, source           what is tested, and who said it
//   [base]                               run keys common to all arms
//   [[arm]] name, set = {key = value}    the arms, and after them, from [[axis]] tables, every combination
//   [[axis]] names, and key, values      of the listed values (or sets, of several keys each); an arm's
//            or sets = [{...}, ...]      name joins the axes' by ", "
//   [factors] word = "run.key"           factors of a crossed design, for main effects
//   [[contrast]]                         what the verdict rests on; words: reports/verdict.h
//   [procedure]                          runs that depend on runs; procedure.h
//   [calibration] arm, seeds, measure, test, direction, margin    the verdict code on equal runs (A/A)
//   [full] / [cheap] / [quick] seeds, set = {...}  the forms. cheap: at most 2 epochs or 2,000 steps a run; missing
//            where full is that already. A budget that would have to cut the full form's steps takes it.
//            Any may say budget_s, and without = [...]: arms and contrasts that it leaves out
// Run keys are set in the order defaults, base, size, arm, the caller's overrides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace batchmark {

using Settings = std::vector<std::pair<std::string, std::string>>;  // run key, value; later beats earlier

struct Arm {
  std::string name;
  Settings set;
};

// One comparison, arm a against arm b, paired on seed. Words and meaning of every field: ContrastClaim in
// reports/verdict.h.
struct Contrast {
  std::string name, a, b, measure, test, direction, role;
  std::vector<std::string> arms;  // of a trend, in place of a and b
  double margin = 0.0, min_effect = 0.0, assumed_effect = 0.0, assumed_sd = 0.0;
  int n_min = 0;  // 0: the verdict's default
};

// Rates (or another number) that are found by runs, for each arm named: see procedure.h.
struct Procedure {
  enum class Kind { kBracket, kTune };
  Kind kind = Kind::kBracket;
  std::string key;                // "lr"
  double min = 0.0, max = 0.0;    // log grid of `count` points, ends included
  int count = 0;
  int bisections = 0;             // bracket
  std::string metric;             // tune: what the best value is best at
  int seeds = 1;                  // tune: runs a value, on seeds of their own
  std::vector<std::string> arms;  // empty: all
};

// The verdict's own false-positive rate, on runs of one arm with many seeds.
struct CalibrationPlan {
  std::string arm;
  int seeds = 40;
  Contrast contrast;  // a and b: halves of the runs
};

struct ExperimentSize {
  int seeds = 1;
  int min_seeds = 1;      // a budget cuts seeds down to this, then steps
  int64_t min_steps = 0;  // ... down to this (0: to half): fewer would show nothing, so a tighter budget is exceeded
  double budget_s = 0.0;  // 0: none
  Settings set;
  std::vector<std::string> without;  // names of arms (their contrasts go with them) and contrasts
};

struct Experiment {
  std::string name, title, claim, source;
  Settings base;
  std::vector<Arm> arms;
  std::vector<std::pair<std::string, std::string>> factors;  // word, run key
  std::vector<Contrast> contrasts;
  std::optional<Procedure> procedure;
  std::optional<CalibrationPlan> calibration;
  ExperimentSize full, quick;
  std::optional<ExperimentSize> cheap;

  const ExperimentSize& Size(const std::string& form) const {  // "full", "cheap", "quick"
    return form == "quick" ? quick : form == "cheap" && cheap ? *cheap : full;
  }
};

// The experiment as a form of it runs: less the arms and contrasts that the form leaves out.
Experiment InForm(const Experiment& experiment, const std::string& form);

std::string SettingsText(const Settings& settings);  // "lr=0.1 batch=32"
std::string SizeSettingsText(const ExperimentSize& size);  // the same, and what it goes without

// All compiled-in experiments, in the order of their names. A broken definition aborts (a test reads them all).
const std::vector<Experiment>& Experiments();
// Throws Error(kBadInput) with the nearest name.
const Experiment& FindExperiment(const std::string& name);
// Throws Error(kBadInput): line, column and what is wrong.
Experiment ParseExperiment(const std::string& toml_text, const std::string& where);
// How a definition was run, for its document.
struct DefinitionUse {
  std::string form = "full";
  int seeds = 1;
  int64_t step_cap = 1;
  double target = 0.0;
  std::string target_metric;
  std::vector<std::string> runs;    // keys of its runs; empty: all of the experiment's name
  std::vector<std::string> trials;  // of its tuning runs, likewise
};
// The definition as the report reads it from the store (document "experiment/<name>").
std::string DefinitionJson(const Experiment& experiment, const DefinitionUse& use);

}  // namespace batchmark
