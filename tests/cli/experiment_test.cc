// batchmark experiment from outside: list, show, plans, a quick run to its report, and refusals.
#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/small_set.h"

namespace batchmark {
namespace {

namespace fs = std::filesystem;

struct Place {
  TestFolder folder;
  Place() { WriteSmallSet(folder / "data"); }
  std::vector<std::string> Line(std::vector<std::string> words) const {
    words.insert(words.begin(), {BATCHMARK_PROGRAM, "experiment"});
    return words;
  }
  ProgramSetup Setup() const {
    return {folder.path(), {{"BATCHMARK_DATA_DIR", folder / "data"}}, ""};
  }
  ProgramResult Run(const std::vector<std::string>& words) const {
    return RunProgram(Line(words), Setup());
  }
};

TEST_CASE("experiment list and show read the definitions", "[experiment]") {
  const Place place;
  const ProgramResult list = place.Run({"list"});
  CHECK(list.code == 0);
  CHECK(list.err.empty());
  CHECK(Lines(list.out) >= 19);
  CHECK(Has(list.out, "seed-keras-mnist"));
  const ProgramResult show = place.Run({"show", "seed-keras-mnist"});
  CHECK(show.code == 0);
  for (const char* part : {"claim ", "source ", "arm ", "contrast ", "full ", "cheap ", "quick "})
    CHECK(Has(show.out, std::string("\n") + part));
}

TEST_CASE("a dry run plans, says what the budget cut and how many pairs are needed",
          "[experiment]") {
  const Place place;
  const ProgramResult result = place.Run({"run", "landscape", "--budget", "1h", "--dry-run"});
  CAPTURE(result.out, result.err);
  CHECK(result.code == 0);
  CHECK(Has(result.err, "20 runs, 10 seeds, about "));
  CHECK(Has(result.err, "needs 14 pairs for 80 % power"));
  CHECK(Has(result.out, "bn.placement=none"));
  const ProgramResult cut = place.Run({"run", "seed-keras-mnist", "--budget", "1s", "--dry-run"});
  CAPTURE(cut.out, cut.err);
  CHECK(cut.code == 0);
  CHECK(Has(cut.err, "so the cheap one is run: "));
  CHECK(Has(cut.err, "32 runs, 8 seeds"));
  CHECK(Has(cut.err, "It takes "));  // ... all the same
  CHECK(Has(cut.out, "steps=2000"));
  // A form may leave out what its runs are too short for, and says so.
  const ProgramResult cheap = place.Run({"run", "ioffe-fig1", "--cheap", "--dry-run"});
  CAPTURE(cheap.out, cheap.err);
  CHECK(cheap.code == 0);
  CHECK(Has(cheap.err, "48 runs, 16 seeds"));
  CHECK(Has(cheap.err, "accuracy after 1,000 steps: needs "));
  CHECK(!Has(cheap.err, "50,000"));
  CHECK(Has(cheap.out, "steps=2000"));
  // Without a least number of steps of its own, an experiment is cut to half of them and no further.
  const ProgramResult half = place.Run({"run", "landscape", "--budget", "1s", "--dry-run"});
  CAPTURE(half.err);
  CHECK(Has(half.err, "seeds 10 -> 8, steps 1000 -> 500"));
  CHECK(Has(half.err, "It takes "));
  CHECK(!fs::exists(place.folder / "out"));
}

TEST_CASE("a quick run is inconclusive, writes its report, and is not run twice", "[experiment]") {
  const Place place;
  const ProgramResult first = place.Run({"run", "landscape", "--quick"});
  CAPTURE(first.out, first.err);
  CHECK(first.code == 0);
  CHECK(Has(first.out, "\n  inconclusive: open at 0.05"));
  CHECK(Has(first.out, "report: out/landscape-quick/report.md\n"));
  CHECK(Has(ReadText(place.folder / "out/landscape-quick/report.md"), "inconclusive"));
  CHECK(fs::exists(place.folder / "out/landscape-quick/results.db"));
  const ProgramResult again = place.Run({"run", "landscape", "--quick"});
  CHECK(again.code == 0);
  CHECK(again.out == first.out);
  CHECK(Has(again.err, "4 of 4 runs were in out/landscape-quick/results.db already"));
}

TEST_CASE("a report draws the percentiles that the probe recorded", "[experiment]") {
  const Place place;
  const ProgramResult run = place.Run({"run", "ioffe-fig1", "--quick"});
  CAPTURE(run.out, run.err);
  CHECK(run.code == 0);
  const std::string report = ReadText(place.folder / "out/ioffe-fig1-quick/report.md");
  CHECK(Has(report, "Input of one typical unit"));
  CHECK(Has(report, "fig/percentiles-ioffe-fig1-BN.svg"));
}

TEST_CASE("a stopped experiment keeps its runs, and the same command goes on", "[experiment]") {
  const Place place;
  // All runs of the experiment count, not those of the round that was stopped: the first round of
  // lr-ceiling is 32 runs without a grid, of seed-keras-tuned 7 trials of one arm.
  const std::pair<std::string, std::string> experiments[] = {
      {"init-robustness", " of 140 runs are kept"},
      {"lr-ceiling", " of at least 896 runs are kept"},
      {"seed-keras-tuned", " of 30 runs are kept"},
  };
  for (const auto& [name, count] : experiments) {
    const std::string store = name + ".db";
    RunningProgram program(place.Line({"run", name, "--store", store}), place.Setup());
    REQUIRE(RunningProgram::Until([&] { return fs::exists(place.folder / store); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    program.Signal(SIGINT);
    const ProgramResult stopped = program.Wait();
    CAPTURE(stopped.err);
    CHECK(stopped.code == 130);
    CHECK(stopped.out.empty());
    CHECK(Has(stopped.err, "batchmark: stopped; "));
    CHECK(Has(stopped.err, count + " in " + store + ", and the same command goes on"));
  }
}

TEST_CASE("what cannot be run is refused in one sentence", "[experiment]") {
  const Place place;
  const auto refused = [&](int code, const std::string& part,
                           const std::vector<std::string>& words) {
    CheckRefused(place.Run(words), code, part);
    CHECK(!fs::exists(place.folder / "out"));
  };
  refused(3, "did you mean seed-keras-mnist?", {"run", "seed-keras-mnst", "--quick"});
  refused(2, "is no duration", {"run", "landscape", "--budget", "soon"});
  refused(2, "\"0s\"", {"run", "landscape", "--budget", "0s"});
  refused(2, "\"-5m\"", {"run", "landscape", "--budget=-5m"});
  refused(2, "needs NAME", {"run", "--quick"});
  refused(2, "two forms", {"run", "landscape", "--quick", "--cheap"});
  fs::remove_all(place.folder / "data");
  refused(3, "data", {"run", "landscape", "--quick"});
}

}  // namespace
}  // namespace batchmark
