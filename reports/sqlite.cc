// A thin skin over SQLite: connection, statement, transaction, and result codes turned into Errors.
#include "reports/sqlite.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cmath>
#include <limits>

#include "core/base/check.h"
#include "reports/store_file.h"

namespace batchmark {
namespace {

// "file:" address with what SQLite would read as syntax escaped.
std::string ImmutableUri(const std::string& path) {
  static const char kHex[] = "0123456789ABCDEF";
  std::string uri = "file:";
  for (unsigned char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      uri += '%';
      uri += kHex[c >> 4];
      uri += kHex[c & 15];
    } else {
      uri += static_cast<char>(c);
    }
  }
  return uri + "?immutable=1";
}

bool FileHasBytes(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && info.st_size > 0;
}

bool CannotOpen(int code) {
  return (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_READONLY;
}

}  // namespace

void CloseDatabase::operator()(sqlite3* handle) const { sqlite3_close(handle); }

Database::Database(const std::string& path, Open mode, int busy_ms) : path_(path), mode_(mode) {
  const bool reads = mode == Open::kReadOnly;
  CheckStorePath(path, /*must_exist=*/reads);
  const int create = reads ? 0 : SQLITE_OPEN_CREATE;
  int code = Try(path, SQLITE_OPEN_READWRITE | create, busy_ms);
  if (reads) {
    // A reader that may write the folder opens for writing, so that the last one out removes the
    // -wal and -shm files; it never changes a row (query_only). Where that fails it reads, and
    // where not even -shm can be made, as from a write-protected disk, the file is taken as
    // immutable.
    if (CannotOpen(code)) code = Try(path, SQLITE_OPEN_READONLY, busy_ms);
    if (CannotOpen(code) && !FileHasBytes(path + "-wal")) {
      code = Try(ImmutableUri(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, busy_ms);
    }
    if (code == SQLITE_OK) Execute("PRAGMA query_only=1");
  } else if (code == SQLITE_OK && sqlite3_db_readonly(handle(), "main") == 1) {
    code = SQLITE_READONLY;  // SQLite opens what it may not write, and says so at the first row
  }
  if (code != SQLITE_OK) Fail(code);
}

// Opens and reads once, since opening alone does not show whether the file can be used.
int Database::Try(const std::string& name, int flags, int busy_ms) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &opened, flags | SQLITE_OPEN_EXRESCODE, nullptr);
  handle_.reset(opened);
  if (opened == nullptr) throw IoError("cannot open store " + path_ + ": out of memory");
  if (code != SQLITE_OK) return code;
  sqlite3_busy_timeout(opened, busy_ms);
  return sqlite3_exec(opened, "SELECT count(*) FROM sqlite_master", nullptr, nullptr, nullptr);
}

void Database::Fail(int code) const {
  const bool told = sqlite3_errcode(handle()) != SQLITE_OK;
  const std::string words = told ? sqlite3_errmsg(handle()) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      throw InputError(path_ + " is not a results store, nor any SQLite file");
    case SQLITE_CORRUPT:
      throw InputError("store " + path_ + " is damaged: " + words);
    case SQLITE_FULL:
      throw IoError("cannot write store " + path_ + ": " + words + "; what it held is kept");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw IoError("store " + path_ + " is locked by another program");
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM: {
      const bool writing = mode_ == Open::kReadWriteCreate;
      const std::string obstacle = StoreObstacle(path_, writing);
      throw IoError(std::string("cannot ") + (writing ? "write" : "read") + " store " + path_ +
                    ": " + (obstacle.empty() ? words : obstacle));
    }
    default:
      throw IoError("cannot use store " + path_ + ": " + words);
  }
}

void Database::Execute(const std::string& sql) {
  const int code = sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) Fail(code);
}

int64_t Database::ScalarInt(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.Step() ? statement.Int(0) : 0;
}

std::string Database::ScalarText(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.Step() ? statement.Text(0) : "";
}

Statement::Statement(const Database& database, const std::string& sql) : database_(database) {
  const int code = sqlite3_prepare_v2(database.handle(), sql.c_str(), static_cast<int>(sql.size()),
                                      &handle_, nullptr);
  if (code != SQLITE_OK) database.Fail(code);
}

Statement::~Statement() { sqlite3_finalize(handle_); }

Statement& Statement::Bind(int index, const std::string& text) {
  const int code = sqlite3_bind_text(handle_, index, text.data(), static_cast<int>(text.size()),
                                     SQLITE_TRANSIENT);
  if (code != SQLITE_OK) database_.Fail(code);
  return *this;
}

Statement& Statement::Bind(int index, int64_t number) {
  if (const int code = sqlite3_bind_int64(handle_, index, number); code != SQLITE_OK) {
    database_.Fail(code);
  }
  return *this;
}

Statement& Statement::Bind(int index, double number) {
  if (std::isnan(number)) return BindNull(index);
  if (const int code = sqlite3_bind_double(handle_, index, number); code != SQLITE_OK) {
    database_.Fail(code);
  }
  return *this;
}

Statement& Statement::BindNull(int index) {
  if (const int code = sqlite3_bind_null(handle_, index); code != SQLITE_OK) database_.Fail(code);
  return *this;
}

bool Statement::Step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  database_.Fail(code);
}

void Statement::Run() {
  while (Step()) {
  }
  Reset();
}

void Statement::Reset() { sqlite3_reset(handle_); }

std::string Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return text ? std::string(text, static_cast<size_t>(sqlite3_column_bytes(handle_, column))) : "";
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(handle_, column); }

double Statement::Double(int column) const {
  return IsNull(column) ? std::numeric_limits<double>::quiet_NaN()
                        : sqlite3_column_double(handle_, column);
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

Transaction::Transaction(Database& database, Kind kind) : database_(database) {
  database_.Execute(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
  // After a full disk SQLite may have rolled back by itself; a second ROLLBACK then fails
  // harmlessly.
  if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::Commit() {
  database_.Execute("COMMIT");
  open_ = false;
}

}  // namespace batchmark
