// Sweeps: points in a fixed order, refusals with line and column before any run, exactly-once runs over
// shards and workers, the same bits from all of them.
#include "training/experiment/sweep.h"

#include <set>

#include "core/base/check.h"
#include "core/base/cpu.h"
#include "tests/support/catch.h"
#include "tests/support/test_folder.h"

namespace batchmark {
namespace {

SweepSpec Parse(const std::string& text, const std::vector<std::string>& sets = {}) {
  return ParseSweep(text, "s.toml", sets);
}

std::string Refused(const std::string& text, const std::vector<std::string>& sets = {}) {
  try {
    EnumerateSweep(Parse(text, sets));
  } catch (const Error& error) {
    CHECK((error.code() == ExitCode::kBadInput || error.code() == ExitCode::kUsage));
    return error.what();
  }
  return "accepted";
}

std::string Text(const std::vector<Settings>& points) {
  std::string text;
  for (const Settings& point : points) {
    for (const auto& [key, value] : point) text += key + "=" + value + " ";
    text += "\n";
  }
  return text;
}

const char* const kGrid = R"(
method = "grid"
[parameters]
net = "flatten, dense:10"
bn.placement = { values = ["none", "pre"] }
lr = { min = 1e-3, max = 1.0, distribution = "log_uniform", count = 4 }
[parameters.seed]
values = [1, 2]
)";

TEST_CASE("A grid enumerates in the order of the document, first key slowest", "[sweep]") {
  const std::vector<Settings> points = EnumerateSweep(Parse(kGrid));
  REQUIRE(points.size() == 16);
  CHECK(Text({points[0], points[1], points[2], points[15]}) ==
        "net=flatten, dense:10 bn.placement=none lr=0.001 seed=1 \n"
        "net=flatten, dense:10 bn.placement=none lr=0.001 seed=2 \n"
        "net=flatten, dense:10 bn.placement=none lr=0.01 seed=1 \n"
        "net=flatten, dense:10 bn.placement=pre lr=1 seed=2 \n");
  CHECK(Text(EnumerateSweep(Parse(kGrid, {"lr=[0.5]", "seed=7", "bn.placement=[pre, post]", "batch={values=[8]}"}))) ==
        "net=flatten, dense:10 bn.placement=pre lr=0.5 seed=7 batch=8 \n"
        "net=flatten, dense:10 bn.placement=post lr=0.5 seed=7 batch=8 \n");
  CHECK(EnumerateSweep(Parse("run_cap = 3\n" + std::string(kGrid))).size() == 3);
}

TEST_CASE("Ranges on a grid: linear, whole, rounded to six digits", "[sweep]") {
  const auto values = [](const std::string& axis) {
    return Text(EnumerateSweep(Parse("method='grid'\n[parameters]\n" + axis)));
  };
  CHECK(values("batch = { min = 10, max = 30, count = 3 }") == "batch=10 \nbatch=20 \nbatch=30 \n");
  CHECK(values("lr = { min = 0.1, max = 0.3, count = 3 }") == "lr=0.1 \nlr=0.2 \nlr=0.3 \n");
  CHECK(values("lr = { min = 0.001, max = 0.1, distribution = 'log_uniform_values', count = 4 }") ==
        "lr=0.001 \nlr=0.00464159 \nlr=0.0215443 \nlr=0.1 \n");
  CHECK(values("batch = { min = 16, max = 512, distribution = 'log_uniform', count = 6 }") ==
        "batch=16 \nbatch=32 \nbatch=64 \nbatch=128 \nbatch=256 \nbatch=512 \n");
  CHECK(values("seed = 3") == "seed=3 \n");
}

const char* const kRandom = R"(
method = "random"
run_cap = 9
[parameters]
lr = { min = 1e-3, max = 1.0, distribution = "log_uniform" }
batch = { min = 8, max = 64 }
"bn.placement" = { values = ["none", "pre", "post"], distribution = "categorical" }
seed = { values = [1, 2] }
)";

