// How the program speaks: help, versions, usage errors.
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/run_program.h"

namespace batchmark {
namespace {

ProgramResult Batchmark(std::vector<std::string> words, const ProgramSetup& setup = {}) {
  words.insert(words.begin(), BATCHMARK_PROGRAM);
  return RunProgram(words, setup);
}

const std::vector<std::vector<std::string>> kCommands = {{},
                                                         {"train"},
                                                         {"experiment"},
                                                         {"experiment", "list"},
                                                         {"experiment", "show"},
                                                         {"experiment", "run"},
                                                         {"report"},
                                                         {"sweep"},
                                                         {"compare"},
                                                         {"merge"},
                                                         {"export"},
                                                         {"bench"},
                                                         {"data"},
                                                         {"data", "list"},
                                                         {"data", "verify"},
                                                         {"data", "fetch"},
                                                         {"doctor"}};

TEST_CASE("every command has a help page of at most 80 columns", "[usage]") {
  for (std::vector<std::string> words : kCommands) {
    words.push_back("--help");
    const ProgramResult result = Batchmark(words);
    CAPTURE(words.front(), words.back(), result.err);
    CHECK(result.code == 0);
    CHECK(result.err.empty());
    CHECK(result.out.rfind("usage: batchmark", 0) == 0);
    std::istringstream lines(result.out);
    for (std::string line; std::getline(lines, line);) {
      CAPTURE(line);
      CHECK(line.size() <= 80);
      CHECK((line.empty() || line.back() != ' '));
    }
  }
}

TEST_CASE("--version names everything that may change a figure", "[usage]") {
  const ProgramResult result = Batchmark({"--version"});
  CHECK(result.code == 0);
  for (const char* word :
       {"batchmark 0.", "revision", "build", "program", "scheduler", "simd", "numerics"})
    CHECK(result.out.find(word) != std::string::npos);
}

TEST_CASE("doctor reads the machine and exits 0", "[usage]") {
  const ProgramResult result = Batchmark({"doctor"});
  CHECK(result.code == 0);
  for (const char* word : {"processor", "threads", "simd", "denormals", "load", "data", "store"})
    CHECK(result.out.find(std::string("\n") + word) + 1 + result.out.rfind(word, 0) + 1 != 0);
}

TEST_CASE("usage errors: exit 2, one sentence, the nearest name", "[usage]") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "batchmark: a command is needed; see batchmark --help\n"},
      {{"trian"}, "batchmark: unknown command trian; did you mean train?\n"},
      {{"trian", "--json"}, "batchmark: unknown command trian; did you mean train?\n"},
      {{"--verson"}, "batchmark: unknown option --verson; did you mean --version?\n"},
      {{"train", "--jsn"}, "batchmark: unknown option --jsn; did you mean --json?\n"},
      {{"train", "more"}, "batchmark: unexpected word more; see batchmark train --help\n"},
      {{"train", "--set", "lr"}, "batchmark: --set needs key=value, not \"lr\"\n"},
      {{"train", "--resume"},
       "batchmark: --resume needs --checkpoint DIR, where the run was kept\n"},
      {{"experiment"},
       "batchmark: batchmark experiment needs a command; see batchmark experiment --help\n"},
      {{"experiment", "runn"}, "batchmark: unknown command runn; did you mean run?\n"},
      {{"experiment", "run"},
       "batchmark: batchmark experiment run needs NAME; see batchmark experiment run --help\n"},
      {{"experiment", "run", "seed-keras-mnist", "--budget", "soon"},
       "batchmark: \"soon\" is no duration; write 90s, 30m, 2h or 1h30m\n"},
      {{"report", "x.db"},
       "batchmark: batchmark report needs --out DIR; see batchmark report --help\n"},
  };
  for (const auto& [words, sentence] : cases) {
    CAPTURE(sentence);
    const ProgramResult result = Batchmark(words);
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    CHECK(result.err == sentence);
  }
  const ProgramResult no_value = Batchmark({"train", "--spec"});
  CHECK(no_value.code == 2);
  CHECK(IsOneSentence(no_value.err));
}

TEST_CASE("an unknown experiment is bad input, with the nearest name", "[usage]") {
  const ProgramResult result = Batchmark({"experiment", "show", "seed-keras-mnst"});
  CHECK(result.code == 3);
  CHECK(IsOneSentence(result.err));
  CHECK(result.err.find("seed-keras-mnist") != std::string::npos);
}

TEST_CASE("an unknown backend in the environment is refused with the list", "[usage]") {
  const ProgramResult result = Batchmark({"doctor"}, {"", {{"BATCHMARK_BACKEND", "avx9"}}, ""});
  CHECK(result.code == 2);
  CHECK(IsOneSentence(result.err));
  CHECK(result.err.find("scalar") != std::string::npos);
}

TEST_CASE("a result that cannot be written is an I/O error", "[usage]") {
  for (const char* where : {"/dev/full", "-"}) {
    CAPTURE(where);
    const ProgramResult result = Batchmark({"--version"}, {"", {}, where});
    CHECK(result.code == 4);
    CHECK(IsOneSentence(result.err));
  }
}

}  // namespace
}  // namespace batchmark
