// The results store: one SQLite file, WAL, one transaction a run; kill -9 loses nothing that was
// acknowledged and never leaves half a run. Knows nothing of training: a run is a flat spec, an outcome and readings.
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

// One finished run. spec: every run key as canonical text.
struct RunRecord {
  std::string key;         // law 5
  std::string experiment;  // "seed-keras-mnist", or "" for a single train
  std::string arm;         // "bn lr=0.01"
  std::map<std::string, std::string> spec;
  std::string data_name, data_hash;
  std::string backend, compute;
  int threads = 0;
  std::string binary_id, host_id;  // wall times belong to these
  std::string status;              // reached | capped | diverged
  int64_t steps = 0;
  std::optional<int64_t> steps_to_target;
  std::optional<double> time_to_target_s;
  double train_s = 0, eval_s = 0, wall_s = 0, ms_per_step = 0, ms_per_step_median = 0, samples_per_s = 0;
  double train_loss = 0, val_accuracy = 0, test_accuracy = 0;
  int64_t diverged_step = -1;
  std::string diverged_place;
  std::string state_hash;
  int attempts = 1;
  std::string started_at, finished_at;  // UTC, ISO 8601
  std::vector<RunReading> readings;
};

class ResultStore {
 public:
  enum class Mode { kReadWrite, kReadOnly };
  // Creates the file when read-write. Throws Error: kBadInput (not a store, other schema version), kIo.
  explicit ResultStore(const std::string& path, Mode mode = Mode::kReadWrite);
  ~ResultStore();

  // The stored run of this key, or nothing. Wall times are only this machine's if binary_id and host_id match.
  std::optional<RunRecord> Find(const std::string& key) const;
  // Insert or replace by (key); attempts = previous attempts + 1. One transaction, synchronous=FULL.
  void Put(const RunRecord& record);
  std::vector<RunRecord> All() const;  // ordered by experiment, arm, seed, key

  // Named JSON documents: definition of an experiment as it was run, environment, what a budget cut.
  void PutDocument(const std::string& name, const std::string& json);
  std::optional<std::string> FindDocument(const std::string& name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace batchmark
