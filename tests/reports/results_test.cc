// The results store: round trip, refusals, and nothing lost under kill -9, a full disk and two
// writers.
#include "reports/results.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <functional>
#include <limits>

#include "core/base/check.h"
#include "tests/support/catch.h"
#include "tests/support/test_folder.h"

namespace batchmark {
namespace {

RunRecord MakeRun(const std::string& key, int seed, int readings = 20) {
  RunRecord r;
  r.key = key;
  r.experiment = "seed-keras-mnist";
  r.arm = "bn lr=0.01";
  r.spec = {{"bn.placement", "pre"},        {"lr", "0.01"},   {"net", "seed-cnn"},
            {"seed", std::to_string(seed)}, {"steps", "400"}, {"weight_decay", "1e-05"}};
  r.data_name = "synthetic";
  r.data_hash = "00ff";
  r.backend = "AVX2";
  r.compute = "fp32";
  r.threads = 2;
  r.status = "reached";
  r.steps = 400;
  r.steps_to_target = 140;
  r.time_to_target_s = 1.25;
  r.train_s = 3.5;
  r.train_loss = 0.1 + seed;
  r.state_hash = "abc";
  r.finished_at = "2024-01-01T00:00:00Z";
  for (int i = 1; i <= readings; ++i) r.readings.push_back({i * 20, "train_loss", 1.0 / i});
  return r;
}

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

std::string Shell(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  std::string out;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  const int code = sqlite3_exec(
      db, sql.c_str(),
      [](void* text, int n, char** values, char**) {
        for (int i = 0; i < n; ++i) {
          *static_cast<std::string*>(text) +=
              std::string(i ? "|" : "") + (values[i] ? values[i] : "NULL");
        }
        *static_cast<std::string*>(text) += "\n";
        return 0;
      },
      &out, nullptr);
  INFO(sqlite3_errmsg(db));
  CHECK(code == SQLITE_OK);
  sqlite3_close(db);
  return out;
}

TEST_CASE("a run comes back as it was put", "[results]") {
  TestFolder dir;
  ResultStore store(dir / "r.db");
  RunRecord in = MakeRun("k1", 1);
  in.readings.push_back({20, "val_accuracy", std::numeric_limits<double>::quiet_NaN()});
  in.val_accuracy = std::numeric_limits<double>::infinity();
  store.Put(in);

  const std::optional<RunRecord> out = store.Find("k1");
  REQUIRE(out);
  CHECK(out->experiment == in.experiment);
  CHECK(out->arm == in.arm);
  CHECK(out->spec == in.spec);
  CHECK(out->steps_to_target == in.steps_to_target);
  CHECK(out->time_to_target_s == in.time_to_target_s);
  CHECK(out->train_loss == in.train_loss);
  CHECK(std::isinf(out->val_accuracy));
  CHECK(out->threads == 2);
  CHECK(out->attempts == 1);
  CHECK(out->diverged_step == -1);
  REQUIRE(out->readings.size() == 21);
  CHECK(out->readings[0].name == "train_loss");
  CHECK(out->readings[1].name == "val_accuracy");
  CHECK(std::isnan(out->readings[1].value));
  CHECK_FALSE(store.Find("k2"));
}

TEST_CASE("putting again replaces the run and counts the attempt", "[results]") {
  TestFolder dir;
  ResultStore store(dir / "r.db");
  store.Put(MakeRun("k", 1, 30));
  RunRecord again = MakeRun("k", 1, 10);
  again.steps_to_target.reset();
  again.time_to_target_s.reset();
  again.status = "diverged";
  store.Put(again);
  const auto all = store.All();
  REQUIRE(all.size() == 1);
  CHECK(all[0].attempts == 2);
  CHECK(all[0].readings.size() == 10);
  CHECK_FALSE(all[0].steps_to_target);
  CHECK_FALSE(all[0].time_to_target_s);
}

TEST_CASE("All is ordered by experiment, arm, seed as a number, key", "[results]") {
  TestFolder dir;
  ResultStore store(dir / "r.db");
  for (int seed : {10, 9, 1}) store.Put(MakeRun("a" + std::to_string(seed), seed));
  RunRecord single = MakeRun("z", 3);
  single.experiment = single.arm = "";
  store.Put(single);
  const auto all = store.All();
  REQUIRE(all.size() == 4);
  CHECK(all[0].key == "z");
  CHECK(all[1].key == "a1");
  CHECK(all[2].key == "a9");
  CHECK(all[3].key == "a10");
}

TEST_CASE("one run can serve the arms of several experiments", "[results]") {
  TestFolder dir;
  ResultStore store(dir / "r.db");
  store.Put(MakeRun("k", 1));
  CHECK(store.Attach("k", "bn-placement", "pre"));
  CHECK(store.Attach("k", "bn-placement", "pre"));
  CHECK_FALSE(store.Attach("missing", "bn-placement", "pre"));
  const auto all = store.All();
  REQUIRE(all.size() == 2);
  CHECK(all[0].experiment == "bn-placement");
  CHECK(all[1].experiment == "seed-keras-mnist");
  CHECK(all[0].attempts == 1);
  CHECK(all[0].readings.size() == all[1].readings.size());
}

TEST_CASE("documents are kept by name", "[results]") {
  TestFolder dir;
  ResultStore store(dir / "r.db");
  CHECK_FALSE(store.FindDocument("budget"));
  store.PutDocument("budget", "{\"a\":1}");
  store.PutDocument("budget", "{\"a\":2}");
  CHECK(store.FindDocument("budget") == std::string("{\"a\":2}"));
  CHECK(store.Documents().size() == 1);
}

TEST_CASE("the tables read well in plain SQL", "[results]") {
  TestFolder dir;
  const std::string path = dir / "r.db";
  {
    ResultStore store(path);
    store.Put(MakeRun("k", 7, 2));
  }
  CHECK(Shell(path,
              "SELECT experiment, arm, \"bn.placement\", lr, typeof(lr), seed, typeof(seed), "
              "weight_decay, net, spec_steps, steps, steps_to_target FROM runs_wide") ==
        "seed-keras-mnist|bn lr=0.01|pre|0.01|real|7|integer|1.0e-05|seed-cnn|400|400|140\n");
  CHECK(Shell(path, "SELECT * FROM readings ORDER BY step") ==
        "k|20|train_loss|1.0\nk|40|train_loss|0.5\n");
  CHECK(Shell(path, "SELECT value FROM spec WHERE run_key = 'k' AND name = 'lr'") == "0.01\n");
  CHECK(Shell(path, "PRAGMA journal_mode") == "wal\n");
}

TEST_CASE("spec keys with quotes do not break the view", "[results]") {
  TestFolder dir;
  ResultStore store(dir / "r.db");
  RunRecord run = MakeRun("k", 1);
  run.spec["it's odd"] = "o'clock";
  run.experiment = "x'); DROP TABLE runs; --";
  store.Put(run);
  CHECK(store.All().at(0).spec.at("it's odd") == "o'clock");
  CHECK(Shell(dir / "r.db", "SELECT \"it's odd\" FROM runs_wide") == "o'clock\n");
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
  SECTION("a folder that does not exist") {
    CHECK(CodeOf([&] { ResultStore store(dir / "no/such/r.db"); }) == ExitCode::kIo);
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

TEST_CASE("a read-only folder can be read, and refuses to be written with exit code 4",
          "[results]") {
  TestFolder dir;
  const std::string path = dir / "r.db";
  {
    ResultStore store(path);
    store.Put(MakeRun("k", 1));
  }
  const auto as_nobody = [&](const std::function<void()>& body) {
    const pid_t child = Fork([&] {
      // Permissions do not bind root: the child becomes nobody first.
      if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(98);
      body();
    });
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  using std::filesystem::perms;
  const perms read = perms::owner_read | perms::group_read | perms::others_read;
  std::filesystem::permissions(path, read);
  std::filesystem::permissions(dir.path(),
                               read | perms::owner_exec | perms::group_exec | perms::others_exec);
  CHECK(as_nobody([&] {
          if (ResultStore(path, ResultStore::Mode::kReadOnly).All().size() != 1) ::_exit(97);
        }) == 0);
  CHECK(as_nobody([&] { ResultStore(path).Put(MakeRun("k", 1)); }) ==
        static_cast<int>(ExitCode::kIo));
  std::filesystem::permissions(dir.path(), perms::owner_all);
}

}  // namespace
}  // namespace batchmark
