// The results store: what is put comes back, and reads well for other tools.
#include "reports/results.h"

#include <cmath>
#include <limits>

#include "core/base/check.h"
#include "tests/reports/store_util.h"
#include "tests/support/catch.h"
#include "tests/support/test_folder.h"

namespace batchmark {
namespace {

using test::MakeRun;
using test::Shell;

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

}  // namespace
}  // namespace batchmark
