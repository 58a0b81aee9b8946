// batchmark merge: stores made in shards or on several machines into one.
#include "reports/merge.h"

#include <memory>

#include "reports/format.h"
#include "training/commands/command.h"
#include "training/commands/output.h"

namespace batchmark {
namespace {

struct MergeWords {
  std::string out;
  std::vector<std::string> inputs;
};

int Merge(const MergeWords& words) {
  CheckStandardOutput();
  const MergeResult result = MergeStores(words.out, words.inputs);
  if (!result.documents.empty())
    PrintNote("documents that differ, of which the first is kept: " +
              report::Joined(result.documents, ", "));
  Print(words.out + ": " + report::Plural(result.added, "run") + " added, " +
        std::to_string(result.present) + " there already\n");
  return 0;
}

}  // namespace

Command MergeCommand() {
  auto words = std::make_shared<MergeWords>();
  Command command{
      "merge", "Add the runs of stores (shards, other machines) to one store.", {}, {}, "", {}};
  command.options = {
      {"OUT.db", "", "the store to add to; made if it is missing", &words->out, true},
      {"IN.db", "", "stores to read; they stay as they are", &words->inputs, true},
  };
  command.notes =
      "Repeating a merge changes nothing. A run that is in several stores must have\n"
      "the same bits in all of them: if not, exit code 1, and nothing is written.\n"
      "\n"
      "Example:\n"
      "  batchmark merge all.db shard1.db shard2.db\n";
  command.run = [words] { return Merge(*words); };
  return command;
}

}  // namespace batchmark