TEST_CASE("Draws are crossed with the seeds and repeat exactly", "[sweep]") {
  const auto points = EnumerateSweep(Parse(kRandom));
  REQUIRE(points.size() == 8);  // four points of two seeds; a ninth run would be half a point
  CHECK(Text(points) == Text(EnumerateSweep(Parse(kRandom))));
  CHECK(Text(points) != Text(EnumerateSweep(Parse("seed = 2\n" + std::string(kRandom)))));
  for (size_t i = 0; i < 8; i += 2) {
    CHECK(points[i][0] == points[i + 1][0]);
    CHECK(points[i][3].second == "1");
    CHECK(points[i + 1][3].second == "2");
    CHECK(std::stod(points[i][0].second) >= 1e-3);
    CHECK(std::stod(points[i][0].second) <= 1.0);
  }
}

TEST_CASE("A quasi-random sweep fills the range evenly", "[sweep]") {
  const std::string text =
      "method='quasi'\nrun_cap=64\n[parameters]\nlr={min=0.0001,max=1.0,distribution='log_uniform'}\n"
      "momentum={min=0.0,max=0.9}";
  std::vector<int> by_decade(4), by_quarter(4);
  for (const Settings& point : EnumerateSweep(Parse(text))) {
    const double lr = std::stod(point[0].second), momentum = std::stod(point[1].second);
    ++by_decade[lr < 1e-3 ? 0 : lr < 1e-2 ? 1 : lr < 1e-1 ? 2 : 3];
    ++by_quarter[static_cast<size_t>(momentum / 0.225)];
  }
  for (int i = 0; i < 4; ++i) {
    CHECK(std::abs(by_decade[static_cast<size_t>(i)] - 16) <= 1);
    CHECK(std::abs(by_quarter[static_cast<size_t>(i)] - 16) <= 3);
  }
}

TEST_CASE("Bad sweeps are refused with line, column and the nearest name", "[sweep]") {
  const std::string head = "method = 'grid'\n[parameters]\n";
  CHECK(Refused("method = 'grd'\n[parameters]\nlr = 1") ==
        "s.toml:1:10: method must be grid, random or quasi, not \"grd\"; did you mean grid?");
  CHECK(Refused("metod = 'grid'\n[parameters]\nlr = 1") == "s.toml:1:1: unknown key \"metod\"; did you mean method?");
  CHECK(Refused("method = 'grid'\nlr = 1\n[parameters]") ==
        "s.toml:2:1: unknown key \"lr\"; run keys belong under [parameters]");
  CHECK(Refused(head + "bach = 32") == "s.toml:3:1: unknown key \"bach\"; did you mean batch?");
  CHECK(Refused(head + "[parameters.bn]\nplacment = 'pre'") ==
        "s.toml:4:1: unknown key \"bn.placment\"; did you mean bn.placement?");
  CHECK(Refused(head + "lr = { vals = [1] }") == "s.toml:3:8: unknown word \"vals\" in lr; did you mean value?");
  CHECK(Refused(head + "lr = { values = [] }") == "s.toml:3:17: lr.values is empty: the grid would hold no run");
  CHECK(Refused(head + "lr = { values = [0.1, -1] }") ==
        "s.toml:3:23: lr: must be a number greater than 0, not \"-1\"");
  CHECK(Refused(head + "lr = { values = [0.1, 1e-1] }") == "s.toml:3:23: lr.values holds 0.1 twice");
  CHECK(Refused(head + "lr = [0.1]") == "s.toml:3:6: a list of values is written { values = [...] }");
  CHECK(Refused(head + "lr = { min = 1, max = 2 }") == "s.toml:3:1: lr needs a count of points on a grid");
  CHECK(Refused(head + "lr = { min = 2, max = 1, count = 3 }") == "s.toml:3:14: lr: min 2 is above max 1");
  CHECK(Refused(head + "momentum = { min = 0.0, max = 0.5, distribution = 'log_uniform', count = 3 }") ==
        "s.toml:3:20: momentum: a log_uniform range needs min above 0, not 0");
  CHECK(Refused(head + "lr = { min = 0.1, max = 0.5, distribution = 'log', count = 3 }") ==
        "s.toml:3:45: lr.distribution must be uniform, log_uniform, int_uniform or categorical, not \"log\"");
  CHECK(Refused(head + "batch = { min = 1, max = 2, count = 3 }") ==
        "s.toml:3:1: batch has fewer than 3 different values between min and max");
  CHECK(Refused(head + "net = { min = 1, max = 2, count = 2 }") == "s.toml:3:15: net is no number: list its values");
  CHECK(Refused(head + "lr = nan") == "s.toml:3:6: lr: must be a number greater than 0, not \"nan\"");
  CHECK(Refused(head + "steps = 5\nepochs = 1") == "s.toml:4:10: give steps or epochs, not both");
  CHECK(Refused(head) == "s.toml:2:1: [parameters] is empty: there is nothing to run");
  CHECK(Refused("method = 'random'\n[parameters]\nlr = 1") ==
        "s.toml: a random or quasi sweep needs run_cap, its number of runs");
  CHECK(Refused("method = 'random'\nrun_cap = 1\n[parameters]\nseed = { values = [1, 2] }") ==
        "run_cap 1 is less than the 2 seeds of one point");
  CHECK(Refused("metric = { name = 'loss' }\n" + head + "lr = 1").rfind("s.toml:1:19: metric.name must be ", 0) == 0);
  CHECK(Refused("early_terminate = { type = 'hyperband' }\n" + head + "lr = 1").rfind("s.toml:1:28: ", 0) == 0);
  CHECK(Refused("method = 'grid'\n[parameters\n").rfind("s.toml:2:", 0) == 0);
  CHECK(Refused(head + "lr = 1", {"lr=[0.1, x]"}) ==
        "--set lr=[0.1, x]: lr: must be a number greater than 0, not \"x\"");
  CHECK(Refused(head + "lr = 1", {"lr"}) == "--set needs key=value or key=[a, b], not \"lr\"");
}

