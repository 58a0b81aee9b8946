// fork, exec, and signals that are waited for, not polled: a parent that wakes up would disturb
// what its child measures.
#include "training/commands/child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "core/base/check.h"

namespace batchmark {
namespace {

constexpr int kCannotStart = 127;

[[noreturn]] void Become(std::vector<char*>& words, const sigset_t& signals, bool silent) {
  std::signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, &signals, nullptr);
  if (silent) {
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
  }
  execv(words[0], words.data());
  _exit(kCannotStart);
}

}  // namespace

int RunChild(const std::string& program, const std::vector<std::string>& arguments, bool silent) {
  if (access(program.c_str(), X_OK) != 0)
    throw IoError(program + " cannot be run: " + std::strerror(errno));
  std::vector<std::string> texts = {program};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> words;
  for (std::string& text : texts) words.push_back(text.data());
  words.push_back(nullptr);

  sigset_t waited, before;
  sigemptyset(&waited);
  for (const int number : {SIGCHLD, SIGINT, SIGTERM}) sigaddset(&waited, number);
  sigprocmask(SIG_BLOCK, &waited, &before);
  const pid_t child = fork();
  if (child == 0) Become(words, before, silent);
  if (child < 0) throw IoError(program + " cannot be started: " + std::strerror(errno));
  int status = 0;
  int stopped_by = 0;
  while (waitpid(child, &status, WNOHANG) != child) {
    const int number = sigwaitinfo(&waited, nullptr);
    if (number != SIGINT && number != SIGTERM) continue;
    stopped_by = number;
    kill(child, number);
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (stopped_by != 0) return 128 + stopped_by;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace batchmark
