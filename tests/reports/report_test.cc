// The whole report: golden bytes from synthetic runs, links that resolve, figures that GitHub
// shows, odd stores. BATCHMARK_UPDATE_GOLDEN=1 writes the golden files anew; look at the difference
// before you keep it.
#include "reports/report.h"

#include <cmath>
#include <limits>
#include <regex>

#include "core/base/check.h"
#include "tests/reports/golden.h"
#include "tests/reports/synthetic_store_util.h"
#include "tests/support/catch.h"
#include "tests/support/test_folder.h"

namespace batchmark {
namespace {

using test::CheckGolden;

std::map<std::string, std::string> Files(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      files[std::filesystem::relative(entry.path(), folder).string()] =
          ReadText(entry.path().string());
    }
  }
  return files;
}

// Tags close in order, attributes are quoted, and nothing is there that GitHub strips.
void CheckSvg(const std::string& svg) {
  CHECK(svg.rfind("<svg xmlns=\"http://www.w3.org/2000/svg\"", 0) == 0);
  for (const char* needed : {"role=\"img\"", "<title", "fill=\"#ffffff\""})
    CHECK(svg.find(needed) != std::string::npos);
  for (const char* banned :
       {"<script", "foreignObject", "<style", "href", "nan", "inf\"", "@import"}) {
    INFO(banned);
    CHECK(svg.find(banned) == std::string::npos);
  }
  static const std::regex tag("<(/?)([a-zA-Z]+)((?: [a-zA-Z0-9:-]+=\"[^\"<]*\")*)(/?)>");
  std::vector<std::string> open;
  size_t end = 0;
  for (auto i = std::sregex_iterator(svg.begin(), svg.end(), tag); i != std::sregex_iterator();
       ++i) {
    const auto begin = static_cast<size_t>(i->position());
    const std::string between = svg.substr(end, begin - end);
    CHECK(between.find_first_of("<>") == std::string::npos);
    end = begin + static_cast<size_t>(i->length());
    if ((*i)[1].length()) {
      REQUIRE_FALSE(open.empty());
      CHECK(open.back() == (*i)[2].str());
      open.pop_back();
    } else if (!(*i)[4].length()) {
      open.push_back((*i)[2].str());
    }
  }
  CHECK(open.empty());
}

void CheckReport(const std::string& folder) {
  const auto files = Files(folder);
  REQUIRE(files.count("report.md"));
  const std::string& text = files.at("report.md");
  CHECK(text.find("nan") == std::string::npos);
  static const std::regex link("\\]\\(([^)]+)\\)");
  for (auto i = std::sregex_iterator(text.begin(), text.end(), link); i != std::sregex_iterator();
       ++i) {
    INFO((*i)[1].str());
    if ((*i)[1] == "#commands") continue;
    CHECK(std::filesystem::exists(folder + "/" + (*i)[1].str()));
  }
  for (const auto& [name, bytes] : files) {
    INFO(name);
    if (name.size() > 4 && name.substr(name.size() - 4) == ".svg") {
      CheckSvg(bytes);
      CHECK(text.find("](" + name + ")") != std::string::npos);
    }
    if (name.rfind("data/", 0) == 0) CHECK(bytes.find('\n') != std::string::npos);
  }
}

std::string Line(const std::string& text, const std::string& start) {
  const size_t at = text.find(start);
  return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
}

TEST_CASE("the seed experiment's report has the golden bytes", "[report]") {
  TestFolder dir;
  {
    ResultStore store(dir / "synthetic.db");
    test::FillSyntheticSeed(store);
  }
  CHECK(WriteReport({dir / "synthetic.db"}, dir / "out") == dir / "out/report.md");
  CheckReport(dir / "out");
  for (const char* name :
       {"report.md", "env.json", "fig/steps-to-target-seed-keras-mnist.svg",
        "fig/training-loss-seed-keras-mnist.svg", "data/steps-to-target-seed-keras-mnist.csv"}) {
    CheckGolden("synthetic-seed-" + std::filesystem::path(name).filename().string(),
                ReadText(dir / ("out/" + std::string(name))));
  }
  WriteReport({dir / "synthetic.db"}, dir / "again");
  CHECK(Files(dir / "out") == Files(dir / "again"));
}

