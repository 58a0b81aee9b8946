// Bad input never crashes and never trains: one sentence, the right exit code, nothing written.
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/small_set.h"

namespace batchmark {
namespace {

namespace fs = std::filesystem;

struct Place {
  TestFolder folder;
  fs::path data = folder / "data";
  Place() { WriteSmallSet(data); }

  // train on the small set, by default a few steps.
  std::vector<std::string> Command(const std::vector<std::string>& words) const {
    std::vector<std::string> command = {BATCHMARK_PROGRAM,       "train", "--set",
                                        "net=flatten, dense:10", "--set", "steps=3"};
    command.insert(command.end(), words.begin(), words.end());
    return command;
  }
  ProgramSetup Setup(const std::string& stdout_to = "") const {
    return {folder.path(), {{"BATCHMARK_DATA_DIR", data.string()}}, stdout_to};
  }
  ProgramResult Train(const std::vector<std::string>& words,
                      const std::string& stdout_to = "") const {
    return RunProgram(Command(words), Setup(stdout_to));
  }
};

TEST_CASE("the small set itself trains", "[bad_input]") {
  const Place place;
  const ProgramResult result = place.Train({"--json"});
  CAPTURE(result.err);
  CHECK(result.code == 0);
}

TEST_CASE("bad image files: exit 3 with the path", "[bad_input]") {
  const Place place;
  const std::string images = "train-images-idx3-ubyte", labels = "train-labels-idx1-ubyte";
  SECTION("missing folder") {
    fs::remove_all(place.data);
    CheckRefused(place.Train({}), 3, place.data.string());
  }
  SECTION("missing file") {
    fs::remove(place.data / labels);
    CheckRefused(place.Train({}), 3, labels);
  }
  SECTION("truncated") {
    fs::resize_file(place.data / images, 100000);
    CheckRefused(place.Train({}), 3, images);
  }
  SECTION("empty") {
    WriteText(place.data / images, "");
    CheckRefused(place.Train({}), 3, images);
  }
  SECTION("trailing bytes") {
    WriteText(place.data / labels, ReadText(place.data / labels) + "x");
    CheckRefused(place.Train({}), 3, labels);
  }
  SECTION("images and labels swapped") {
    fs::rename(place.data / images, place.data / "aside");
    fs::rename(place.data / labels, place.data / images);
    fs::rename(place.data / "aside", place.data / labels);
    CheckRefused(place.Train({}), 3, "-ubyte");
  }
  SECTION("labels of another set") {
    fs::copy_file(place.data / "t10k-labels-idx1-ubyte", place.data / labels,
                  fs::copy_options::overwrite_existing);
    CheckRefused(place.Train({}), 3, labels);
  }
  SECTION("a label out of range") {
    std::string bytes = ReadText(place.data / labels);
    bytes[100] = 10;
    WriteText(place.data / labels, bytes);
    CheckRefused(place.Train({}), 3, labels);
  }
  SECTION("broken gzip") {
    WriteText(place.data / images, "\x1f\x8b\x08 not gzip at all");
    CheckRefused(place.Train({}), 3, images);
  }
  SECTION("another set than asked for") {
    CheckRefused(place.Train({"--set", "data=mnist"}), 3, "data=mnist");
  }
}

TEST_CASE("impossible specs: exit 3, naming the key", "[bad_input]") {
  const Place place;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"lrr=0.1", "did you mean lr?"},
      {"lr=0", "lr: "},
      {"lr=-1", "lr: "},
      {"lr=nan", "lr: "},
      {"batch=0", "batch: "},
      {"batch=1001", "batch"},
      {"train_size=10", "batch"},
      {"train_size=2000", "train_size"},
      {"eval_size=6000", "eval_size"},
      {"steps=0", "steps: "},
      {"steps=1000000001", "steps=1000000001 is more than"},
      {"net=conv9:3", "conv9"},
      {"net=flatten", "net"},
      {"simd=avx9", "scalar"},
      {"compute=bf16", "fp32"},
      {"threads=0", "threads: "},
      {"bn.stats=ghost:0", "bn.stats: "}};
  for (const auto& [argument, part] : cases) {
    CAPTURE(argument);
    CheckRefused(place.Train({"--set", argument}), 3, part);
  }
  for (const std::string epochs : {"1e18", "1e300", "1e-9"}) {
    CAPTURE(epochs);
    CheckRefused(place.Train({"--set", "steps=none", "--set", "epochs=" + epochs}), 3, "epochs=");
  }
  CheckRefused(place.Train({"--set", "net=flatten, dense:8 relu, dense:10", "--set", "batch=1"}), 3,
               "batch norm");
}

TEST_CASE("bad spec files: exit 3 with line and column", "[bad_input]") {
  const Place place;
  const fs::path file = place.folder / "run.toml";
  WriteText(file, "batch = 32\nlr = nan\n");
  CheckRefused(place.Train({"--spec", file.string()}), 3, "run.toml:2:6: lr: ");
  WriteText(file, "bach = 32\n");
  CheckRefused(place.Train({"--spec", file.string()}), 3,
               "run.toml:1:1: unknown key \"bach\"; did you mean batch?");
  WriteText(file, "lr = = 3\n");
  CheckRefused(place.Train({"--spec", file.string()}), 3, "run.toml:1:");
  CheckRefused(place.Train({"--spec", place.folder / "none.toml"}), 3, "none.toml");
}

TEST_CASE("outputs that cannot be written: exit 4", "[bad_input]") {
  const Place place;
  const fs::path file = place.folder / "file";
  WriteText(file, "not a folder");
  CheckRefused(place.Train({"--dump", (file / "dump").string()}), 4, file.string());
  CheckRefused(place.Train({"--checkpoint", (file / "check").string()}), 4, file.string());
  CheckRefused(place.Train({"--store", (file / "runs.db").string()}), 4, file.string());
  CheckRefused(place.Train({"--json"}, "/dev/full"), 4, "standard output");
  CheckRefused(place.Train({"--json"}, "-"), 4, "standard output");
  CHECK(ReadText(file) == "not a folder");
}

TEST_CASE("a file that is no store is refused and kept", "[bad_input]") {
  const Place place;
  const fs::path file = place.folder / "notes.db";
  WriteText(file, "some notes that matter to someone, and are no database at all\n");
  const std::string before = ReadText(file);
  CheckRefused(place.Train({"--store", file.string()}), 3, "notes.db");
  CHECK(ReadText(file) == before);
}

TEST_CASE("a checkpoint of another run, or a broken one, is refused", "[bad_input]") {
  const Place place;
  const fs::path kept = place.folder / "kept", dump = place.folder / "dump";
  std::vector<std::string> words = {"--set", "steps=1000000", "--checkpoint", kept.string()};
  std::vector<std::string> with_dump = words;
  with_dump.insert(with_dump.end(), {"--dump", dump.string()});
  RunningProgram program(place.Command(with_dump), place.Setup());
  REQUIRE(RunningProgram::Until([&] { return fs::exists(dump / "spec.json"); }));
  program.Signal(SIGINT);
  REQUIRE(program.Wait().code == 130);

  words.push_back("--resume");
  std::vector<std::string> other = words;
  other.insert(other.end(), {"--set", "lr=0.5"});
  CheckRefused(place.Train(other), 3, "another run");
  for (const auto& entry : fs::directory_iterator(kept))
    fs::resize_file(entry.path(), fs::file_size(entry.path()) / 2);
  CheckRefused(place.Train(words), 3, kept.string());
}

}  // namespace
}  // namespace batchmark
