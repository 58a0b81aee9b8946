// compare, merge and export: verdicts need a test and a minimum effect; merging is idempotent and
// checks bits.
#include "reports/compare.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "reports/export.h"
#include "reports/merge.h"
#include "tests/support/catch.h"
#include "tests/support/test_folder.h"

namespace batchmark {
namespace {

RunRecord MakeRun(const std::string& arm, int seed, double ms, const std::string& key_suffix = "") {
  RunRecord run;
  run.experiment = "e", run.arm = arm;
  run.key = arm + "/" + std::to_string(seed) + key_suffix;
  run.spec = {{"seed", std::to_string(seed)}, {"lr", "0.01"}, {"steps", "100"}};
  run.status = "reached";
  run.steps = 100, run.steps_to_target = 40;
  run.ms_per_step = ms, run.train_s = ms / 10, run.time_to_target_s = ms / 25;
  run.state_hash = "h" + std::to_string(seed);
  run.readings = {{50, "train_loss", 0.5}, {100, "train_loss", std::nan("")}};
  return run;
}

// `factor` on the time of a step, with a little noise of each run's own.
void Fill(const std::string& path, int seeds, double factor, const std::string& host = "h") {
  ResultStore store(path);
  for (int seed = 1; seed <= seeds; ++seed) {
    RunRecord run = MakeRun("bn", seed, factor * (10 + 0.1 * seed));
    run.host_id = host;
    store.Put(run);
  }
}

std::string Bench(const std::vector<std::pair<std::string, std::vector<double>>>& results) {
  nlohmann::json root = {{"context", {{"backend", "avx2"}}},
                         {"benchmarks", nlohmann::json::array()}};
  for (const auto& [name, times] : results) {
    for (double time : times) {
      root["benchmarks"].push_back({{"name", name},
                                    {"run_name", name},
                                    {"run_type", "iteration"},
                                    {"real_time", time},
                                    {"time_unit", "us"}});
    }
  }
  return root.dump();
}

const ComparedRow& RowOf(const Comparison& comparison, const std::string& measure) {
  for (const ComparedRow& row : comparison.rows) {
    if (row.measure == measure) return row;
  }
  throw std::runtime_error("no row " + measure);
}

TEST_CASE("stores: a slower step is found, equal steps are no change", "[compare]") {
  TestFolder dir;
  Fill(dir / "a.db", 8, 1.0);
  Fill(dir / "b.db", 8, 1.2);
  const Comparison worse = CompareResults(dir / "a.db", dir / "b.db");
  CHECK(worse.Worse());
  CHECK(RowOf(worse, "ms_per_step").change == Change::kWorse);
  CHECK(RowOf(worse, "ms_per_step").ratio == Catch::Approx(1.2));
  CHECK(RowOf(worse, "steps_to_target").change == Change::kNone);
  CHECK(worse.equal_bits == 8);
  const Comparison better = CompareResults(dir / "b.db", dir / "a.db");
  CHECK_FALSE(better.Worse());
  CHECK(RowOf(better, "ms_per_step").change == Change::kBetter);
}

TEST_CASE("stores: a sure but tiny difference is no change, few pairs are unclear", "[compare]") {
  TestFolder dir;
  Fill(dir / "a.db", 8, 1.0);
  Fill(dir / "b.db", 8, 1.02);
  CHECK(RowOf(CompareResults(dir / "a.db", dir / "b.db"), "ms_per_step").change == Change::kNone);
  CHECK(RowOf(CompareResults(dir / "a.db", dir / "b.db", {0.01, 0.05}), "ms_per_step").change ==
        Change::kWorse);
  Fill(dir / "c.db", 3, 1.0);
  Fill(dir / "d.db", 3, 2.0);
  const Comparison few = CompareResults(dir / "c.db", dir / "d.db");
  CHECK(RowOf(few, "ms_per_step").change == Change::kUnclear);
  CHECK(RowOf(few, "ms_per_step").why == "3 pairs cannot decide");
  CHECK_FALSE(few.Worse());
}

TEST_CASE("stores: seconds of runs side by side decide nothing", "[compare]") {
  TestFolder dir;
  Fill(dir / "a.db", 8, 1.0);
  Fill(dir / "b.db", 8, 2.0, "shared:h");
  const Comparison comparison = CompareResults(dir / "a.db", dir / "b.db");
  CHECK_FALSE(comparison.Worse());
  CHECK(RowOf(comparison, "ms_per_step").change == Change::kUnclear);
  CHECK(RowOf(comparison, "ms_per_step").why == "seconds of runs that shared the machine");
  CHECK(RowOf(comparison, "steps_to_target").change == Change::kNone);
}

TEST_CASE("stores: other bits for one key fail the comparison", "[compare]") {
  TestFolder dir;
  Fill(dir / "a.db", 8, 1.0);
  Fill(dir / "b.db", 8, 1.0);
  {
    RunRecord run = MakeRun("bn", 1, 10.1);
    run.state_hash = "other";
    ResultStore(dir / "b.db").Put(run);
  }
  const Comparison comparison = CompareResults(dir / "a.db", dir / "b.db");
  CHECK(comparison.other_bits == 1);
  CHECK(comparison.Worse());
}

TEST_CASE("stores: a run that no longer arrives counts as later", "[compare]") {
  TestFolder dir;
  Fill(dir / "a.db", 8, 1.0);
  {
    ResultStore store(dir / "b.db");
    for (int seed = 1; seed <= 8; ++seed) {
      RunRecord run = MakeRun("bn", seed, 10);
      run.status = "capped";
      run.steps_to_target.reset(), run.time_to_target_s.reset();
      store.Put(run);
    }
  }
  CHECK(RowOf(CompareResults(dir / "a.db", dir / "b.db"), "steps_to_target").change ==
        Change::kWorse);
}

TEST_CASE("benchmark files are compared by their repetitions", "[compare]") {
  TestFolder dir;
  const std::vector<double> slow = {12, 12.1, 12.2, 12.3, 12.4, 12.5},
                            fast = {10, 10.1, 10.2, 10.3, 10.4, 10.5};
  WriteText(dir / "a.json", Bench({{"x/avx2/t1/real_time", fast},
                                         {"y/avx2/t1", fast},
                                         {"few/avx2/t1", {1, 2}},
                                         {"gone/avx2/t1", fast}}));
  WriteText(dir / "b.json", Bench({{"x/avx2/t1/real_time", slow},
                                         {"y/avx2/t1", fast},
                                         {"few/avx2/t1", {3, 4}},
                                         {"new/avx2/t1", fast}}));
  const Comparison comparison = CompareResults(dir / "a.json", dir / "b.json");
  REQUIRE(comparison.rows.size() == 3);
  CHECK(comparison.rows[0].change == Change::kWorse);
  CHECK(comparison.rows[0].a == Catch::Approx(10.25e-6));
  CHECK(comparison.rows[1].change == Change::kNone);
  CHECK(comparison.rows[2].change == Change::kUnclear);
  CHECK(comparison.only_a == std::vector<std::string>{"gone/avx2/t1"});
  CHECK(comparison.only_b == std::vector<std::string>{"new/avx2/t1"});
  CHECK(comparison.Text().find("1 worse, 0 better, 1 without change, 1 unclear.") == 0);
}

TEST_CASE("what cannot be compared is refused", "[compare]") {
  TestFolder dir;
  Fill(dir / "a.db", 1, 1);
  {
    ResultStore store(dir / "b.db");
    store.Put(MakeRun("another arm", 1, 10));
  }
  WriteText(dir / "a.json", Bench({{"x", {1}}}));
  CHECK_THROWS_AS(CompareResults(dir / "a.db", dir / "a.json"), Error);
  CHECK_THROWS_AS(CompareResults(dir / "a.db", dir / "b.db"), Error);
  CHECK_THROWS_AS(CompareResults(dir / "a.db", dir / "none.db"), Error);
}

TEST_CASE("merge adds what is missing, and nothing when repeated", "[merge]") {
  TestFolder dir;
  {
    ResultStore a(dir / "a.db"), b(dir / "b.db");
    RunRecord tried = MakeRun("bn", 1, 10);
    a.Put(tried);
    a.Put(tried);
    a.PutDocument("experiment/e", "{}");
    a.PutDocument("environment", "{\"cpu\": 1}");
    b.Put(MakeRun("bn", 1, 11));
    b.Put(MakeRun("bn", 2, 10));
    b.Attach("bn/1", "other", "arm");
    b.PutDocument("environment", "{\"cpu\": 2}");
  }
  const MergeResult first = MergeStores(dir / "out.db", {dir / "a.db", dir / "b.db"});
  CHECK(first.added == 2);
  CHECK(first.documents == std::vector<std::string>{"environment"});
  const auto dump = [&] {
    return ExportRuns(ResultStore(dir / "out.db").All(), ExportFormat::kJsonl);
  };
  const std::string before = dump();
  const MergeResult again = MergeStores(dir / "out.db", {dir / "a.db", dir / "b.db"});
  CHECK(again.added == 0);
  CHECK(again.present == 2);
  CHECK(dump() == before);
  ResultStore out(dir / "out.db");
  CHECK(out.All().size() == 3);
  CHECK(out.Find("bn/1")->attempts == 2);
  CHECK(out.Find("bn/1")->ms_per_step == 10);
  CHECK(out.Find("bn/1")->readings.size() == 2);
  CHECK(*out.FindDocument("environment") == "{\"cpu\": 1}");
}

TEST_CASE("merge refuses different bits for one key, and writes nothing", "[merge]") {
  TestFolder dir;
  {
    ResultStore a(dir / "a.db"), b(dir / "b.db");
    a.Put(MakeRun("bn", 1, 10));
    a.Put(MakeRun("bn", 2, 10));
    RunRecord run = MakeRun("bn", 2, 10);
    run.state_hash = "other";
    b.Put(run);
  }
  try {
    MergeStores(dir / "out.db", {dir / "a.db", dir / "b.db"});
    FAIL("merged");
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::kCheckFailed);
    CHECK(std::string(error.what()).find("bn/2") != std::string::npos);
  }
  CHECK_FALSE(std::filesystem::exists(dir / "out.db"));
  CHECK_THROWS_AS(MergeStores(dir / "out.db", {dir / "missing.db"}), Error);
}

TEST_CASE("export writes one line a run or a reading", "[export]") {
  TestFolder dir;
  std::vector<RunRecord> runs = {MakeRun("b,n", 1, 10)};
  runs[0].train_loss = std::numeric_limits<double>::infinity();
  runs[0].val_accuracy = std::nan("");
  runs[0].time_to_target_s.reset();
  const std::string csv = ExportRuns(runs, ExportFormat::kCsv);
  CHECK(csv.find("key,experiment,arm,data_name,") == 0);
  CHECK(csv.find(",attempts,started_at,finished_at,lr,seed,spec_steps\n") != std::string::npos);
  CHECK(csv.find("\n\"b,n/1\",e,\"b,n\",") != std::string::npos);
  CHECK(csv.find(",0.01,1,100\n") != std::string::npos);
  const auto line = nlohmann::json::parse(ExportRuns(runs, ExportFormat::kJsonl));
  CHECK(line["lr"] == 0.01);
  CHECK(line["seed"] == 1);
  CHECK(line["time_to_target_s"].is_null());
  CHECK(line["val_accuracy"].is_null());
  CHECK(line["train_loss"] == "inf");
  CHECK(line["steps_to_target"] == 40);
  CHECK(ExportReadings(runs, ExportFormat::kCsv) ==
        "run_key,experiment,arm,seed,step,name,value\n\"b,n/"
        "1\",e,\"b,n\",1,50,train_loss,0.5\n\"b,n/1\",e,\"b,n\",1,100,train_loss,\n");
  CHECK(ExportRuns({}, ExportFormat::kJsonl).empty());
  CHECK_THROWS_AS(ParseExportFormat("xml"), Error);
}

}  // namespace
}  // namespace batchmark
