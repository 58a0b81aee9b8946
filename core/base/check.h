// Two kinds of errors.
//   BATCHMARK_CHECK  a broken contract between our own parts: aborts with file, line and the expression.
//   Error            bad input from outside (file, flag, spec): one sentence, and the exit code that main returns.
#pragma once

#include <stdexcept>
#include <string>

namespace batchmark {

// Exit codes of the program; also the code an Error carries.
enum class ExitCode : int {
  kOk = 0,
  kCheckFailed = 1,
  kUsage = 2,
  kBadInput = 3,
  kIo = 4,
  kInterrupted = 130,
  kTerminated = 143,
};

class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

inline Error UsageError(const std::string& sentence) { return {ExitCode::kUsage, sentence}; }
inline Error InputError(const std::string& sentence) { return {ExitCode::kBadInput, sentence}; }
inline Error IoError(const std::string& sentence) { return {ExitCode::kIo, sentence}; }

[[noreturn]] void CheckFailed(const char* file, int line, const char* expression,
                              const std::string& detail);

}  // namespace batchmark

#define BATCHMARK_CHECK(condition)                                            \
  do {                                                                        \
    if (!(condition)) [[unlikely]]                                            \
      ::batchmark::CheckFailed(__FILE__, __LINE__, #condition, std::string()); \
  } while (0)

// With values: BATCHMARK_CHECK_MSG(rows > 0, "rows=" + std::to_string(rows)).
#define BATCHMARK_CHECK_MSG(condition, detail)                         \
  do {                                                                 \
    if (!(condition)) [[unlikely]]                                     \
      ::batchmark::CheckFailed(__FILE__, __LINE__, #condition, detail); \
  } while (0)
