// What a study's report holds beside its figures: calibration, tuning, every run.
#include <filesystem>

#include "reports/report.h"
#include "reports/results.h"
#include "tests/reports/golden.h"
#include "tests/reports/planted_runs.h"
#include "tests/support/catch.h"
#include "tests/support/test_folder.h"

namespace batchmark {
namespace {

using test::CheckGolden;
using test::Lacks;
using test::Noise;
using test::PlantArm;
using test::operator+;

struct Written {
  std::string text;
  std::map<std::string, std::string> data;  // files of data/, by name
};

// Runs and one document of the experiment "planted", as a report.
Written ReportOf(const TestFolder& dir, const std::vector<RunRecord>& runs,
                 const std::string& definition) {
  {
    ResultStore store(dir / "planted.db");
    for (const RunRecord& run : runs) store.Put(run);
    store.PutDocument("experiment/planted", definition);
  }
  Written written{ReadText(WriteReport({dir / "planted.db"}, dir / "out")), {}};
  for (const auto& file : std::filesystem::directory_iterator(dir / "out/data"))
    written.data[file.path().filename().string()] = ReadText(file.path().string());
  return written;
}

std::vector<RunRecord> Equal(int n) {
  return PlantArm("p", n,
                  [](RunRecord& r, int s) { r.test_accuracy = 0.97 + 0.002 * Noise(12, s); });
}

TEST_CASE("the report shows how often the tests err on equal runs", "[report]") {
  const char kDefinition[] = R"({"name": "planted", "arms": [{"name": "p"}, {"name": "q"}],
    "contrasts": [{"name": "p against q", "a": "p", "b": "q", "measure": "test_accuracy",
                   "test": "paired", "direction": "less"}],
    "calibration": {"name": "A/A", "arm": "p", "a": "first half", "b": "second half",
                    "measure": "test_accuracy", "test": "paired", "direction": "less"}})";
  const TestFolder dir, again, small;
  const Written full = ReportOf(dir, Equal(40), kDefinition);
  const size_t from = full.text.find("### False alarms"), to = full.text.find("\n#", from);
  REQUIRE(from != std::string::npos);
  CheckGolden("calibration.md", full.text.substr(from, to - from));
  CheckGolden("calibration.csv", full.data.at("calibration-planted.csv"));
  CHECK(ReportOf(again, Equal(40), kDefinition).text == full.text);
  CHECK(Lacks(ReportOf(small, Equal(39), kDefinition).text, "has 39; not calibrated") == "");
}

TEST_CASE("tuning runs are a table of the study that they tuned, none of its own", "[report]") {
  std::vector<RunRecord> runs;
  for (const char* arm : {"bn", "bn, deep"}) {
    runs = runs + PlantArm(arm, 6, [&](RunRecord& r, int s) {
             r.spec["lr"] = std::string(arm) == "bn" ? "0.1" : "1";
             test::Reach(r, 100.0 + s);
           });
    for (const char* lr : {"0.01", "0.1", "1"}) {
      const std::string name = std::string(arm) + " lr " + lr;
      runs = runs + PlantArm(name, 1, [&](RunRecord& r, int) {
               r.experiment = "planted/tuning";
               r.spec["lr"] = lr, r.spec["seed"] = "1001";
               if (name == "bn lr 1") return test::Diverge(r, 3);
               if (name != "bn, deep lr 0.01") test::Reach(r, name == "bn lr 0.1" ? 120 : 300);
             });
    }
  }
  const TestFolder dir;
  const Written report = ReportOf(dir, runs, R"({"name": "planted", "claim": "c", "arms": [
    {"name": "bn", "set": {"lr": "0.1"}}, {"name": "bn, deep", "set": {"lr": "1"}}]})");
  CHECK(Lacks(report.text,
              "| arm | 0.01 | 0.1 | 1 | taken |\n|:---|---:|---:|---:|---:|\n"
              "| bn | 300 | **120** | diverged | 0.1 |\n"
              "| bn, deep | &gt;\u00a01,000 | 300 | **300** | 1\u00a0(border) |\n") == "");
  CheckGolden("tuning.csv", report.data.at("tuning-planted.csv"));
  CHECK(report.text.find("planted/tuning") == std::string::npos);
  CHECK(Lacks(report.text, "| bn | 6\u00a0of\u00a06 |") == "");  // the trial is none of the arm's runs
}

TEST_CASE("a trend has its row in the forest plot, and its sentence", "[report]") {
  std::vector<RunRecord> runs;
  const std::vector<std::string> arms = {"small", "middle", "large"};
  for (size_t i = 0; i < arms.size(); ++i) {
    runs = runs + PlantArm(arms[i], 8, [&](RunRecord& r, int s) {
             r.test_accuracy = 0.97 - 0.01 * static_cast<double>(i) + 1e-4 * Noise(3, s);
           });
  }
  const TestFolder dir;
  const Written report = ReportOf(dir, runs, R"({"name": "planted",
    "arms": [{"name": "small"}, {"name": "middle"}, {"name": "large"}], "contrasts": [
    {"name": "it falls", "arms": ["small", "middle", "large"], "measure": "test_accuracy",
     "test": "trend", "direction": "less"}]})");
  CHECK(Lacks(report.data.at("verdict-planted.csv"),
              "planted,it falls,criterion,small → middle → large,,test_accuracy,trend,less,"
              "\"pairs of arms in order, %\",100,100,63.05") == "");
  CHECK(Lacks(report.text, "**Verdict: supported.**") == "");
  CHECK(Lacks(report.text, "falls in 100 \\[63, 100\\] % of the pairs of arms; first to last") ==
        "");
}

TEST_CASE("a report's runs say nothing twice", "[report]") {
  std::vector<RunRecord> runs = PlantArm("p", 2, [](RunRecord& r, int s) {
    r.key = "0123456789abcdef0123" + std::to_string(s);
    r.train_loss = s / 3.0;
    r.spec["batch"] = "32";
  });
  runs = runs + PlantArm("q, wide", 1, [](RunRecord& r, int) {
           r.key = "fedcba", r.spec["batch"] = "64";
           test::Diverge(r, 7);
         });
  for (RunRecord& run : runs) run.finished_at = "2024-01-01T00:00:00Z";
  const TestFolder dir;
  const Written report = ReportOf(dir, runs, R"({"name": "planted"})");
  CHECK(report.data.at("runs.csv") ==
        "experiment,arm,key,train_loss,seed\n"
        "planted,p,0123456789abcdef,0.333333,1\n"
        "planted,p,0123456789abcdef,0.666667,2\n"
        "planted,\"q, wide\",fedcba,,1\n");
  CHECK(report.data.at("arms.csv") ==
        "experiment,arm,status,diverged_step,batch\n"
        "planted,p,capped,-1,32\n"
        "planted,\"q, wide\",diverged,7,64\n");
  CHECK(Lacks(report.data.at("constants.csv"), "\nsteps,1000\n") == "");
  CHECK(Lacks(report.data.at("constants.csv"), "\nlr,0.01\n") == "");
}

}  // namespace
}  // namespace batchmark
