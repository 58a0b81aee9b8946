// A run to put into a store, and a look past ResultStore into its file.
#pragma once

#include <sqlite3.h>

#include <string>

#include "reports/results.h"
#include "tests/support/catch.h"

namespace batchmark::test {

inline RunRecord MakeRun(const std::string& key, int seed, int readings = 20) {
  RunRecord r;
  r.key = key;
  r.experiment = "seed-keras-mnist";
  r.arm = "bn lr=0.01";
  r.spec = {{"bn.placement", "pre"},        {"lr", "0.01"},   {"net", "seed-cnn"},
            {"seed", std::to_string(seed)}, {"steps", "400"}, {"weight_decay", "1e-05"}};
  r.data_name = "synthetic";
  r.data_hash = "00ff";
  r.backend = "AVX2";
  r.compute = "fp32";
  r.threads = 2;
  r.status = "reached";
  r.steps = 400;
  r.steps_to_target = 140;
  r.time_to_target_s = 1.25;
  r.train_s = 3.5;
  r.train_loss = 0.1 + seed;
  r.state_hash = "abc";
  r.finished_at = "2024-01-01T00:00:00Z";
  for (int i = 1; i <= readings; ++i) r.readings.push_back({i * 20, "train_loss", 1.0 / i});
  return r;
}

// What SQLite itself answers: columns parted by |, a line a row.
inline std::string Shell(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  std::string out;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  const int code = sqlite3_exec(
      db, sql.c_str(),
      [](void* text, int n, char** values, char**) {
        for (int i = 0; i < n; ++i) {
          *static_cast<std::string*>(text) +=
              std::string(i ? "|" : "") + (values[i] ? values[i] : "NULL");
        }
        *static_cast<std::string*>(text) += "\n";
        return 0;
      },
      &out, nullptr);
  INFO(sqlite3_errmsg(db));
  CHECK(code == SQLITE_OK);
  sqlite3_close(db);
  return out;
}

}  // namespace batchmark::test