TEST_CASE("early_terminate becomes a run key", "[sweep]") {
  const std::string text =
      "method='grid'\nearly_terminate={type='floor',step=500,min=0.3}\n[parameters]\nlr={values=[1]}";
  CHECK(Parse(text).prune == "floor:500:0.3");
  CHECK(Refused("method='grid'\nearly_terminate={type='floor',step=500,min=3}\n[parameters]\nlr=1")
            .rfind("s.toml:2:44: prune: ", 0) == 0);
}

const Dataset& Digits() {
  static const Dataset data = LoadDataset("synth-digits", "");
  return data;
}

// Small enough for many runs: one dense layer under BN.
const char* const kSmall = R"(
name = "small"
method = "grid"
[parameters]
net = "flatten, dense:8 relu, dense:10"
bn.placement = { values = ["none", "pre"] }
bn.stats = { values = ["batch", "ghost:4"] }
seed = { values = [1, 2] }
batch = 16
steps = 6
eval_every = 3
eval_size = 64
threads = 2
)";

std::string Hashes(const ResultStore& store) {
  std::string text;
  for (const RunRecord& r : store.All()) text += r.arm + " " + r.spec.at("seed") + " " + r.state_hash + "\n";
  return text;
}

TEST_CASE("Without BN the other bn keys make no further runs", "[sweep]") {
  const SweepPlan plan = PlanSweep(Parse(kSmall), {}, Digits());
  CHECK(plan.runs.size() == 6);
  CHECK(plan.repeated == 2);
  REQUIRE(plan.study.arms.size() == 3);
  CHECK(plan.study.arms[0].name == "bn.placement=none");
  CHECK(plan.study.arms[2].name == "bn.placement=pre bn.stats=ghost:4");
}

