// compare, merge and export from outside: what they print, exit codes, and what they leave alone.
#include "reports/results.h"
#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/small_set.h"

namespace batchmark {
namespace {

namespace fs = std::filesystem;

RunRecord Made(int seed, double ms, const std::string& bits = "") {
  RunRecord run;
  run.experiment = "e", run.arm = "BN, lr 0.1";
  run.key = "key" + std::to_string(seed);
  run.spec = {{"seed", std::to_string(seed)}, {"lr", "0.1"}, {"steps", "100"}};
  run.status = "reached", run.steps = 100, run.steps_to_target = 40;
  run.ms_per_step = ms, run.train_s = ms / 10, run.time_to_target_s = ms / 25;
  run.state_hash = "h" + std::to_string(seed) + bits;
  run.readings = {{50, "train_loss", 0.5}};
  return run;
}

struct Place {
  TestFolder folder;

  void Fill(const std::string& name, int seeds, double factor) const {
    ResultStore store(folder / name);
    for (int seed = 1; seed <= seeds; ++seed) store.Put(Made(seed, factor * (10 + 0.1 * seed)));
  }
  ProgramResult Run(std::vector<std::string> words, const std::string& stdout_to = "") const {
    words.insert(words.begin(), BATCHMARK_PROGRAM);
    return RunProgram(words, {folder.path(), {}, stdout_to});
  }
  std::string Path(const std::string& name) const { return folder / name; }
};

// Google Benchmark's JSON with one benchmark, in microseconds.
std::string BenchFile(std::vector<double> times) {
  std::string text;
  for (const double time : times)
    text += (text.empty() ? "" : ",") +
            std::string(R"({"name":"x/avx2/t1","run_name":"x/avx2/t1","run_type":"iteration",)") +
            R"("real_time":)" + std::to_string(time) + R"(,"time_unit":"us"})";
  return R"({"context":{"backend":"avx2"},"benchmarks":[)" + text + "]}";
}

TEST_CASE("compare: exit 1 needs the test and the minimum effect", "[compare]") {
  const Place place;
  place.Fill("a.db", 8, 1.0);
  place.Fill("slow.db", 8, 1.2);
  place.Fill("little.db", 8, 1.02);
  place.Fill("few.db", 3, 2.0);
  const ProgramResult worse = place.Run({"compare", "a.db", "slow.db"});
  CAPTURE(worse.out, worse.err);
  CHECK(worse.code == 1);
  CHECK(worse.err.empty());
  CHECK(Has(worse.out, "| e: BN, lr 0.1 | ms_per_step | 10.45 ms | 12.54 ms | 1.200 "));
  CHECK(Has(worse.out, "| worse |"));
  CHECK(place.Run({"compare", "slow.db", "a.db"}).code == 0);
  CHECK(place.Run({"compare", "a.db", "little.db"}).code == 0);
  CHECK(place.Run({"compare", "a.db", "little.db", "--min-effect", "1%"}).code == 1);
  CHECK(place.Run({"compare", "a.db", "slow.db", "--min-effect", "0.3"}).code == 0);
  const ProgramResult few = place.Run({"compare", "a.db", "few.db"});
  CHECK(few.code == 0);
  CHECK(Has(few.out, "unclear: 3 pairs cannot decide"));
  WriteText(place.folder / "a.json", BenchFile({10, 10.1, 10.2, 10.3}));
  WriteText(place.folder / "b.json", BenchFile({12, 12.1, 12.2, 12.3}));
  CHECK(place.Run({"compare", "a.json", "b.json"}).code == 1);
  CHECK(place.Run({"compare", "a.json", "a.json"}).code == 0);
}

TEST_CASE("compare: runs that never arrived are bounds, not numbers", "[compare]") {
  const Place place;
  const auto fill = [&](const std::string& name, bool arrives) {
    ResultStore store(place.Path(name));
    for (int seed = 1; seed <= 8; ++seed) {
      RunRecord run = Made(seed, 10);
      if (!arrives)
        run.status = "capped", run.steps_to_target.reset(), run.time_to_target_s.reset();
      store.Put(run);
    }
  };
  fill("a.db", false);
  fill("b.db", true);
  const ProgramResult none = place.Run({"compare", "a.db", "a.db"});
  CAPTURE(none.out);
  CHECK(Has(none.out, "| steps_to_target | > 100 | > 100 | – |"));
  CHECK(none.code == 0);
  const ProgramResult better = place.Run({"compare", "a.db", "b.db"});
  CAPTURE(better.out);
  CHECK(Has(better.out, "| steps_to_target | > 100 | 40 | < 0.400"));
}

TEST_CASE("compare: other bits of one key are a failed check", "[compare]") {
  const Place place;
  place.Fill("a.db", 8, 1.0);
  place.Fill("b.db", 8, 1.0);
  ResultStore(place.Path("b.db")).Put(Made(1, 10.1, "other"));
  const ProgramResult result = place.Run({"compare", "a.db", "b.db"});
  CHECK(result.code == 1);
  CHECK(Has(result.out, "Of 8 runs with one key in both, 1 differ in their bits."));
}

TEST_CASE("merge adds once, says what it did, and refuses other bits", "[merge]") {
  const Place place;
  place.Fill("a.db", 2, 1.0);
  place.Fill("b.db", 4, 1.0);
  const ProgramResult first = place.Run({"merge", "all.db", "a.db", "b.db"});
  CAPTURE(first.out, first.err);
  CHECK(first.code == 0);
  CHECK(first.out == "all.db: 4 runs added, 0 there already\n");
  CHECK(place.Run({"merge", "all.db", "a.db", "b.db"}).out ==
        "all.db: 0 runs added, 4 there already\n");
  ResultStore(place.Path("b.db")).Put(Made(1, 10, "other"));
  const ProgramResult refused = place.Run({"merge", "all.db", "b.db"});
  CHECK(refused.code == 1);
  CHECK(refused.out.empty());
  CHECK(Has(refused.err, "has other bits in b.db than in all.db; nothing was merged"));
  CHECK(ResultStore(place.Path("all.db")).All().front().state_hash == "h1");
}

TEST_CASE("export prints one line a run, or a reading, and needs no right to write", "[export]") {
  const Place place;
  place.Fill("a.db", 2, 1.0);
  const ProgramResult csv = place.Run({"export", "a.db", "--format", "csv"});
  CHECK(csv.code == 0);
  CHECK(Lines(csv.out) == 3);
  CHECK(csv.out.rfind("key,experiment,arm,", 0) == 0);
  CHECK(Has(csv.out, ",attempts,"));
  CHECK(Has(csv.out, ",finished_at,"));
  CHECK(Has(csv.out, "key1,e,\"BN, lr 0.1\","));
  const ProgramResult lines = place.Run({"export", "a.db", "--format", "jsonl", "--metrics"});
  CHECK(lines.code == 0);
  CHECK(
      lines.out.rfind(R"({"run_key":"key1","experiment":"e","arm":"BN, lr 0.1","seed":1,"step":50,)"
                      R"("name":"train_loss","value":0.5})",
                      0) == 0);
  CHECK(Lines(lines.out) == 2);
  CHECK(place.Run({"export", "a.db", "--format", "csv"}, "/dev/full").code == 4);
  fs::permissions(place.folder / "a.db", fs::perms::owner_read);
  fs::permissions(place.folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
  CHECK(place.Run({"export", "a.db", "--format", "csv"}).out == csv.out);
  fs::permissions(place.folder.path(), fs::perms::owner_all);
}

TEST_CASE("a store made by train can be exported and merged", "[export][merge]") {
  const Place place;
  WriteSmallSet(place.folder / "data");
  const auto train = [&](const std::string& seed, const std::string& store) {
    return place
        .Run({"train", "--set", "data_dir=" + place.Path("data"), "--set", "net=flatten, dense:10",
              "--set", "steps=4", "--set", "seed=" + seed, "--store", store})
        .code;
  };
  REQUIRE(train("1", "a.db") == 0);
  REQUIRE(train("2", "b.db") == 0);
  CHECK(place.Run({"merge", "all.db", "a.db", "b.db"}).code == 0);
  const ProgramResult csv = place.Run({"export", "all.db", "--format", "csv"});
  CAPTURE(csv.out);
  CHECK(Lines(csv.out) == 3);
  CHECK(Has(csv.out, "\"flatten, dense:10\""));
}

TEST_CASE("wrong words and wrong files: one sentence, the exit code, nothing written", "[stores]") {
  const Place place;
  place.Fill("a.db", 1, 1.0);
  WriteText(place.folder / "text.db", "no store");
  WriteText(place.folder / "a.json", BenchFile({1}));
  WriteText(place.folder / "empty.json", "{}");
  const auto refused = [&](int code, const std::string& part,
                           const std::vector<std::string>& words) {
    CheckRefused(place.Run(words), code, part);
    CHECK(!fs::exists(place.folder / "out.db"));
  };
  refused(2, "needs B", {"compare", "a.db"});
  refused(2, "not one of each", {"compare", "a.db", "a.json"});
  refused(2, "--min-effect wants a share", {"compare", "a.db", "a.db", "--min-effect", "much"});
  refused(2, "--min-effect wants a share", {"compare", "a.db", "a.db", "--min-effect", "-1"});
  refused(2, "did you mean --min-effect?", {"compare", "a.db", "a.db", "--min-efect", "1"});
  refused(3, "store none.db does not exist", {"compare", "a.db", "none.db"});
  refused(3, "text.db", {"compare", "text.db", "a.db"});
  refused(3, "empty.json", {"compare", "a.json", "empty.json"});
  refused(3, "none.json", {"compare", "a.json", "none.json"});
  refused(2, "needs OUT.db", {"merge"});
  refused(2, "needs IN.db", {"merge", "out.db"});
  refused(3, "store none.db does not exist", {"merge", "out.db", "none.db"});
  refused(3, "text.db", {"merge", "out.db", "a.db", "text.db"});
  refused(4, "nowhere/out.db", {"merge", "nowhere/out.db", "a.db"});
  refused(2, "needs STORE.db", {"export"});
  refused(2, "needs --format", {"export", "a.db"});
  refused(2, "is not csv or jsonl", {"export", "a.db", "--format", "xml"});
  refused(3, "store none.db does not exist", {"export", "none.db", "--format", "csv"});
  refused(3, "text.db", {"export", "text.db", "--format", "csv"});
}

}  // namespace
}  // namespace batchmark
