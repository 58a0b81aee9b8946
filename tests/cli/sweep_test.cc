// batchmark sweep from outside: dry runs write nothing, bad specs run nothing, repeated commands finish.
#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/small_set.h"

namespace batchmark {
namespace {

namespace fs = std::filesystem;

const char* const kSpec = R"(
name = "few"
method = "grid"
metric = { name = "val_accuracy" }
[parameters]
net = "flatten, dense:10"
bn.placement = "none"
lr = { values = [0.01, 0.1] }
seed = { values = [1, 2] }
steps = 4
eval_every = 2
batch = 8
)";

struct Place {
  TestFolder folder;
  Place() {
    WriteSmallSet(folder / "data");
    WriteText(folder / "few.toml", kSpec);
  }
  ProgramResult Sweep(const std::vector<std::string>& words) const {
    std::vector<std::string> command = {"sweep", "few.toml"};
    command.insert(command.end(), words.begin(), words.end());
    return Run(command);
  }
  ProgramResult Run(std::vector<std::string> command) const {
    command.insert(command.begin(), BATCHMARK_PROGRAM);
    return RunProgram(command, {folder.path(), {{"BATCHMARK_DATA_DIR", folder / "data"}}});
  }
};

TEST_CASE("A dry run shows every run with its cost and writes nothing", "[sweep]") {
  const Place place;
  const ProgramResult result = place.Sweep({"--dry-run"});
  CAPTURE(result.err, result.out);
  CHECK(result.code == 0);
  CHECK(Lines(result.out) == 5);
  CHECK(result.out.find("lr=0.1") != std::string::npos);
  CHECK(result.err.find("4 runs in 2 arms; about ") != std::string::npos);
  CHECK(!fs::exists(place.folder / "out"));
}

TEST_CASE("A sweep runs once and prints its arms, best first", "[sweep]") {
  const Place place;
  const ProgramResult first = place.Sweep({});
  CAPTURE(first.err, first.out);
  CHECK(first.code == 0);
  CHECK(Lines(first.out) == 3);
  CHECK(first.err.find("4 runs made, 0 taken from the store, 0 missing; results in out/sweep-few/results.db") !=
        std::string::npos);
  const ProgramResult again = place.Sweep({});
  CHECK(again.out == first.out);
  CHECK(again.err.find("0 runs made, 4 taken from the store") != std::string::npos);
  const ProgramResult more = place.Sweep({"--set", "seed=[1, 2, 3]"});
  CHECK(more.err.find("2 runs made, 4 taken from the store") != std::string::npos);
  const ProgramResult part = place.Sweep({"--convergence-only", "-j", "2", "--shard", "1/1", "--store", "c.db"});
  CHECK(part.code == 0);
  CHECK(part.out == first.out);
  // Seconds of runs side by side are marked in the store, and no report shows them.
  for (const auto& [store, seconds] : {std::pair("out/sweep-few/results.db", true), {"c.db", false}}) {
    const ProgramResult report = place.Run({"report", store, "--out", "r"});
    CAPTURE(store, report.err);
    CHECK(report.code == 0);
    const std::string text = ReadText(place.folder / "r/report.md");
    CHECK(Has(text, "ms a step") == seconds);
    CHECK(Has(text, "Runs shared the machine") == !seconds);
  }
}

TEST_CASE("Bad sweeps and flags are refused in one sentence, and nothing is written", "[sweep]") {
  const Place place;
  const auto refused = [&](int code, const std::string& part, const std::vector<std::string>& words) {
    CheckRefused(place.Sweep(words), code, part);
    CHECK(!fs::exists(place.folder / "out"));
  };
  refused(2, "-j runs side by side", {"-j", "2"});
  refused(2, "--shard needs i/n", {"--shard", "2"});
  refused(2, "there is no part 3", {"--shard", "3/2"});
  refused(3, "did you mean lr?", {"--set", "lrr=1"});
  refused(3, "target: 97 is above 1", {"--set", "target=97"});
  refused(3, "larger than", {"--set", "batch=[8, 70000]"});
  refused(3, "the net ends in 9 outputs", {"--set", "net=flatten, dense:9"});
  refused(3, "one data set", {"--set", "data=[mnist, synth-digits]"});
  WriteText(place.folder / "few.toml", "method = \"grid\"\n[parameters]\nlr = { values = [] }\n");
  refused(3, "few.toml:3:17: lr.values is empty", {});
}

}  // namespace
}  // namespace batchmark
