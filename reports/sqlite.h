// A thin skin over SQLite: connection, statement, transaction, and result codes turned into Errors.
// Knows no table; the schema is results.cc's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace batchmark {

struct CloseDatabase {
  void operator()(sqlite3* handle) const;
};

class Database {
 public:
  enum class Open { kReadWriteCreate, kReadOnly };

  // Waits up to `busy_ms` for other writers. Throws Error: kBadInput where a file to be read is
  // missing, or what is there is no SQLite file, kIo where the file cannot be made, opened or, in
  // kReadWriteCreate, written. A file to be read in a folder where SQLite may not create its -shm
  // file is opened as immutable.
  Database(const std::string& path, Open mode, int busy_ms);
  Database(const Database&) = delete;  // statements and transactions refer to it
  Database& operator=(const Database&) = delete;

  void Execute(const std::string& sql);
  int64_t ScalarInt(const std::string& sql);
  std::string ScalarText(const std::string& sql);
  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_.get(); }

  // Never returns: code -> Error with the store's path and the cause.
  [[noreturn]] void Fail(int code) const;

 private:
  int Try(const std::string& name, int flags, int busy_ms);

  std::string path_;
  Open mode_;
  std::unique_ptr<sqlite3, CloseDatabase> handle_;
};

// One prepared statement. Bind counts from 1, columns from 0, as in SQLite. NaN is stored as NULL
// (SQLite has no NaN); infinities are kept.
class Statement {
 public:
  Statement(const Database& database, const std::string& sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Bind(int index, const std::string& text);
  Statement& Bind(int index, int64_t number);
  Statement& Bind(int index, int number) { return Bind(index, int64_t{number}); }
  Statement& Bind(int index, double number);
  template <typename T>
  Statement& Bind(int index, const std::optional<T>& value) {
    return value ? Bind(index, *value) : BindNull(index);
  }
  Statement& BindNull(int index);

  bool Step();  // true: a row is there
  void Run();   // Step until done, then Reset
  void Reset();

  std::string Text(int column) const;
  int64_t Int(int column) const;
  double Double(int column) const;  // NULL reads as NaN
  bool IsNull(int column) const;

 private:
  const Database& database_;
  sqlite3_stmt* handle_ = nullptr;
};

// BEGIN IMMEDIATE (or a plain BEGIN to read a snapshot) .. Commit(); rolled back when left without
// Commit.
class Transaction {
 public:
  enum class Kind { kWrite, kRead };
  Transaction(Database& database, Kind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void Commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace batchmark
