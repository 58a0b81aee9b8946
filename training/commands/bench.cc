// batchmark bench: the bench programs beside this one, by name or all of them.
#include <algorithm>
#include <filesystem>
#include <memory>

#include "core/base/check.h"
#include "core/base/text.h"
#include "training/commands/child.h"
#include "training/commands/command.h"
#include "training/commands/output.h"

namespace batchmark {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSuffix = "_bench";

struct BenchWords {
  std::string name;
  std::vector<std::string> flags;
};

fs::path Folder() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) throw IoError("/proc/self/exe cannot be read: " + error.message());
  return self.parent_path() / "bench";
}

// "gemm" for gemm_bench, in alphabetical order.
std::vector<std::string> Names(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  const std::string suffix = kSuffix;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string file = entry.path().filename().string();
    if (file.size() > suffix.size() && file.ends_with(suffix) && entry.is_regular_file(error))
      names.push_back(file.substr(0, file.size() - suffix.size()));
  }
  std::sort(names.begin(), names.end());
  if (names.empty())
    throw IoError("there are no bench programs in " + folder.string() +
                  "; ./batchmark bench builds them, and so does: cmake --build --preset release");
  return names;
}

int RunOne(const fs::path& folder, const std::string& name, const std::vector<std::string>& flags) {
  return RunChild((folder / (name + kSuffix)).string(), flags);
}

bool IsFlag(const std::string& word, const std::string& flag) {
  return word == flag || word.rfind(flag + "=", 0) == 0;
}

// A filter that one program knows nothing of is no fault as long as another does.
bool HasMatch(const fs::path& folder, const std::string& name, std::vector<std::string> flags) {
  flags.push_back("--benchmark_list_tests=true");
  return RunChild((folder / (name + kSuffix)).string(), flags, /*silent=*/true) !=
         static_cast<int>(ExitCode::kCheckFailed);
}

int RunEach(const fs::path& folder, const std::vector<std::string>& names,
            const std::vector<std::string>& flags) {
  const auto given = [&](const char* flag) {
    return std::any_of(flags.begin(), flags.end(),
                       [&](const std::string& word) { return IsFlag(word, flag); });
  };
  if (given("--benchmark_out"))
    throw UsageError("--benchmark_out is one file: name the bench that writes it (" +
                     OrList(names) + ")");
  std::vector<std::string> matched = names;
  if (given("--benchmark_filter"))
    std::erase_if(matched, [&](const std::string& name) { return !HasMatch(folder, name, flags); });
  if (matched.empty())
    throw Error(ExitCode::kCheckFailed, "no benchmark has a name that matches the filter");
  int worst = 0;
  for (const std::string& name : matched) {
    PrintNote(name + kSuffix);
    const int code = RunOne(folder, name, flags);
    if (code >= 128 || code == static_cast<int>(ExitCode::kUsage)) return code;
    worst = worst == 0 ? code : worst;
  }
  return worst;
}

int Bench(const BenchWords& words) {
  CheckStandardOutput();
  const fs::path folder = Folder();
  const std::vector<std::string> names = Names(folder);
  if (words.name.empty()) return RunEach(folder, names, words.flags);
  std::string name = words.name;
  if (name.ends_with(kSuffix)) name.resize(name.size() - std::string(kSuffix).size());
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw UsageError("there is no bench " + words.name + NearestHint(name, names) + " (there are " +
                     OrList(names) + ")");
  return RunOne(folder, name, words.flags);
}

}  // namespace

Command BenchCommand() {
  auto words = std::make_shared<BenchWords>();
  Command command{"bench", "Measure the kernels and whole training steps.", {}, {}, "", {}};
  command.options = {
      {"NAME", "", "gemm, conv2d, batch_norm, pointwise or train_step; all of them without it",
       &words->name},
  };
  command.rest = {"flags for Google Benchmark and for the bench itself follow --", &words->flags};
  command.notes =
      "The bench's own flags: --threads=1,2  --backend=avx2,avx3  --cold=0\n"
      "--limits=quick|none  --peers=0; see bench/README.md. Without NAME a filter picks\n"
      "from all benches. Exit code 1: a result was wrong, or nothing matched.\n"
      "\n"
      "Examples:\n"
      "  batchmark bench gemm -- --benchmark_filter=square_1024 --cold=0\n"
      "  batchmark bench train_step -- --benchmark_repetitions=9 \\\n"
      "    --benchmark_out=steps.json\n";
  command.run = [words] { return Bench(*words); };
  return command;
}

}  // namespace batchmark
