// Runs grouped for a reader: studies (an experiment, or the loose runs of a store), their arms,
// factors and verdict. Knows nothing of figures.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reports/results.h"
#include "reports/verdict.h"

namespace batchmark::report {

// A value, or a lower bound of it where a run never arrived.
struct Bound {
  double value;
  bool beyond = false;
};

struct Arm {
  std::string name;   // as in the store
  std::string label;  // for readers: "BN, lr 0.01"
  std::string color, dash;
  std::map<std::string, std::string> levels;  // spec key -> value, for the study's factors
  std::vector<const RunRecord*> runs;         // ordered by seed

  size_t CountStatus(const std::string& status) const;
  size_t Censored() const {
    return runs.size() - CountStatus("reached");
  }  // diverged ones included
};

struct Factor {
  std::string name;                 // "bn"
  std::string key;                  // "bn.placement"
  std::vector<std::string> levels;  // reference level ("none", or the smallest) first
};

// Arms that a claim reads together: the rates tried for one learning-rate ceiling.
struct Family {
  std::string label;  // "BN, depth 4"
  std::string color;
  std::vector<Arm> arms;
};

struct Study {
  std::string experiment;  // "" for runs of no experiment
  std::string title, claim, source;
  std::string target_metric;
  double target = 0;
  bool quick = false;
  bool defined = false;                  // an experiment document was in the store
  std::set<std::string> run_keys;        // of the size that the document describes; may be empty
  std::set<std::string> trial_keys;      // likewise, of the trials
  std::vector<const RunRecord*> trials;  // that tuned its arms: "<experiment>/tuning" of the store
  int64_t step_cap = 0;
  int64_t eval_every = 0, eval_every_most = 0;  // least and most of its runs
  std::vector<Arm> arms;
  std::vector<Family> families;  // their arms are not in `arms`
  std::vector<Factor> factors;
  bool factors_declared = false;  // by the definition, or by what varies in a sweep
  std::optional<ExperimentClaims> claims;
  std::optional<ExperimentFinding> finding;  // what its claims came to; where claims were defined
  size_t left_out =
      0;  // runs of the experiment at another size (a quick one beside the full one, say)

  size_t Seeds() const;  // most runs in an arm
  bool HasRuns() const { return Seeds() > 0; }
  const Arm* FindArm(const std::string& name) const;
  // The arm with these levels; null if there is none.
  const Arm* FindArm(const std::map<std::string, std::string>& levels) const;
  std::string TargetText() const;  // "90 % validation accuracy"
  bool HasTimes() const;           // wall times were taken, and all on one machine by one binary
  std::string TimesNote() const;   // why not, or ""
};

// "experiment/<name>" documents define studies; where there is none, arms are the combinations of
// the spec keys that vary. The records must outlive the studies. Throws Error(kBadInput) for a
// damaged document.
std::vector<Study> FindStudies(const std::vector<RunRecord>& records,
                               const std::map<std::string, std::string>& documents);

std::string LevelLabel(const std::string& key, const std::string& value);  // "no BN", "lr 0.01"
int64_t SeedOf(const RunRecord& run);
std::string SpecValue(const RunRecord& run, const std::string& key);  // "" if there is none

// Steps and training seconds to the target. A run that never arrived gives a lower bound: its last
// step; for a diverged one, which no further step would have brought there, the study's cap.
Bound StepsToTarget(const Study& study, const RunRecord& run);
Bound SecondsToTarget(const Study& study, const RunRecord& run);

}  // namespace batchmark::report
