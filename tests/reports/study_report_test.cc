// What a study's report holds beside its figures: the calibration of its tests.
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

}  // namespace
}  // namespace batchmark