TEST_CASE("the first line names the data set and its hash", "[report]") {
  TestFolder dir;
  {
    ResultStore store(dir / "s.db");
    test::FillSyntheticSeed(store);
  }
  const std::string text = ReadText(WriteReport({dir / "s.db"}, dir / "out"));
  const std::string first = text.substr(0, text.find('\n'));
  CHECK(first.find("synthetic runs (no data set)") != std::string::npos);
  CHECK(first.find("0123456789ab") != std::string::npos);
}

TEST_CASE("eight seeds bring intervals and tests, a diverged run is counted", "[report]") {
  TestFolder dir;
  {
    ResultStore store(dir / "s.db");
    test::FillSyntheticSeed(store, {8, 2000, true});
  }
  const std::string text = ReadText(WriteReport({dir / "s.db"}, dir / "out"));
  CheckReport(dir / "out");
  CHECK(text.find("sign test") != std::string::npos);
  CHECK(text.find("not a verdict") == std::string::npos);
  CHECK(text.find("**Verdict: supported.**") != std::string::npos);
  CHECK(Line(text, "| no BN, lr 0.01 |").find("| 7 of 8, 1 diverged |") != std::string::npos);
  const std::string figure = ReadText(dir / "out/fig/training-loss-seed-keras-mnist.svg");
  CHECK(figure.find("1 diverged (no BN, lr 0.01: 1)") != std::string::npos);
}

TEST_CASE("fewer than six seeds: no interval, no test, no verdict", "[report]") {
  TestFolder dir;
  {
    ResultStore store(dir / "s.db");
    test::FillSyntheticSeed(store, {5, 600, false});
  }
  const std::string text = ReadText(WriteReport({dir / "s.db"}, dir / "out"));
  CHECK(text.find("5 seeds an arm: **a direction, not a verdict.**") != std::string::npos);
  CHECK(text.find("**Verdict: inconclusive.**") != std::string::npos);
  CHECK(text.find("95 % BCa") == std::string::npos);
  CHECK(text.find("more than 600") != std::string::npos);
}

TEST_CASE("a plain sweep is grouped by what varies", "[report]") {
  TestFolder dir;
  {
    ResultStore store(dir / "s.db");
    test::FillSyntheticSweep(store);
  }
  const std::string text = ReadText(WriteReport({dir / "s.db"}, dir / "out"));
  CheckReport(dir / "out");
  CHECK(text.find("batch 16, BN, lr 0.1") != std::string::npos);
}

TEST_CASE("runs of another size do not mix into the experiment last run", "[report]") {
  TestFolder dir;
  {
    ResultStore store(dir / "s.db");
    test::FillSyntheticSeed(store);
    for (RunRecord run : store.All()) {
      run.key += " full";
      run.spec["steps"] = "9999";
      run.spec["target"] = "0.98";
      store.Put(run);
    }
  }
  const std::string text = ReadText(WriteReport({dir / "s.db"}, dir / "out"));
  CHECK(text.find("12 stored runs of this experiment at another size") != std::string::npos);
  CHECK(text.find("(median of 3 seeds)") != std::string::npos);
}

// Eight seeds of two arms that set their own steps, at a budget's length: `cut` at most. Returns
// keys.
std::vector<std::string> PutBudget(ResultStore& store, int64_t cut,
                                   const std::string& finished_at) {
  std::vector<std::string> keys;
  for (const auto& [arm, own] : {std::pair<std::string, int64_t>{"short", 100}, {"long", 900}}) {
    for (int seed = 1; seed <= 8; ++seed) {
      RunRecord run;
      const int64_t steps = std::min(own, cut);
      run.key = arm + std::to_string(seed) + "/" + std::to_string(steps);
      run.experiment = "budgets", run.arm = arm;
      run.spec = {{"seed", std::to_string(seed)},
                  {"steps", std::to_string(steps)},
                  {"eval_every", "10"},
                  {"target", "0.9"},
                  {"target_metric", "val_accuracy"}};
      run.status = "capped", run.steps = steps;
      run.val_accuracy = run.test_accuracy =
          0.5 + 0.0001 * static_cast<double>(steps) + 0.001 * seed;
      run.train_loss = 1, run.train_s = 1, run.ms_per_step = run.ms_per_step_median = 1;
      run.finished_at = finished_at;
      store.Put(run);
      keys.push_back(run.key);
    }
  }
  return keys;
}

