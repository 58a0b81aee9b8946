// batchmark bench, with small stand-ins for the bench programs beside a copy of the program.
#include "tests/support/catch.h"
#include "tests/support/run_program.h"

namespace batchmark {
namespace {

namespace fs = std::filesystem;

class Place {
 public:
  Place() {
    fs::create_directories(folder_ / "bench");
    fs::copy_file(BATCHMARK_PROGRAM, folder_ / "batchmark");
  }
  // body: what the program does beyond printing its name and words.
  void Add(const std::string& name, const std::string& body = "") const {
    const fs::path path = folder_ / ("bench/" + name);
    WriteText(path, "#!/bin/sh\nprintf '" + name + "'; printf ' <%s>' \"$@\"; echo\n" + body);
    fs::permissions(path, fs::perms::owner_all);
  }
  std::vector<std::string> Line(std::vector<std::string> words) const {
    words.insert(words.begin(), {folder_ / "batchmark", "bench"});
    return words;
  }
  ProgramResult Run(const std::vector<std::string>& words) const { return RunProgram(Line(words)); }

 private:
  TestFolder folder_;
};

TEST_CASE("bench hands words and exit code over as they are", "[bench]") {
  const Place place;
  place.Add("gemm_bench", "exit 7\n");
  place.Add("conv2d_bench");
  for (const char* name : {"gemm", "gemm_bench"}) {
    const ProgramResult one = place.Run({name, "--", "--benchmark_out=a b.json", "--", "--help"});
    CHECK(one.code == 7);
    CHECK(one.out == "gemm_bench <--benchmark_out=a b.json> <--> <--help>\n");
    CHECK(one.err.empty());
  }
}

TEST_CASE("bench without a name runs all that match, and keeps the first fault", "[bench]") {
  const Place place;
  const std::string knows = "case \"$*\" in *nothing*) exit 1;; esac\n";
  place.Add("gemm_bench", "case \"$*\" in *filter=conv*) exit 1;; esac\n" + knows);
  place.Add("conv2d_bench", knows + "case \"$*\" in *list_tests*) exit 0;; esac\nexit 4\n");
  place.Add("readme.txt");
  const ProgramResult all = place.Run({});
  CHECK(all.code == 4);
  CHECK(all.out == "conv2d_bench <>\ngemm_bench <>\n");
  CHECK(all.err == "batchmark: conv2d_bench\nbatchmark: gemm_bench\n");
  CHECK(place.Run({"--", "--benchmark_filter=conv"}).out ==
        "conv2d_bench <--benchmark_filter=conv>\n");
  const ProgramResult none = place.Run({"--", "--benchmark_filter=nothing"});
  CHECK(none.code == 1);
  CHECK(none.err == "batchmark: no benchmark has a name that matches the filter\n");
}

TEST_CASE("bench refuses what cannot work", "[bench]") {
  const Place place;
  const ProgramResult unbuilt = place.Run({});
  CHECK(unbuilt.code == 4);
  CHECK(Has(unbuilt.err, "./batchmark bench builds them"));
  place.Add("gemm_bench");
  place.Add("conv2d_bench");
  const auto refused = [&](const std::vector<std::string>& words, const std::string& sentence) {
    const ProgramResult result = place.Run(words);
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    CHECK(result.err == "batchmark: " + sentence + "\n");
  };
  refused({"gem"}, "there is no bench gem; did you mean gemm? (there are conv2d or gemm)");
  refused({"--", "--benchmark_out=x.json"},
          "--benchmark_out is one file: name the bench that writes it (conv2d or gemm)");
  refused(
      {"gemm", "--benchmark_filter=x"},
      "unknown option --benchmark_filter=x; flags for Google Benchmark and for the bench itself "
      "follow --: batchmark bench ... -- --benchmark_filter=x");
  refused({"gemm", "more"}, "unexpected word more; see batchmark bench --help");
}

TEST_CASE("a stopped bench stops its program and exits 130 or 143", "[bench]") {
  const Place place;
  const TestFolder marks;
  const std::string begun = marks / "begun";
  place.Add("gemm_bench", "echo $$ > " + begun + "\nexec sleep 100\n");
  place.Add("pointwise_bench");
  for (const auto& [number, code] : {std::pair(SIGINT, 130), std::pair(SIGTERM, 143)}) {
    fs::remove(begun);
    RunningProgram program(place.Line({}));
    REQUIRE(RunningProgram::Until([&] { return !ReadText(begun).empty(); }));
    const pid_t child = std::stoi(ReadText(begun));
    program.Signal(number);
    const ProgramResult result = program.Wait();
    CHECK(result.code == code);
    CHECK_FALSE(Has(result.out, "pointwise_bench"));
    CHECK(kill(child, 0) != 0);
  }
}

}  // namespace
}  // namespace batchmark
