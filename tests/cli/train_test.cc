// The train command from outside: its JSON line, dump, signals, store and resume.
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"
#include "tests/support/small_set.h"

namespace batchmark {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::string kNet = "net=conv3x3:4 relu, maxpool2, flatten, dense:8 relu, dense:10";

struct Place {
  TestFolder folder;
  Place() { WriteSmallSet(folder / "data"); }

  std::vector<std::string> Command(const std::vector<std::string>& words) const {
    std::vector<std::string> command = {BATCHMARK_PROGRAM, "train", "--set", kNet};
    command.insert(command.end(), words.begin(), words.end());
    return command;
  }
  ProgramSetup Setup() const {
    return {folder.path(), {{"BATCHMARK_DATA_DIR", folder / "data"}}, ""};
  }
  ProgramResult Train(const std::vector<std::string>& words) const {
    return RunProgram(Command(words), Setup());
  }
  json TrainJson(std::vector<std::string> words) const {
    words.push_back("--json");
    const ProgramResult result = Train(words);
    CAPTURE(result.err, result.out);
    REQUIRE(result.code == 0);
    REQUIRE(result.out.find('\n') == result.out.size() - 1);
    return json::parse(result.out);
  }
};

std::set<std::string> Names(const json& object) {
  std::set<std::string> names;
  for (const auto& [name, value] : object.items()) names.insert(name);
  return names;
}

const std::set<std::string> kFields = {
    "status",   "steps",      "steps_to_target", "time_to_target_s", "train_s",
    "eval_s",   "wall_s",     "ms_per_step",     "samples_per_s",    "ms_per_step_median",
    "bn_share", "train_loss", "val_accuracy",    "test_accuracy",    "data",
    "backend",  "compute",    "threads",         "state_hash",       "spec"};

TEST_CASE("the JSON line has the documented fields", "[train]") {
  const Place place;
  const json run = place.TrainJson({"--set", "steps=60", "--set", "eval_every=20", "--set",
                                    "target=0.5", "--set", "lr=0.1", "--set", "confirm=0"});
  CHECK(Names(run) == kFields);
  CHECK(run["status"] == "reached");
  CHECK(run["steps"] == 60);
  CHECK(run["steps_to_target"].is_number_integer());
  CHECK(run["time_to_target_s"].is_number());
  CHECK(run["bn_share"].is_null());
  CHECK(run["val_accuracy"] > 0.5);
  CHECK(run["state_hash"].get<std::string>().size() == 64);
  CHECK(run["spec"]["net"].is_string());
  CHECK(std::abs(run["ms_per_step"].get<double>() - 1000.0 * run["train_s"].get<double>() / 60.0) <
        1e-6);

  const json capped = place.TrainJson({"--set", "steps=3"});
  CHECK(capped["status"] == "capped");
  CHECK(capped["steps_to_target"].is_null());
  CHECK(capped["time_to_target_s"].is_null());
}

TEST_CASE("a rate of a million is a result: diverged without BN, whatever it is with", "[train]") {
  const Place place;
  const json run =
      place.TrainJson({"--set", "lr=1e6", "--set", "bn.placement=none", "--set", "steps=50"});
  CHECK(run["status"] == "diverged");
  CHECK(run["diverged_step"].is_number_integer());
  CHECK(run["diverged_place"].is_string());
  for (const char* placement : {"bn.placement=pre", "bn.placement=post"})
    CHECK(place.TrainJson({"--set", "lr=1e6", "--set", placement, "--set", "steps=50"})
              .contains("status"));
}

// The header without blanks: "{'descr':'<f4',...,'shape':(3,3,1,4,),}".
std::string NpyHeader(const fs::path& path) {
  const std::string bytes = ReadText(path);
  REQUIRE(bytes.size() > 10);
  REQUIRE(bytes.substr(0, 6) == "\x93NUMPY");
  const size_t size =
      static_cast<unsigned char>(bytes[8]) + 256 * static_cast<unsigned char>(bytes[9]);
  std::string header = bytes.substr(10, size);
  std::erase(header, ' ');
  return header;
}

TEST_CASE("a dump has the documented files and shapes", "[train]") {
  const Place place;
  const fs::path dump = place.folder / "dump";
  const json run =
      place.TrainJson({"--set", "steps=5", "--set", "batch=16", "--dump", dump.string()});
  const std::vector<std::pair<std::string, std::string>> tensors = {
      {"00.weight", "(3,3,1,4,)"}, {"00.bias", "(4,)"},        {"00.gamma", "(4,)"},
      {"00.beta", "(4,)"},         {"00.moving_mean", "(4,)"}, {"00.moving_var", "(4,)"},
      {"03.weight", "(36,8,)"},    {"03.bias", "(8,)"},        {"03.gamma", "(8,)"},
      {"03.beta", "(8,)"},         {"03.moving_mean", "(8,)"}, {"03.moving_var", "(8,)"},
      {"04.weight", "(8,10,)"},    {"04.bias", "(10,)"}};
  for (const char* moment : {"init", "final"}) {
    std::set<std::string> expected, found;
    for (const auto& [name, shape] : tensors) {
      const fs::path file = dump / moment / (name + ".npy");
      CAPTURE(file.string());
      expected.insert(file.filename().string());
      REQUIRE(fs::exists(file));
      CHECK(NpyHeader(file).find("'shape':" + shape) != std::string::npos);
      CHECK(NpyHeader(file).find("'descr':'<f4'") != std::string::npos);
    }
    for (const auto& entry : fs::directory_iterator(dump / moment))
      found.insert(entry.path().filename().string());
    CHECK(found == expected);
  }
  CHECK(NpyHeader(dump / "batches.npy").find("(5,16,)") != std::string::npos);
  CHECK(NpyHeader(dump / "batches.npy").find("<i4") != std::string::npos);
  CHECK(NpyHeader(dump / "losses.npy").find("(5,)") != std::string::npos);
  CHECK(NpyHeader(dump / "losses.npy").find("<f4") != std::string::npos);
  CHECK(json::parse(ReadText(dump / "spec.json")) == run["spec"]);
}

// Starts an endless run, waits until it trains, sends the signal.
ProgramResult Interrupted(const Place& place, int number, std::vector<std::string> words) {
  const fs::path dump = place.folder / "dump";
  words.insert(words.end(), {"--json", "--set", "steps=100000000", "--set", "eval_every=50",
                             "--dump", dump.string()});
  RunningProgram program(place.Command(words), place.Setup());
  REQUIRE(RunningProgram::Until([&] { return fs::exists(dump / "spec.json"); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  program.Signal(number);
  return program.Wait();
}

TEST_CASE("signals stop after the step and keep the results", "[train]") {
  const Place place;
  const auto [number, code] = GENERATE(std::make_pair(SIGINT, 130), std::make_pair(SIGTERM, 143));
  const ProgramResult result = Interrupted(place, number, {});
  CAPTURE(result.err, result.out);
  CHECK(result.code == code);
  const json run = json::parse(result.out);
  CHECK(run["status"] == "interrupted");
  CHECK(run["steps"] > 0);
  CHECK(run["test_accuracy"].is_null());
  CHECK(result.err.find("stopped after step") != std::string::npos);
  CHECK(fs::exists(place.folder / "dump/losses.npy"));
}

TEST_CASE("an interrupted run goes on from its checkpoint to the same bits", "[train]") {
  const Place place;
  const fs::path dump = place.folder / "dump";
  const std::vector<std::string> size = {"--set", "net=flatten, dense:16 relu, dense:10",
                                         "--set", "steps=20000",
                                         "--set", "eval_every=10000"};
  std::vector<std::string> words = size;
  words.insert(words.end(), {"--json", "--checkpoint", place.folder / "kept"});
  std::vector<std::string> with_dump = words;
  with_dump.insert(with_dump.end(), {"--dump", dump.string()});
  RunningProgram program(place.Command(with_dump), place.Setup());
  REQUIRE(RunningProgram::Until([&] { return fs::exists(dump / "spec.json"); }));
  program.Signal(SIGINT);
  const ProgramResult stopped = program.Wait();
  CAPTURE(stopped.err, stopped.out);
  REQUIRE(stopped.code == 130);
  words.push_back("--resume");
  const ProgramResult resumed = RunProgram(place.Command(words), place.Setup());
  CAPTURE(resumed.err);
  REQUIRE(resumed.code == 0);
  CHECK(json::parse(resumed.out)["steps"] == 20000);
  CHECK(json::parse(resumed.out)["state_hash"] == place.TrainJson(size)["state_hash"]);
}

TEST_CASE("a stored run is not repeated", "[train]") {
  const Place place;
  const std::string store = place.folder / "runs.db";
  const json first = place.TrainJson({"--set", "steps=20", "--store", store});
  const ProgramResult again = place.Train({"--set", "steps=20", "--store", store, "--json"});
  CHECK(again.code == 0);
  CHECK(again.err.find("not run again") != std::string::npos);
  CHECK(json::parse(again.out) == first);
  CHECK(place.Train({"--set", "steps=21", "--store", store}).err.find("not run again") ==
        std::string::npos);
}

TEST_CASE("progress on a file is plain lines, and results are on stdout alone", "[train]") {
  const Place place;
  const ProgramResult result = place.Train({"--set", "steps=20"});
  CHECK(result.code == 0);
  CHECK(result.err.find('\r') == std::string::npos);
  for (const char* word : {"status", "steps", "scores", "data", "backend", "state"})
    CHECK(result.out.find(word) != std::string::npos);
}

}  // namespace
}  // namespace batchmark
