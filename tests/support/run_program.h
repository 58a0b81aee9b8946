// Runs a program as a user would: arguments, environment, folder, files for stdout and stderr,
// signals.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/test_folder.h"
#include "tests/support/text.h"

namespace batchmark {

struct ProgramSetup {
  std::string folder;  // working directory; empty: this one
  std::vector<std::pair<std::string, std::string>> environment;  // set on top of ours; "" removes
  std::string stdout_to;  // a file; "-" closes it; empty: captured
};

struct ProgramResult {
  int code = -1;  // exit code, or -signal
  std::string out, err;
};

class RunningProgram {
 public:
  RunningProgram(std::vector<std::string> command, const ProgramSetup& setup = {}) {
    const std::string out = setup.stdout_to.empty() ? files_ / "out" : setup.stdout_to;
    const std::string err = files_ / "err";
    child_ = fork();
    if (child_ < 0) throw std::runtime_error("fork failed");
    if (child_ == 0) Become(command, setup, out, err);
  }
  ~RunningProgram() {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
  }

  void Signal(int number) const { kill(child_, number); }

  // Waits until `ready` holds; false after 60 s.
  static bool Until(const std::function<bool()>& ready) {
    for (int i = 0; i < 6000; ++i) {
      if (ready()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  // Waits for the end; a program that does not end within two minutes is killed.
  ProgramResult Wait() {
    int status = 0;
    bool ended = false;
    for (int i = 0; i < 24000 && !ended; ++i) {
      ended = waitpid(child_, &status, WNOHANG) == child_;
      if (!ended) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    if (!ended) {
      kill(child_, SIGKILL);
      waitpid(child_, &status, 0);
    }
    child_ = -1;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return {code, ReadText(files_ / "out"), ReadText(files_ / "err")};
  }

 private:
  // In the child: only what is safe between fork and exec in a program without other threads.
  [[noreturn]] static void Become(std::vector<std::string>& command, const ProgramSetup& setup,
                                  const std::string& out, const std::string& err) {
    for (const auto& [name, value] : setup.environment)
      value.empty() ? unsetenv(name.c_str()) : setenv(name.c_str(), value.c_str(), 1);
    if (!setup.folder.empty() && chdir(setup.folder.c_str()) != 0) _exit(126);
    dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), STDERR_FILENO);
    if (setup.stdout_to == "-") {
      close(STDOUT_FILENO);
    } else {
      dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), STDOUT_FILENO);
    }
    std::vector<char*> words;
    for (std::string& word : command) words.push_back(word.data());
    words.push_back(nullptr);
    execvp(words[0], words.data());
    _exit(127);
  }

  TestFolder files_;
  pid_t child_ = -1;
};

inline ProgramResult RunProgram(std::vector<std::string> command, const ProgramSetup& setup = {}) {
  return RunningProgram(std::move(command), setup).Wait();
}

// Nothing on stdout, and one sentence that says `part`.
inline void CheckRefused(const ProgramResult& result, int code, const std::string& part) {
  CAPTURE(result.err, result.out, part);
  CHECK(result.code == code);
  CHECK(result.out.empty());
  CHECK(IsOneSentence(result.err));
  CHECK(Has(result.err, part));
}

}  // namespace batchmark
