#include "training/data/fetch.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/check.h"
#include "core/base/temporary_folder.h"
#include "training/data/search.h"

namespace batchmark {
namespace {

namespace fs = std::filesystem;

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Runs a program found on the path, its output into a file; returns the status of waitpid.
// Arguments go as they are: no shell reads them.
int RunToLog(std::vector<std::string> arguments, const std::string& log) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t child = 0;
  const int error = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw IoError(arguments[0] + " cannot be started: " + std::strerror(error));
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw IoError(arguments[0] + " was lost: " + std::strerror(errno));
  }
  return status;
}

std::string JoinList(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ";") + item;
  return text;
}

// What the script reported, or the end of its log if it could not.
std::string Reason(const std::string& report, const std::string& log) {
  std::string text = ReadText(report);
  if (text.empty()) text = "fetching failed: " + ReadText(log);
  constexpr size_t kEnough = 2000;
  text.resize(std::min(text.size(), kEnough));
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

void CheckDownloadable(const std::string& data) {
  if (data == "mnist" || data == "fashion-mnist") return;
  throw InputError("set " + data + " cannot be downloaded, expected mnist or fashion-mnist");
}

}  // namespace

std::string FetchFolder(const std::string& data) {
  CheckDownloadable(data);
  const std::string cache = CacheFolder();
  if (cache.empty())
    throw IoError("neither XDG_CACHE_HOME nor HOME is set, so there is no place to put " + data);
  return cache + (data == "mnist" ? "/MNIST/raw" : "/FashionMNIST/raw");
}

std::string FetchDataset(const FetchRequest& request) {
  CheckDownloadable(request.data);
  const std::string folder =
      fs::absolute(request.folder.empty() ? FetchFolder(request.data) : request.folder).string();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw IoError(folder + ": " + error.message());
  if (access(folder.c_str(), W_OK) != 0) throw IoError(folder + ": " + std::strerror(errno));

  const TemporaryFolder temporary("fetch");  // the script, its log and its report
  const std::string script = temporary / "fetch.cmake";
  const std::string log = temporary / "log", report = temporary / "report";
  if (!(std::ofstream(script) << FetchScript()).flush())
    throw IoError(script + ": cannot be written");
  const int status =
      RunToLog({"cmake", "-DSET=" + request.data, "-DFOLDER=" + folder, "-DREPORT=" + report,
                "-DTIMEOUT=" + std::to_string(request.timeout_s),
                "-DMIRRORS=" + JoinList(request.mirrors), "-P", script},
               log);
  if (WIFSIGNALED(status)) {
    const bool interrupted = WTERMSIG(status) == SIGINT;
    throw Error(interrupted ? ExitCode::kInterrupted : ExitCode::kTerminated,
                "the download of " + request.data + " was stopped");
  }
  if (WEXITSTATUS(status) == 127)
    throw IoError("cmake cannot be started, and it is needed to download");
  if (WEXITSTATUS(status) != 0) throw IoError(Reason(report, log));
  return folder;
}

}  // namespace batchmark
