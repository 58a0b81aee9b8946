// Standard streams.
#include "training/commands/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "core/base/check.h"

namespace batchmark {
namespace {

[[noreturn]] void Refuse(int error) {
  throw IoError(std::string("standard output cannot be written: ") + std::strerror(error));
}

}  // namespace

void PrepareStandardStreams() {
  // Opened the wrong way round, so that using the closed stream still fails.
  for (int fd = 0; fd <= 2; ++fd)
    if (fcntl(fd, F_GETFD) == -1) (void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
  std::signal(SIGPIPE, SIG_IGN);
}

void CheckStandardOutput() {
  const int flags = fcntl(STDOUT_FILENO, F_GETFL);
  if (flags == -1 || (flags & O_ACCMODE) == O_RDONLY) Refuse(EBADF);
}

void Print(const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) Refuse(errno);
    done += static_cast<size_t>(written);
  }
}

void MakeFolder(const std::string& folder) {
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error) throw IoError("cannot create " + folder + ": " + error.message());
}

void PrintNote(const std::string& sentence) {
  std::fprintf(stderr, "batchmark: %s\n", sentence.c_str());
}

}  // namespace batchmark
