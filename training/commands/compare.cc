// batchmark compare: what became slower or faster between two stores, or two benchmark files.
#include "reports/compare.h"

#include <memory>

#include "core/base/check.h"
#include "core/base/text.h"
#include "training/commands/command.h"
#include "training/commands/output.h"

namespace batchmark {
namespace {

struct CompareWords {
  std::string a, b, min_effect;
};

// "0.05" or "5%".
double ParseShare(const std::string& text) {
  const bool percent = !text.empty() && text.back() == '%';
  const auto number = ParseNumber(percent ? text.substr(0, text.size() - 1) : text);
  const double share = number ? *number / (percent ? 100.0 : 1.0) : -1.0;
  if (share < 0.0 || share > 10.0)
    throw UsageError("--min-effect wants a share from 0 to 10, such as 0.05 or 5%, not \"" + text +
                     "\"");
  return share;
}

int Compare(const CompareWords& words) {
  CheckStandardOutput();
  CompareOptions options;
  if (!words.min_effect.empty()) options.min_effect = ParseShare(words.min_effect);
  const Comparison comparison = CompareResults(words.a, words.b, options);
  Print(comparison.Text());
  return comparison.Worse() ? static_cast<int>(ExitCode::kCheckFailed) : 0;
}

}  // namespace

Command CompareCommand() {
  auto words = std::make_shared<CompareWords>();
  Command command{
      "compare", "Say what became slower or faster from A to B, with a test.", {}, {}, "", {}};
  command.options = {
      {"A", "", "results store (.db) or Google Benchmark file (.json): before", &words->a, true},
      {"B", "", "the same kind: after", &words->b, true},
      {"--min-effect", "SHARE", "smallest change that counts; default 0.05, also written 5%",
       &words->min_effect},
  };
  command.notes =
      "Stores are paired on experiment, arm and seed (at least 6 pairs); benchmark\n"
      "files are compared by their repetitions (--benchmark_repetitions=9; at least 4\n"
      "a side). Smaller is better in every measure; p is adjusted over all rows.\n"
      "\n"
      "Exit code 1: something is worse by the test (p <= 0.05) and by the minimum\n"
      "effect, or runs of one key have other bits in B than in A; else 0.\n"
      "\n"
      "Example:\n"
      "  batchmark compare main.db branch.db --min-effect 3%\n";
  command.run = [words] { return Compare(*words); };
  return command;
}

}  // namespace batchmark
