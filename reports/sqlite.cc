// A thin skin over SQLite: connection, statement, transaction, and result codes turned into Errors.
#include "reports/sqlite.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "core/base/check.h"

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

void RequireReadableFile(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) throw InputError("store " + path + " does not exist");
  if (std::filesystem::is_directory(status)) throw InputError("store " + path + " is a folder");
}

bool CannotOpen(int code) {
  return (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_READONLY;
}

}  // namespace

Database::Database(const std::string& path, Open mode, int busy_ms) : path_(path) {
  if (path.empty()) throw UsageError("the store's path is empty");
  if (std::filesystem::is_directory(path)) throw InputError("store " + path + " is a folder");
  if (mode == Open::kReadOnly) RequireReadableFile(path);
  int code = Try(
      path,
      mode == Open::kReadOnly ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
      busy_ms);
  if (mode == Open::kReadOnly) {
    // A reader that may write the folder opens for writing, so that the last one out removes the
    // -wal and -shm files; it never changes a row (query_only). Where that fails it reads, and
    // where not even -shm can be made, as from a write-protected disk, the file is taken as
    // immutable.
    if (CannotOpen(code)) code = Try(path, SQLITE_OPEN_READONLY, busy_ms);
    if (CannotOpen(code) && !FileHasBytes(path + "-wal")) {
      code = Try(ImmutableUri(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, busy_ms);
    }
    if (code == SQLITE_OK) Execute("PRAGMA query_only=1");
  }
  if (code != SQLITE_OK) {
    const std::string words = sqlite3_errmsg(handle_);
    sqlite3_close(handle_);
    handle_ = nullptr;
    if ((code & 0xff) == SQLITE_NOTADB)
      throw InputError(path + " is not a results store: " + words);
    if ((code & 0xff) == SQLITE_CORRUPT)
      throw InputError("store " + path + " is damaged: " + words);
    throw IoError("cannot open store " + path + ": " + words);
  }
}

// Opens and reads once, since opening alone does not show whether the file can be used.
int Database::Try(const std::string& name, int flags, int busy_ms) {
  sqlite3_close(handle_);
  handle_ = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &handle_, flags | SQLITE_OPEN_EXRESCODE, nullptr);
  if (handle_ == nullptr) throw IoError("cannot open store " + path_ + ": out of memory");
  if (code != SQLITE_OK) return code;
  sqlite3_busy_timeout(handle_, busy_ms);
  return sqlite3_exec(handle_, "SELECT count(*) FROM sqlite_master", nullptr, nullptr, nullptr);
}

Database::~Database() { sqlite3_close(handle_); }

void Database::Fail(int code) const {
  const std::string words = sqlite3_errmsg(handle_);
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      throw InputError(path_ + " is not a results store: " + words);
    case SQLITE_CORRUPT:
      throw InputError("store " + path_ + " is damaged: " + words);
    case SQLITE_FULL:
      throw IoError("cannot write store " + path_ + ": " + words + "; what it held is kept");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw IoError("store " + path_ + " is locked by another program");
    default:
      throw IoError("cannot use store " + path_ + ": " + words);
  }
}

void Database::Execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
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