TEST_CASE("What no axis can know is refused while planning, at the axis at fault", "[sweep]") {
  const auto refused = [](const std::vector<std::string>& sets) -> std::string {
    try {
      const SweepPlan plan = PlanSweep(Parse(kSmall, sets), {}, Digits());
      EstimateSweep(plan, std::vector<bool>(plan.runs.size(), false), Digits());
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK(refused({"target=[0.9, 97]"}) ==
        "--set target=[0.9, 97]: target: 97 is above 1; an accuracy is a share (0.97 is 97 %)");
  CHECK(refused({"batch=[16, 60000]"}).find("60000") != std::string::npos);  // larger than the data
  CHECK(refused({"batch=1"}).find("statistics over 1 value") != std::string::npos);
  CHECK(refused({"net='flatten, dense:9'"}) != "accepted");
}

TEST_CASE("A sweep runs each point once, and a repeated command nothing", "[sweep]") {
  const TestFolder folder;
  ResultStore store(folder / "s.db");
  ExperimentObserver silent;
  const SweepPlan plan = PlanSweep(Parse(kSmall), {}, Digits());
  CHECK(RunSweep(plan, {}, Digits(), store, silent).executed == 6);
  const ExperimentResult again = RunSweep(plan, {}, Digits(), store, silent);
  CHECK(again.executed == 0);
  CHECK(again.reused == 6);
  for (const RunRecord& r : store.All()) CHECK(r.attempts == 1);

  SECTION("shards make up the whole, with the same bits") {
    ResultStore parts(folder / "parts.db");
    size_t executed = 0;
    for (int shard = 1; shard <= 3; ++shard) {
      const SweepOptions options{.shard = shard, .shards = 3};
      executed += RunSweep(PlanSweep(Parse(kSmall), options, Digits()), options, Digits(), parts, silent).executed;
    }
    CHECK(executed == 6);
    CHECK(Hashes(parts) == Hashes(store));
  }
  SECTION("workers give the same bits, and their wall times belong to no machine") {
    ResultStore shared(folder / "shared.db");
    const SweepOptions options{.jobs = 3, .convergence_only = true};
    const SweepPlan parallel = PlanSweep(Parse(kSmall), options, Digits());
    CHECK(RunSweep(parallel, options, Digits(), shared, silent).executed == 6);
    CHECK(Hashes(shared) == Hashes(store));
    for (const RunRecord& r : shared.All()) {
      CHECK(r.threads == 1);
      CHECK(r.host_id == "shared:" + HostId());
    }
    CHECK(RunSweep(parallel, options, Digits(), shared, silent).reused == 6);
    // A command that wants times takes none of them.
    const std::vector<bool> done = FinishedRuns(PlanSweep(Parse(kSmall, {"threads=1"}), {}, Digits()), {}, shared);
    CHECK(std::set<bool>(done.begin(), done.end()) == std::set<bool>{false});
  }
}

TEST_CASE("A stopped sweep goes on where it was", "[sweep]") {
  class StopAfterTwo : public ExperimentObserver {
   public:
    void OnRunDone(const RunRecord&, bool) override { ++done; }
    bool StopRequested() override { return done == 2; }
    int done = 0;
  };
  const TestFolder folder;
  ResultStore store(folder / "s.db");
  const SweepPlan plan = PlanSweep(Parse(kSmall), {}, Digits());
  StopAfterTwo stop;
  const ExperimentResult first = RunSweep(plan, {}, Digits(), store, stop);
  CHECK(first.interrupted);
  CHECK(first.executed == 2);
  ExperimentObserver silent;
  const ExperimentResult second = RunSweep(plan, {}, Digits(), store, silent);
  CHECK(second.executed == 4);
  CHECK(second.reused == 2);
}

TEST_CASE("A pruned run is censored where its rule ended it, and says so", "[sweep]") {
  const TestFolder folder;
  ResultStore store(folder / "s.db");
  ExperimentObserver silent;
  const SweepPlan plan =
      PlanSweep(Parse(kSmall, {"prune=floor:3:0.999", "seed=1", "bn.stats=batch", "bn.placement=pre"}), {}, Digits());
  RunSweep(plan, {}, Digits(), store, silent);
  const std::vector<RunRecord> runs = store.All();
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].status == "capped");
  CHECK(runs[0].steps == 3);
  CHECK(!runs[0].steps_to_target);
  bool told = false;
  for (const RunReading& reading : runs[0].readings) told = told || (reading.name == "pruned" && reading.step == 3);
  CHECK(told);
}

}  // namespace
}  // namespace batchmark
