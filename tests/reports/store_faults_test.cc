// The results store where things go wrong: refusals that name file and cause, and nothing lost
// under kill -9, a full disk and several writers.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "core/base/check.h"
#include "reports/results.h"
#include "tests/reports/store_util.h"
#include "tests/support/catch.h"
#include "tests/support/test_folder.h"

namespace batchmark {
namespace {

using test::MakeRun;
using test::Shell;

ExitCode CodeOf(const std::function<void()>& action, std::string* sentence = nullptr) {
  try {
    action();
  } catch (const Error& error) {
    if (sentence) *sentence = error.what();
    return error.code();
  }
  return ExitCode::kOk;
}

// Runs `body` in a child; returns the wait status. The child never returns into Catch2.
template <typename Body>
pid_t Fork(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      body();
      ::_exit(0);
    } catch (const Error& error) {
      ::_exit(static_cast<int>(error.code()));
    } catch (...) {
      ::_exit(99);
    }
  }
  return child;
}

TEST_CASE("what is no store is refused in one sentence and left as it was", "[results]") {
  TestFolder dir;
  const std::string path = dir / "r.db";
  std::string sentence;
  const auto open = [&](ResultStore::Mode mode) {
    return CodeOf([&] { ResultStore store(path, mode); }, &sentence);
  };
  const auto both = [&](ExitCode expected) {
    CHECK(open(ResultStore::Mode::kReadOnly) == expected);
    CHECK(open(ResultStore::Mode::kReadWrite) == expected);
    INFO(sentence);
    CHECK(sentence.find(path) != std::string::npos);
    CHECK(sentence.find('\n') == std::string::npos);
  };
  SECTION("missing, read-only") {
    CHECK(open(ResultStore::Mode::kReadOnly) == ExitCode::kBadInput);
    CHECK(sentence == "store " + path + " does not exist");
    CHECK_FALSE(std::filesystem::exists(path));
  }
  SECTION("empty file, read-only") {
    WriteText(path, "");
    CHECK(open(ResultStore::Mode::kReadOnly) == ExitCode::kBadInput);
  }
  SECTION("text") {
    const std::string text(5000, 'x');
    WriteText(path, text);
    both(ExitCode::kBadInput);
    CHECK(ReadText(path) == text);
  }
  SECTION("another program's database") {
    Shell(path, "CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    const std::string before = ReadText(path);
    both(ExitCode::kBadInput);
    CHECK(ReadText(path) == before);
  }
  SECTION("another schema version") {
    { ResultStore store(path); }
    Shell(path, "PRAGMA user_version = 99");
    both(ExitCode::kBadInput);
    CHECK(sentence.find("99") != std::string::npos);
  }
  SECTION("a folder") {
    std::filesystem::create_directory(path);
    both(ExitCode::kBadInput);
  }
  SECTION("a pipe: it is not waited for") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    both(ExitCode::kBadInput);
    CHECK(sentence == "store " + path + " is no regular file");
  }
}

TEST_CASE("damaged stores are refused or read, never crash", "[results]") {
  TestFolder dir;
  const std::string good = dir / "good.db";
  {
    ResultStore store(good);
    for (int i = 0; i < 20; ++i) store.Put(MakeRun("k" + std::to_string(i), i));
  }
  const std::string bytes = ReadText(good);
  const std::string path = dir / "bad.db";
  uint64_t state = 88172645463325252ull;
  const auto next = [&] {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
  };
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::string bad = bytes;
    if (round % 3 == 0) {
      bad.resize(next() % bytes.size());
    } else {
      for (int i = 0; i < 1 + round % 40; ++i) bad[next() % bad.size()] = static_cast<char>(next());
    }
    WriteText(path, bad);
    const ExitCode code = CodeOf([&] { ResultStore(path, ResultStore::Mode::kReadOnly).All(); });
    CHECK((code == ExitCode::kOk || code == ExitCode::kBadInput || code == ExitCode::kIo));
    refused += code != ExitCode::kOk;
  }
  CHECK(refused > 100);
}

TEST_CASE("kill -9 loses no acknowledged run and leaves no half run", "[results]") {
  TestFolder dir;
  const std::string path = dir / "r.db";
  { ResultStore store(path); }
  const int kReadings = 60;
  uint64_t acknowledged = 0;
  for (int round = 0; round < 12; ++round) {
    int pipe_ends[2];
    REQUIRE(::pipe(pipe_ends) == 0);
    const pid_t child = Fork([&] {
      ResultStore store(path);
      for (int i = 0;; ++i) {
        store.Put(MakeRun("r" + std::to_string(round) + "-" + std::to_string(i), i, kReadings));
        if (::write(pipe_ends[1], "x", 1) != 1) ::_exit(1);
      }
    });
    ::close(pipe_ends[1]);
    ::usleep(static_cast<useconds_t>(20'000 + round * 7'919));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    char buffer[256];
    uint64_t seen = 0;
    for (ssize_t n; (n = ::read(pipe_ends[0], buffer, sizeof buffer)) > 0;)
      seen += static_cast<uint64_t>(n);
    ::close(pipe_ends[0]);
    acknowledged += seen;
    const auto all = ResultStore(path, ResultStore::Mode::kReadOnly).All();
    CHECK(all.size() >= acknowledged);
    acknowledged = all.size();  // a commit may beat its acknowledgement: it counts from now on
    for (const RunRecord& run : all) CHECK(run.readings.size() == kReadings);
  }
  CHECK(acknowledged > 0);
  CHECK(Shell(path, "PRAGMA integrity_check") == "ok\n");
}

