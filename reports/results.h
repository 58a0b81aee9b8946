// The results store: one SQLite file, WAL, one transaction a run; kill -9 loses nothing that was
// acknowledged and never leaves half a run. Knows nothing of training: a run is a flat spec, an
// outcome and readings.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace batchmark {

struct RunReading {
  int64_t step;
  std::string name;  // "train_loss", "val_accuracy", ...
  double value;
};

// Before the host id of a run that did not have the machine to itself.
inline constexpr const char* kSharedHostPrefix = "shared:";
inline bool SharedItsMachine(const std::string& host_id) { return host_id.rfind(kSharedHostPrefix, 0) == 0; }

// One finished run. spec: every run key as canonical text.
struct RunRecord {
  std::string key;         // law 5
  std::string experiment;  // "seed-keras-mnist", or "" for a single train
  std::string arm;         // "bn lr=0.01"
  std::map<std::string, std::string> spec;
  std::string data_name, data_hash;
  std::string backend, compute;
  int threads = 0;
  std::string binary_id, host_id;  // wall times belong to these; "shared:<host>": of runs side by side, unusable
  std::string status;              // reached | capped | diverged
  int64_t steps = 0;
  std::optional<int64_t> steps_to_target;
  std::optional<double> time_to_target_s;
  double train_s = 0, eval_s = 0, wall_s = 0, ms_per_step = 0, ms_per_step_median = 0,
         samples_per_s = 0;
  double train_loss = 0, val_accuracy = 0, test_accuracy = 0;
  int64_t diverged_step = -1;
  std::string diverged_place;
  std::string state_hash;
  int attempts = 1;
  std::string started_at, finished_at;  // UTC, ISO 8601
  std::vector<RunReading> readings;
};

// Tables, for the sqlite3 shell, pandas and Datasette (docs at the schema in results.cc):
//   runs         one row a run, one column an outcome field, the spec as JSON
//   memberships  which experiment and arm use a run (several may share one)
//   readings     view: run_key, step, name, value        spec  view: run_key, name, value
//   runs_wide    view: experiment, arm, every column of runs, every spec key as a column
//   documents    name, json
class ResultStore {
 public:
  enum class Mode { kReadWrite, kReadOnly };
  // Creates the file when read-write. Throws Error: kBadInput (missing when read-only, not a store,
  // damaged, other schema version), kIo (cannot be created, read or written, disk full, locked for
  // 30 s).
  explicit ResultStore(const std::string& path, Mode mode = Mode::kReadWrite);
  ~ResultStore();

  // The stored run of this key, or nothing. Wall times are only this machine's if binary_id and
  // host_id match.
  std::optional<RunRecord> Find(const std::string& key) const;
  // Insert or replace by (key); attempts = previous attempts + 1. One transaction,
  // synchronous=FULL. The run joins (experiment, arm) and keeps the memberships it had.
  void Put(const RunRecord& record);
  // Lets a further experiment's arm use a stored run, without counting an attempt. False if no such
  // run.
  bool Attach(const std::string& key, const std::string& experiment, const std::string& arm);
  // Ordered by experiment, arm, seed, key; a run that serves two arms comes twice, a run of no
  // experiment once, with both empty. Readings are ordered by step, then name.
  std::vector<RunRecord> All() const;

  // Named JSON documents: definition of an experiment as it was run, environment, what a budget
  // cut.
  void PutDocument(const std::string& name, const std::string& json);
  std::optional<std::string> FindDocument(const std::string& name) const;
  std::map<std::string, std::string> Documents() const;  // all, by name

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace batchmark
