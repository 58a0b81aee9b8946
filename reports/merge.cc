// Several stores into one.
#include "reports/merge.h"

#include <filesystem>
#include <map>
#include <set>

#include "core/base/check.h"
#include "reports/results.h"

namespace batchmark {
namespace {

struct Bits {
  std::string state_hash, status;
  int64_t steps;
  std::string store;
};

// Runs stored without a hash promise nothing.
void CheckBits(const RunRecord& run, const std::string& store, std::map<std::string, Bits>& known) {
  const auto [at, is_new] =
      known.emplace(run.key, Bits{run.state_hash, run.status, run.steps, store});
  const Bits& other = at->second;
  const bool hashes = !run.state_hash.empty() && !other.state_hash.empty();
  if (is_new || (run.status == other.status && run.steps == other.steps &&
                 (!hashes || run.state_hash == other.state_hash))) {
    return;
  }
  const std::string name = run.arm.empty() ? run.key : run.arm + " (key " + run.key + ")";
  throw Error(ExitCode::kCheckFailed, "run " + name + " has other bits in " + store + " than in " +
                                          other.store + "; nothing was merged");
}

}  // namespace

MergeResult MergeStores(const std::string& out, const std::vector<std::string>& inputs) {
  if (inputs.empty()) throw UsageError("merge needs at least one store to read");
  std::map<std::string, Bits> known;
  std::set<std::string> stored;
  std::vector<std::vector<RunRecord>> runs;
  std::vector<std::map<std::string, std::string>> documents;
  if (std::filesystem::exists(out)) {
    for (const RunRecord& run : ResultStore(out, ResultStore::Mode::kReadOnly).All()) {
      CheckBits(run, out, known);
      stored.insert(run.key);
    }
  }
  for (const std::string& input : inputs) {
    const ResultStore store(input, ResultStore::Mode::kReadOnly);
    runs.push_back(store.All());
    documents.push_back(store.Documents());
    for (const RunRecord& run : runs.back()) CheckBits(run, input, known);
  }

  MergeResult result;
  ResultStore target(out);
  std::set<std::string> counted;
  for (const auto& records : runs) {
    for (const RunRecord& run : records) {
      if (stored.insert(run.key).second) {
        target.Put(run);
        ++result.added;
        counted.insert(run.key);
      } else {
        if (!run.experiment.empty() || !run.arm.empty()) {
          target.Attach(run.key, run.experiment, run.arm);
        }
        if (counted.insert(run.key).second) ++result.present;
      }
    }
  }
  std::set<std::string> differing;
  for (const auto& set : documents) {
    for (const auto& [name, json] : set) {
      const auto have = target.FindDocument(name);
      if (!have) target.PutDocument(name, json);
      if (have && *have != json) differing.insert(name);
    }
  }
  result.documents.assign(differing.begin(), differing.end());
  return result;
}

}  // namespace batchmark