std::string BudgetDefinition(const std::vector<std::string>& keys) {
  std::string list;
  for (const std::string& key : keys) list += (list.empty() ? "\"" : ", \"") + key + "\"";
  return R"({"name": "budgets", "title": "t", "claim": "c", "source": "s", "step_cap": 100,
    "target": 0.9, "target_metric": "val_accuracy", "runs": [)" +
         list + R"(],
    "arms": [{"name": "short", "set": {"steps": "100"}}, {"name": "long", "set": {"steps": "900"}}],
    "contrasts": [{"name": "x", "a": "long", "b": "short", "measure": "test_accuracy",
                   "test": "paired", "direction": "greater"}]})";
}

TEST_CASE("two budgets in one store are told apart, also where arms set their own steps",
          "[report]") {
  TestFolder dir;
  const auto report = [&](const std::string& name, const std::string& document) {
    ResultStore(dir / "s.db").PutDocument("experiment/budgets", document);
    const std::string text = ReadText(WriteReport({dir / "s.db"}, dir / name));
    INFO(text);
    CHECK(text.find("8 stored runs of this experiment at another size") != std::string::npos);
    return text;
  };
  std::vector<std::string> whole, cut;
  {
    ResultStore store(dir / "s.db");
    whole = PutBudget(store, 900, "2026-01-01T00:00:00Z");
    cut = PutBudget(store, 300, "2026-01-02T00:00:00Z");  // the short arm's runs are the same
  }
  CHECK(report("whole", BudgetDefinition(whole)).find("+8.0") != std::string::npos);
  CHECK(report("cut", BudgetDefinition(cut)).find("+2.0") != std::string::npos);
  CHECK(report("later", BudgetDefinition({})).find("+2.0") != std::string::npos);  // names no runs
}

TEST_CASE("sections appear where the store has their axes", "[report]") {
  TestFolder dir;
  {
    ResultStore sweep(dir / "sweep.db"), percentiles(dir / "percentiles.db"),
        noise(dir / "noise.db");
    test::FillSyntheticSweep(sweep);
    test::FillSyntheticPercentiles(percentiles);
    test::FillSyntheticNoise(noise);
  }
  const auto has = [&](const std::string& store, const std::string& figure) {
    return std::filesystem::exists(dir / (store + "/fig/" + figure + ".svg"));
  };
  for (const char* store : {"sweep", "percentiles", "noise"}) {
    WriteReport({dir / (store + std::string(".db"))}, dir / store);
    CheckReport(dir / store);
  }
  CHECK(has("sweep", "lr-batch"));
  CHECK(has("sweep", "steps-vs-batch"));
  CHECK(has("sweep", "seconds-vs-batch"));
  CHECK(std::filesystem::exists(dir / "sweep/data/lr-ceiling.csv"));
  CHECK_FALSE(has("sweep", "noise"));
  CHECK(has("percentiles", "percentiles-ioffe-fig1-BN"));
  CHECK(has("percentiles", "percentiles-ioffe-fig1-no-BN"));
  CHECK(has("noise", "noise"));
  CHECK(has("noise", "arrivals"));
  CHECK_FALSE(has("noise", "lr-batch"));
  // Least noisy first.
  const std::string figure = ReadText(dir / "noise/fig/noise.svg");
  size_t last = 0;
  for (const char* stats : {">population<", ">wide:512<", ">batch<", ">ghost:16<", ">ghost:4<"}) {
    const size_t at = figure.find(stats);
    CHECK(at != std::string::npos);
    CHECK(at > last);
    last = at;
  }
}

TEST_CASE("several stores make one report", "[report]") {
  TestFolder dir;
  {
    ResultStore seed(dir / "seed.db"), noise(dir / "noise.db");
    test::FillSyntheticSeed(seed);
    test::FillSyntheticNoise(noise);
  }
  const std::string text = ReadText(
      WriteReport({dir / "seed.db", dir / "noise.db", dir / "seed.db"}, dir / "out"));
  CheckReport(dir / "out");
  CHECK(text.find("## Runs") != std::string::npos);
  CHECK(text.find("## Synthetic: a made-up run of the seed experiment") != std::string::npos);
  CHECK(text.find("(median of 3 seeds)") != std::string::npos);
}

RunRecord OneRun(const std::string& key) {
  RunRecord run;
  run.key = key;
  run.status = "capped";
  run.data_name = "odd <set> | name";
  run.data_hash = "ff";
  run.spec = {{"seed", "1"}, {"target", "0.9"}, {"target_metric", "val_accuracy"}};
  return run;
}

