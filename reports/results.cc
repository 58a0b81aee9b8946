// The results store: its schema, and runs in and out of it. SQLite's own details are in sqlite.cc.
#include "reports/results.h"

#include <chrono>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>
#include <type_traits>

#include "core/base/check.h"
#include "reports/run_columns.h"
#include "reports/sqlite.h"

namespace batchmark {
namespace {

constexpr int64_t kApplicationId = 0x424d524b;  // "BMRK": what `file` and we know a store by
constexpr int64_t kSchemaVersion =
    1;                           // a store of another version is refused, never migrated silently
constexpr int kBusyMs = 30'000;  // a writer holds the lock for milliseconds; 30 s is a hung machine

// What SQLite calls the type of a field; NULL in a REAL column is "not a number", or "never
// arrived".
std::string SqlType(const RunField& field) {
  static const char* const types[] = {"TEXT", "INTEGER", "INTEGER", "REAL", "INTEGER", "REAL"};
  return types[field.index()];
}

template <typename T>
T ReadAs(const Statement& row, int column) {
  if constexpr (std::is_same_v<T, std::string>) {
    return row.Text(column);
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(row.Int(column));
  } else if constexpr (std::is_same_v<T, double>) {
    return row.Double(column);
  } else {
    using Value = typename T::value_type;
    return row.IsNull(column) ? T() : T(ReadAs<Value>(row, column));
  }
}

void BindField(Statement& statement, int index, const RunRecord& run, const RunField& field) {
  std::visit([&](auto member) { statement.Bind(index, run.*member); }, field);
}

void ReadField(const Statement& row, int column, RunRecord& run, const RunField& field) {
  std::visit(
      [&](auto member) {
        run.*member = ReadAs<std::remove_reference_t<decltype(run.*member)>>(row, column);
      },
      field);
}

std::string Joined(const std::string& before, const std::string& after) {
  std::string list;
  for (const RunColumn& column : RunColumns()) list += ", " + before + column.name + after;
  return list;
}

std::string Quoted(const std::string& text, char quote) {
  std::string out(1, quote);
  for (char c : text) {
    if (c == quote) out += c;
    out += c;
  }
  return out + quote;
}

std::string SchemaSql() {
  std::string columns;
  for (const RunColumn& column : RunColumns()) {
    columns += std::string(", ") + column.name + " " + SqlType(column.field);
  }
  return "CREATE TABLE runs(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE" + columns +
         ", spec TEXT NOT NULL);"
         "CREATE TABLE memberships(experiment TEXT NOT NULL, arm TEXT NOT NULL, run_id INTEGER NOT "
         "NULL "
         "REFERENCES runs(id), PRIMARY KEY(experiment, arm, run_id)) WITHOUT ROWID;"
         "CREATE INDEX memberships_of_run ON memberships(run_id);"
         "CREATE TABLE reading_values(run_id INTEGER NOT NULL REFERENCES runs(id), name TEXT NOT "
         "NULL, "
         "step INTEGER NOT NULL, value REAL, PRIMARY KEY(run_id, name, step)) WITHOUT ROWID;"
         "CREATE TABLE documents(name TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;"
         "CREATE TABLE spec_keys(name TEXT PRIMARY KEY) WITHOUT ROWID;"
         "CREATE VIEW readings AS SELECT runs.key AS run_key, step, name, value "
         "FROM reading_values JOIN runs ON runs.id = run_id;"
         "CREATE VIEW spec AS SELECT runs.key AS run_key, pair.key AS name, pair.value AS value "
         "FROM runs, json_each(runs.spec) AS pair;"
         "PRAGMA application_id=" +
         std::to_string(kApplicationId) + ";PRAGMA user_version=" + std::to_string(kSchemaVersion) +
         ";";
}

// runs_wide has a column for every spec key seen so far; numbers come out as numbers.
void RebuildWideView(Database& database) {
  std::string select =
      "SELECT coalesce(m.experiment, '') AS experiment, coalesce(m.arm, '') AS arm, r.key AS key" +
      Joined("r.", "");
  Statement keys(database, "SELECT name FROM spec_keys ORDER BY name");
  while (keys.Step()) {
    const std::string name = keys.Text(0);
    const std::string value = "json_extract(r.spec, " + Quoted("$.\"" + name + "\"", '\'') + ")";
    select += ", CASE WHEN json_valid(" + value + ") AND json_type(" + value +
              ") IN ('integer', 'real') THEN " + value + " + 0 ELSE " + value + " END AS " +
              Quoted(SpecColumnName(name), '"');
  }
  database.Execute("DROP VIEW IF EXISTS runs_wide");
  database.Execute("CREATE VIEW runs_wide AS " + select +
                   " FROM runs AS r LEFT JOIN memberships AS m ON m.run_id = r.id");
}

bool IsEmptyFile(const std::string& path) {
  std::error_code error;
  return !std::filesystem::exists(path, error) || std::filesystem::file_size(path, error) == 0;
}

void CheckSchema(Database& database) {
  const std::string& path = database.path();
  if (database.ScalarInt("PRAGMA application_id") != kApplicationId) {
    throw InputError(path + " is not a results store");
  }
  const int64_t version = database.ScalarInt("PRAGMA user_version");
  if (version != kSchemaVersion) {
    throw InputError("store " + path + " has schema version " + std::to_string(version) +
                     ", this program reads version " + std::to_string(kSchemaVersion));
  }
}

// Two programs may create the same file at once: the second finds the schema made and only checks
// it.
void CreateSchema(Database& database) {
  Transaction transaction(database, Transaction::Kind::kWrite);
  if (database.ScalarInt("SELECT count(*) FROM sqlite_master") == 0) {
    database.Execute(SchemaSql());
    RebuildWideView(database);
  }
  transaction.Commit();
}

// Entering WAL needs the file for itself and does not wait for others by the busy timeout.
void EnterWal(Database& database) {
  for (int attempt = 0; attempt < 200; ++attempt) {
    try {
      database.ScalarText("PRAGMA journal_mode=WAL");
      return;
    } catch (const Error&) {
      if (attempt == 199) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

std::string SpecText(const std::map<std::string, std::string>& spec) {
  return nlohmann::json(spec).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

const char kFrom[] = " FROM runs AS r LEFT JOIN memberships AS m ON m.run_id = r.id ";

std::string SelectSql(const std::string& rest) {
  return "SELECT r.id, r.key, coalesce(m.experiment, ''), coalesce(m.arm, ''), r.spec" +
         Joined("r.", "") + kFrom + rest;
}

RunRecord ReadRun(const Statement& row, Statement& readings, const std::string& path) {
  RunRecord record;
  record.key = row.Text(1);
  record.experiment = row.Text(2);
  record.arm = row.Text(3);
  try {
    record.spec = nlohmann::json::parse(row.Text(4)).get<std::map<std::string, std::string>>();
  } catch (const nlohmann::json::exception&) {
    throw InputError("store " + path + " is damaged: the spec of run " + record.key +
                     " is no flat object");
  }
  int index = 5;
  for (const RunColumn& column : RunColumns()) ReadField(row, index++, record, column.field);
  readings.Bind(1, row.Int(0));
  while (readings.Step())
    record.readings.push_back({readings.Int(0), readings.Text(1), readings.Double(2)});
  readings.Reset();
  return record;
}

const char kReadingsOf[] =
    "SELECT step, name, value FROM reading_values WHERE run_id = ? ORDER BY step, name";

void Join(Database& database, int64_t run, const std::string& experiment, const std::string& arm) {
  if (experiment.empty() && arm.empty()) return;
  Statement(database, "INSERT OR IGNORE INTO memberships VALUES(?, ?, ?)")
      .Bind(1, experiment)
      .Bind(2, arm)
      .Bind(3, run)
      .Run();
}

}  // namespace

struct ResultStore::State {
  State(const std::string& path, Mode mode)
      : database(
            path,
            mode == Mode::kReadOnly ? Database::Open::kReadOnly : Database::Open::kReadWriteCreate,
            kBusyMs) {}

  int64_t Upsert(const RunRecord& record) {
    std::string marks, updates;
    for (const RunColumn& column : RunColumns()) {
      marks += ", ?";
      const std::string name = column.name;
      updates +=
          ", " + name + (name == "attempts" ? " = runs.attempts + 1" : " = excluded." + name);
    }
    Statement put(database, "INSERT INTO runs(key, spec" + Joined("", "") + ") VALUES(?, ?" +
                                marks + ") ON CONFLICT(key) DO UPDATE SET spec = excluded.spec" +
                                updates + " RETURNING id");
    put.Bind(1, record.key).Bind(2, SpecText(record.spec));
    int index = 3;
    for (const RunColumn& column : RunColumns()) BindField(put, index++, record, column.field);
    put.Step();
    const int64_t id = put.Int(0);
    put.Step();
    return id;
  }

  void WriteReadings(int64_t run, const std::vector<RunReading>& readings) {
    Statement(database, "DELETE FROM reading_values WHERE run_id = ?").Bind(1, run).Run();
    Statement put(database, "INSERT OR REPLACE INTO reading_values VALUES(?, ?, ?, ?)");
    for (const RunReading& reading : readings) {
      put.Bind(1, run).Bind(2, reading.name).Bind(3, reading.step).Bind(4, reading.value).Run();
    }
  }

  void NoteSpecKeys(const std::map<std::string, std::string>& spec) {
    const int64_t before = database.ScalarInt("SELECT count(*) FROM spec_keys");
    Statement put(database, "INSERT OR IGNORE INTO spec_keys VALUES(?)");
    for (const auto& [name, value] : spec) put.Bind(1, name).Run();
    if (database.ScalarInt("SELECT count(*) FROM spec_keys") != before) RebuildWideView(database);
  }

  Database database;
};

ResultStore::ResultStore(const std::string& path, Mode mode) {
  state_ = std::make_unique<State>(path, mode);
  Database& database = state_->database;
  if (mode == Mode::kReadOnly) {
    CheckSchema(database);
    return;
  }
  // Look before touching: a foreign database must not be switched to WAL or given our tables.
  if (!IsEmptyFile(path) && database.ScalarInt("SELECT count(*) FROM sqlite_master") > 0) {
    CheckSchema(database);
  }
  EnterWal(database);
  database.Execute("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON");
  if (database.ScalarInt("SELECT count(*) FROM sqlite_master") == 0) CreateSchema(database);
  CheckSchema(database);
}

ResultStore::~ResultStore() = default;

std::optional<RunRecord> ResultStore::Find(const std::string& key) const {
  Transaction snapshot(state_->database, Transaction::Kind::kRead);
  Statement row(state_->database,
                SelectSql("WHERE r.key = ? ORDER BY m.experiment, m.arm LIMIT 1"));
  Statement readings(state_->database, kReadingsOf);
  if (!row.Bind(1, key).Step()) return std::nullopt;
  return ReadRun(row, readings, state_->database.path());
}

void ResultStore::Put(const RunRecord& record) {
  BATCHMARK_CHECK(!record.key.empty());
  Transaction transaction(state_->database, Transaction::Kind::kWrite);
  const int64_t run = state_->Upsert(record);
  state_->WriteReadings(run, record.readings);
  Join(state_->database, run, record.experiment, record.arm);
  state_->NoteSpecKeys(record.spec);
  transaction.Commit();
}

bool ResultStore::Attach(const std::string& key, const std::string& experiment,
                         const std::string& arm) {
  Transaction transaction(state_->database, Transaction::Kind::kWrite);
  {
    Statement find(state_->database, "SELECT id FROM runs WHERE key = ?");
    if (!find.Bind(1, key).Step()) return false;
    Join(state_->database, find.Int(0), experiment, arm);
  }
  transaction.Commit();
  return true;
}

std::vector<RunRecord> ResultStore::All() const {
  Transaction snapshot(state_->database, Transaction::Kind::kRead);
  Statement row(state_->database,
                SelectSql("ORDER BY coalesce(m.experiment, ''), coalesce(m.arm, ''), "
                          "CAST(json_extract(r.spec, '$.seed') AS INTEGER), r.key"));
  Statement readings(state_->database, kReadingsOf);
  std::vector<RunRecord> records;
  while (row.Step()) records.push_back(ReadRun(row, readings, state_->database.path()));
  return records;
}

void ResultStore::PutDocument(const std::string& name, const std::string& json) {
  Transaction transaction(state_->database, Transaction::Kind::kWrite);
  Statement(state_->database, "INSERT OR REPLACE INTO documents VALUES(?, ?)")
      .Bind(1, name)
      .Bind(2, json)
      .Run();
  transaction.Commit();
}

std::optional<std::string> ResultStore::FindDocument(const std::string& name) const {
  Statement find(state_->database, "SELECT json FROM documents WHERE name = ?");
  if (!find.Bind(1, name).Step()) return std::nullopt;
  return find.Text(0);
}

std::map<std::string, std::string> ResultStore::Documents() const {
  std::map<std::string, std::string> documents;
  Statement all(state_->database, "SELECT name, json FROM documents");
  while (all.Step()) documents[all.Text(0)] = all.Text(1);
  return documents;
}

}  // namespace batchmark