TEST_CASE("two writers and a reader share a store", "[results]") {
  TestFolder dir;
  const std::string path = dir / "r.db";  // not made yet: both create it at once
  const int kEach = 25;
  std::vector<pid_t> children;
  for (const char* name : {"a", "b", "c"}) {
    children.push_back(Fork([&] {
      ResultStore store(path);
      for (int i = 0; i < kEach; ++i) store.Put(MakeRun(name + std::to_string(i), i, 10));
      for (int i = 0; i < kEach; ++i) store.Put(MakeRun("shared", 1, 10));
    }));
  }
  for (pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  ResultStore store(path);
  CHECK(store.All().size() == 3 * kEach + 1);
  CHECK(store.Find("shared")->attempts == 3 * kEach);
}

TEST_CASE("a full disk ends with exit code 4 and keeps what was stored", "[results]") {
  TestFolder dir;
  const std::string path = dir / "r.db";
  { ResultStore store(path); }
  const pid_t child = Fork([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{400'000, 400'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ResultStore store(path);
    for (int i = 0; i < 100'000; ++i) store.Put(MakeRun("k" + std::to_string(i), i, 200));
  });
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == static_cast<int>(ExitCode::kIo));
  ResultStore store(path);
  const auto all = store.All();
  CHECK(all.size() > 5);
  for (const RunRecord& run : all) CHECK(run.readings.size() == 200);
  CHECK(Shell(path, "PRAGMA integrity_check") == "ok\n");
  store.Put(MakeRun("after", 1));
  CHECK(store.Find("after"));
}

// Permissions do not bind root: a child becomes nobody first. "" or the sentence of its Error,
// which must be I/O.
std::string AsNobody(const std::function<void()>& body) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = Fork([&] {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(98);
    std::string sentence;
    const ExitCode code = CodeOf(body, &sentence);
    const bool told = ::write(ends[1], sentence.data(), sentence.size()) >= 0;
    ::_exit(code == (sentence.empty() ? ExitCode::kOk : ExitCode::kIo) && told ? 0 : 97);
  });
  ::close(ends[1]);
  std::string sentence;
  char buffer[256];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    sentence.append(buffer, static_cast<size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  return sentence;
}

TEST_CASE("what permissions forbid is told before any work, exit code 4", "[results]") {
  const TestFolder dir;
  const std::string folder = dir / "runs", path = folder + "/r.db", other = folder + "/new.db";
  std::filesystem::create_directory(folder);
  const auto writes = [&](const std::string& file) {
    return AsNobody([&] { ResultStore store(file); });
  };
  const auto reads = [&](const std::string& file) {
    return AsNobody([&] {
      if (ResultStore(file, ResultStore::Mode::kReadOnly).All().size() != 1) ::_exit(96);
    });
  };
  ResultStore(path).Put(MakeRun("k", 1));
  ::chmod(dir.path().c_str(), 0755);

  ::chmod(path.c_str(), 0666), ::chmod(folder.c_str(), 0555);
  const std::string denied = ": folder " + folder + ": Permission denied";
  CHECK(writes(other) == "cannot write store " + other + denied);
  CHECK(writes(path) == "cannot write store " + path + denied);
  CHECK(reads(path).empty());

  ::chmod(path.c_str(), 0444), ::chmod(folder.c_str(), 0777);
  CHECK(writes(path) == "cannot write store " + path + ": Permission denied");
  CHECK(reads(path).empty());

  ::chmod(path.c_str(), 0000), ::chmod(folder.c_str(), 0777);
  CHECK(reads(path) == "cannot read store " + path + ": Permission denied");
  ::chmod(folder.c_str(), 0000);
  CHECK(reads(path) == "cannot open store " + path + ": Permission denied");
  CHECK(writes(path) == "cannot open store " + path + ": Permission denied");
  ::chmod(folder.c_str(), 0755);
}

TEST_CASE("a path that leads nowhere is told, exit code 4", "[results]") {
  const TestFolder dir;
  WriteText(dir / "text", "no folder");
  std::string sentence;
  const auto refused = [&](const std::string& path) {
    CHECK(CodeOf([&] { ResultStore store(path); }, &sentence) == ExitCode::kIo);
    return sentence;
  };
  const std::string deep = dir / "no/such/r.db", below = dir / "text/r.db";
  CHECK(refused(deep) == "cannot write store " + deep + ": there is no folder " + dir / "no/such");
  CHECK(refused(below) == "cannot write store " + below + ": " + dir / "text" + " is no folder");
  const std::string long_name = dir / std::string(300, 'x');
  CHECK(refused(long_name) == "cannot open store " + long_name + ": File name too long");
}

}  // namespace
}  // namespace batchmark