TEST_CASE("odd stores give a report, not a crash", "[report]") {
  TestFolder dir;
  {
    ResultStore store(dir / "s.db");
    const double nan = std::numeric_limits<double>::quiet_NaN(),
                 inf = std::numeric_limits<double>::infinity();
    SECTION("one bare run") { store.Put(OneRun("a")); }
    SECTION("one run with readings and no steps") {
      RunRecord run = OneRun("a");
      run.readings = {{0, "train_loss", 2.3}, {0, "val_accuracy", 1.0}};
      store.Put(run);
    }
    SECTION("diverged at once, nothing finite") {
      for (int i = 0; i < 3; ++i) {
        RunRecord run = OneRun("d" + std::to_string(i));
        run.status = "diverged";
        run.spec["seed"] = std::to_string(i);
        run.diverged_step = 0;
        run.train_loss = nan, run.val_accuracy = nan, run.ms_per_step = nan, run.train_s = inf;
        run.readings = {{1, "train_loss", inf}, {2, "train_loss", nan}, {2, "val_accuracy", nan}};
        store.Put(run);
      }
    }
    SECTION("negative losses and accuracies above one") {
      RunRecord run = OneRun("a");
      run.readings = {{1, "train_loss", -1},
                      {2, "train_loss", 0},
                      {1, "val_accuracy", 7},
                      {2, "val_accuracy", -7}};
      run.train_loss = -1;
      store.Put(run);
    }
    SECTION("a definition whose runs are missing") {
      store.Put(OneRun("a"));
      store.PutDocument("experiment/",
                        "{\"arms\": [{\"name\": \"x\", \"set\": {}}], \"target\": \"0.9\"}");
    }
    SECTION("texts that look like markup") {
      RunRecord run = OneRun("a");
      run.experiment = "../<b>|`x`";
      run.arm = "<script>alert(1)</script>";
      run.spec["net"] = "a|b";
      store.Put(run);
      run.key = "b";
      run.spec["net"] = "<c>";
      run.steps_to_target = 3;
      run.readings = {{1, "train_loss", 1}, {2, "train_loss", 0.5}};
      store.Put(run);
    }
    SECTION("documents that are no JSON, or another shape") {
      store.Put(OneRun("a"));
      store.PutDocument("environment", "[1, 2");
      store.PutDocument("budget", "7");
    }
  }
  WriteReport({dir / "s.db"}, dir / "out");
  CheckReport(dir / "out");
}

TEST_CASE("what cannot be reported is refused with its exit code", "[report]") {
  TestFolder dir;
  const auto code = [&](const std::vector<std::string>& inputs, const std::string& out) {
    try {
      WriteReport(inputs, out);
    } catch (const Error& error) {
      return error.code();
    }
    return ExitCode::kOk;
  };
  { ResultStore empty(dir / "empty.db"); }
  {
    ResultStore store(dir / "good.db");
    store.Put(OneRun("a"));
    ResultStore bad(dir / "bad.db");
    bad.Put(OneRun("a"));
    bad.PutDocument("experiment/", "{\"arms\": 3, \"factors\": [1]}");
  }
  WriteText(dir / "x.json", "{\"context\": {}}");
  WriteText(dir / "y.json", "not json");
  CHECK(code({}, dir / "out") == ExitCode::kUsage);
  CHECK(code({dir / "empty.db"}, dir / "out") == ExitCode::kBadInput);
  CHECK(code({dir / "missing.db"}, dir / "out") == ExitCode::kBadInput);
  CHECK(code({dir / "bad.db"}, dir / "out") == ExitCode::kBadInput);
  CHECK(code({dir / "x.json"}, dir / "out") == ExitCode::kBadInput);
  CHECK(code({dir / "y.json"}, dir / "out") == ExitCode::kBadInput);
  CHECK(code({dir / "missing.json"}, dir / "out") == ExitCode::kBadInput);
  CHECK_FALSE(std::filesystem::exists(dir / "out"));
  CHECK(code({dir / "good.db"}, dir / "good.db") == ExitCode::kIo);
  CHECK(code({dir / "good.db"}, "/dev/full/x") == ExitCode::kIo);
}

}  // namespace
}  // namespace batchmark
