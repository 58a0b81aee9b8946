// Verdicts as figures: what the terminal says stands in the report, one row a comparison, and
// nothing is drawn outside its axis.
#include "reports/forest.h"

#include <algorithm>

#include "reports/format.h"
#include "reports/report.h"
#include "reports/study.h"
#include "tests/reports/planted_runs.h"
#include "tests/reports/synthetic_store_util.h"
#include "tests/support/catch.h"
#include "tests/support/test_folder.h"

namespace batchmark {
namespace {

using test::Lacks;

// Eight seeds of two arms; "slow" takes twice the steps, and its accuracy is a point lower.
void PlantExperiment(ResultStore& store, const std::string& name, bool opposite) {
  for (const char* arm : {"fast", "slow"}) {
    const bool slow = (std::string(arm) == "slow") != opposite;
    for (RunRecord run : test::PlantArm(arm, 8, [&](RunRecord&r, int s) {
           test::Reach(r, (slow ? 400 : 200) + 20 * s);
           r.test_accuracy = 0.97 - (slow ? 0.01 : 0.0) + 1e-4 * test::Noise(slow, s);
         })) {
      run.experiment = name;
      run.key = name + run.key;
      run.data_name = "planted", run.data_hash = "00";
      store.Put(run);
    }
  }
  store.PutDocument("experiment/" + name, R"({"name": ")" + name + R"(", "title": "Title of )" +
                                              name + R"(", "claim": "fast is faster",
 "arms": [{"name": "fast"}, {"name": "slow"}], "contrasts": [
  {"name": "steps", "a": "fast", "b": "slow", "measure": "steps_to_target", "test": "sign", "direction": "less"},
  {"name": "accuracy", "a": "fast", "b": "slow", "measure": "test_accuracy", "test": "paired", "direction": "greater"},
  {"name": "only shown", "a": "fast", "b": "slow", "measure": "test_accuracy", "test": "tost", "direction": "equal", "margin": 0.001, "role": "report"}]})");
}

TEST_CASE("the report says what the verdict's own code says, for every experiment of a store",
          "[report][verdict]") {
  TestFolder dir;
  std::vector<ExperimentFinding> findings;
  {
    ResultStore store(dir / "s.db");
    PlantExperiment(store, "held", false);
    PlantExperiment(store, "refuted", true);
    for (const char* name : {"held", "refuted"}) {
      findings.push_back(JudgeExperiment(store.All(), ParseExperimentClaims(*store.FindDocument(
                                                          "experiment/" + std::string(name)))));
    }
  }
  CHECK(findings[0].verdict == Verdict::kSupported);
  CHECK(findings[1].verdict == Verdict::kRefuted);
  const std::string text = ReadText(WriteReport({dir / "s.db"}, dir / "out"));
  CHECK(Lacks(text, "## Verdicts") == "");
  CHECK(Lacks(text, "| **held** Title of held | **supported** | 2\u00a0of\u00a02 | 8 |") == "");
  CHECK(Lacks(text, "| **refuted** Title of refuted | **refuted** | 0\u00a0of\u00a02 | 8 |") == "");
  for (const ExperimentFinding& finding : findings) {
    CHECK(Lacks(text, "**Verdict: " + std::string(ToText(finding.verdict)) + ".**") == "");
    for (const ContrastFinding& contrast : finding.contrasts) {
      INFO(contrast.sentence);
      CHECK(Lacks(text, report::MarkdownEscape(contrast.sentence)) == "");
    }
  }
  const std::string all = ReadText(dir / "out/data/verdicts.csv");
  CHECK(std::count(all.begin(), all.end(), '\n') == 1 + 2 * 2);  // criteria only
  CHECK(Lacks(all, "refuted,steps,criterion,fast,slow,steps_to_target,sign,less") == "");
  const std::string one = ReadText(dir / "out/data/verdict-held.csv");
  CHECK(std::count(one.begin(), one.end(), '\n') == 1 + 3);
  const std::string figure = ReadText(dir / "out/fig/verdict-held.svg");
  CHECK(Lacks(figure, "Verdict: supported") == "");
  CHECK(Lacks(figure, "reported only") == "");
}

TEST_CASE("a family of rates is one series, not an arm each", "[report]") {
  std::vector<RunRecord> runs;
  for (const char* rate : {"0.1", "1", "10"}) {
    for (RunRecord run : test::PlantArm(std::string("BN: lr ") + rate, 8, [](RunRecord&, int) {}))
      runs.push_back(run);
  }
  const auto studies = report::FindStudies(runs, {{"experiment/planted", R"({"name": "planted",
 "arms": [{"name": "BN: lr 0.1"}, {"name": "BN: lr 1"}, {"name": "BN: lr 10"}, {"name": "none: lr 1"}], "contrasts": [
 {"name": "c", "a": "BN:*", "b": "none:*", "measure": "lr_ceiling", "test": "paired", "direction": "greater"}]})"}});
  REQUIRE(studies.size() == 1);
  CHECK(studies[0].arms.empty());
  REQUIRE(studies[0].families.size() == 2);
  CHECK(studies[0].families[0].label == "BN");
  CHECK(studies[0].families[0].arms.size() == 3);
  CHECK(studies[0].Seeds() == 8);
}

TEST_CASE("a signed scale keeps order, both signs and its ticks", "[report]") {
  using report::Scale;
  const Scale x(report::ScaleKind::kSigned, -6, 45, 0, 300);
  double last = -1;
  for (const double value : {-6.0, -0.3, -0.1, 0.0, 0.1, 0.3, 5.0, 45.0}) {
    CHECK(x.ToPixel(value) > last);
    last = x.ToPixel(value);
  }
  CHECK(last == Catch::Approx(300));
  CHECK(x.ToPixel(0.3) - x.ToPixel(0) > 5);  // a small margin can be seen
  const auto ticks = x.Ticks(5);
  CHECK(std::is_sorted(ticks.begin(), ticks.end(),
                       [](const auto& a, const auto& b) { return a.value < b.value; }));
  CHECK(std::any_of(ticks.begin(), ticks.end(), [](const auto& t) { return t.label == "0"; }));
  CHECK(std::any_of(ticks.begin(), ticks.end(), [](const auto& t) { return t.label == "-1"; }));
}

}  // namespace
}  // namespace batchmark
