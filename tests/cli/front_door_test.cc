// The front door, in a tree of its own: the script is real; apt, cmake, ninja, ctest and the
// program are small stand-ins that write down how they were called.
#include "tests/support/catch.h"
#include "tests/support/run_program.h"

namespace batchmark {
namespace {

namespace fs = std::filesystem;

void WriteScript(const fs::path& path, const std::string& body) {
  fs::create_directories(path.parent_path());
  WriteText(path, "#!/bin/sh\n" + body);
  fs::permissions(path, fs::perms::owner_all);
}

// Tools that the script may use as they are.
const std::vector<std::string> kRealTools = {"sh",  "dirname", "readlink", "cat", "mkdir", "sed",
                                             "tee", "awk",     "nproc",    "env", "flock", "touch"};

class Tree {
 public:
  Tree() {
    fs::create_directories(root_);
    fs::create_directories(bin_);
    fs::copy_file(fs::path(BATCHMARK_SOURCE_DIR) / "batchmark", root_ / "batchmark");
    for (const std::string& tool : kRealTools) {
      for (const char* folder : {"/usr/bin/", "/bin/"})
        if (fs::exists(folder + tool) && !fs::exists(bin_ / tool))
          fs::create_symlink(folder + tool, bin_ / tool);
    }
    const std::string log = "echo \"${0##*/} $*\" >> " + log_.string() + "\n";
    WriteScript(bin_ / "id", "echo 0\n");
    WriteScript(bin_ / "cmake",
                log + "mkdir -p build/release && touch build/release/build.ninja\n");
    WriteScript(bin_ / "ninja", log + "exit ${NINJA_CODE:-0}\n");
    WriteScript(bin_ / "apt-get", log + "exit ${APT_CODE:-0}\n");
    WriteScript(bin_ / "dpkg-query",
                "case \"$3\" in ${LACKS:-none}) exit 1;; esac; echo installed\n");
    WriteScript(bin_ / "ctest",
                "printf '%s tests passed, 2 tests failed out of 9\\n' 78%\nexit 8\n");
    WriteScript(program(),
                "pwd\nfor word in \"$@\"; do echo \"<$word>\"; done\nexit ${PROGRAM_CODE:-0}\n");
  }

  fs::path program() const { return root_ / "build/release/batchmark"; }
  fs::path root() const { return root_; }
  std::string Log() const { return ReadText(log_); }
  void Remove(const std::string& tool) const { fs::remove(bin_ / tool); }

  ProgramResult Run(std::vector<std::string> words,
                    std::vector<std::pair<std::string, std::string>> environment = {},
                    fs::path script = {}, fs::path folder = {}) const {
    words.insert(words.begin(), script.empty() ? (root_ / "batchmark").string() : script.string());
    environment.insert(environment.begin(), {{"PATH", bin_.string()}, {"BATCHMARK_NO_APT", ""}});
    return RunProgram(words, {folder.empty() ? root_.string() : folder.string(), environment, ""});
  }
  fs::path Path(const std::string& name) const { return folder_ / name; }

 private:
  TestFolder folder_;
  fs::path root_ = folder_ / "a tree", bin_ = folder_ / "bin", log_ = folder_ / "log";
};

TEST_CASE("a command builds, then runs in the caller's folder with its words and exit code",
          "[front_door]") {
  const Tree tree;
  fs::create_directories(tree.Path("elsewhere"));
  fs::create_symlink(tree.root() / "batchmark", tree.Path("link"));
  for (const fs::path& script : {tree.root() / "batchmark", tree.Path("link")}) {
    const ProgramResult result = tree.Run({"train", "--set", "net=flatten, dense:10"},
                                          {{"PROGRAM_CODE", "3"}}, script, tree.Path("elsewhere"));
    CAPTURE(result.err);
    CHECK(result.code == 3);
    CHECK(result.out ==
          tree.Path("elsewhere").string() + "\n<train>\n<--set>\n<net=flatten, dense:10>\n");
    CHECK(result.err.empty());
  }
  CHECK(Has(tree.Log(), "cmake --preset release\nninja -C " + tree.root().string() +
                            "/build/release --quiet batchmark\n"));
  CHECK_FALSE(Has(tree.Log(), "apt-get"));
}

TEST_CASE("run is the seed experiment in its quick form", "[front_door]") {
  const Tree tree;
  // The download before it prints nothing of its own here.
  CHECK(Has(tree.Run({"run", "--budget", "60s"}).out,
            "<experiment>\n<run>\n<seed-keras-mnist>\n<--quick>\n<--budget>\n<60s>\n"));
}

TEST_CASE("missing packages are named, installed once and remembered", "[front_door]") {
  const Tree tree;
  const ProgramResult first = tree.Run({"doctor"}, {{"LACKS", "catch2"}});
  CAPTURE(first.err);
  CHECK(first.code == 0);
  CHECK(first.err ==
        "batchmark: installing packages: apt-get update && apt-get install -y "
        "--no-install-recommends catch2\n");
  CHECK(Has(tree.Log(),
            "apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 update\napt-get install -y "
            "--no-install-recommends catch2"));
  const std::string before = tree.Log();
  CHECK(tree.Run({"doctor"}, {{"LACKS", "catch2"}}).code == 0);
  CHECK_FALSE(Has(tree.Log().substr(before.size()), "apt-get"));
}

TEST_CASE("packages that cannot be installed: exit 4 and a sentence", "[front_door]") {
  const Tree tree;
  const ProgramResult offline = tree.Run({"doctor"}, {{"LACKS", "catch2"}, {"APT_CODE", "100"}});
  CHECK(offline.code == 4);
  CHECK(Has(offline.err, "packages could not be installed"));
  const ProgramResult forbidden =
      tree.Run({"doctor"}, {{"LACKS", "catch2"}, {"BATCHMARK_NO_APT", "1"}});
  CHECK(forbidden.code == 0);  // the user's own libraries may do; configuring will tell
  CHECK(Has(forbidden.err, "not installed, as BATCHMARK_NO_APT asks: catch2"));
  tree.Remove("ninja");
  CHECK(tree.Run({"doctor"}, {{"LACKS", "ninja-build"}, {"BATCHMARK_NO_APT", "1"}}).code == 4);
  tree.Remove("apt-get");
  const ProgramResult no_apt = tree.Run({"doctor"});
  CHECK(no_apt.code == 4);
  CHECK(Has(no_apt.err, "libhwy-dev"));
}

TEST_CASE("a failed build runs nothing", "[front_door]") {
  const Tree tree;
  const ProgramResult result = tree.Run({"doctor"}, {{"NINJA_CODE", "1"}});
  CHECK(result.code == 1);
  CHECK(result.out.empty());
  CHECK(Has(result.err, "the build failed"));
}

TEST_CASE("test builds all, counts and passes ctest's exit code on", "[front_door]") {
  const Tree tree;
  const ProgramResult result = tree.Run({"test"});
  CHECK(result.code == 8);
  CHECK(result.out == "78% tests passed, 2 tests failed out of 9\n7 passed, 2 failed\n");
  CHECK(Has(tree.Log(), "build/release all\n"));
}

TEST_CASE("help before the first build costs no build", "[front_door]") {
  const Tree tree;
  fs::remove(tree.program());
  const ProgramResult result = tree.Run({});
  CHECK(result.code == 0);
  CHECK(Has(result.out, "./batchmark test"));
  CHECK(tree.Log().empty());
}

}  // namespace
}  // namespace batchmark
