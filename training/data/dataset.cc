#include "training/data/dataset.h"

#include "core/base/check.h"
#include "training/data/folder.h"
#include "training/data/search.h"
#include "training/data/synth_digits.h"

namespace batchmark {
namespace {

void CheckDataName(const std::string& data) {
  for (const char* name : {"auto", "mnist", "fashion-mnist", "synth-digits"}) {
    if (data == name) return;
  }
  throw InputError("data=" + data + ": expected auto, mnist, fashion-mnist or synth-digits");
}

bool Wanted(const std::string& data, const Dataset& found) {
  return data == "auto" || data == found.name;
}

// The only place used: whatever is wrong with it is the answer.
Dataset LoadNamed(const std::string& data, const NamedFolder& named) {
  std::string held;
  for (const std::string& folder : WithTorchvisionLayout(named.folder)) {
    if (!WhyNoDataFolder(folder).empty()) continue;
    Dataset found = LoadFolder(folder);
    if (Wanted(data, found)) return found;
    held += (held.empty() ? "" : " and ") + found.name;
  }
  if (!held.empty())
    throw InputError("data=" + data + ": " + named.folder + " (" + named.by + ") holds " + held);
  throw InputError(named.folder + " (" + named.by + "): " + WhyNoDataFolder(named.folder));
}

// One folder of the automatic search: usable, or the reason why not.
DataCandidate Examine(const std::string& folder, Dataset* found) {
  DataCandidate candidate{folder, WhyNoDataFolder(folder)};
  if (!candidate.verdict.empty()) return candidate;
  try {
    *found = LoadFolder(folder);
    candidate.verdict = found->name;
    candidate.usable = true;
  } catch (const Error& error) {
    candidate.verdict = error.what();
  }
  return candidate;
}

Dataset LoadAutomatic(const std::string& data) {
  std::string reasons;
  for (const std::string& folder : AutomaticFolders()) {
    Dataset found;
    const DataCandidate candidate = Examine(folder, &found);
    if (candidate.usable && Wanted(data, found)) return found;
    if (candidate.verdict != "no such folder") {
      reasons += (reasons.empty() ? " (" : "; ") + folder + ": " + candidate.verdict;
    }
  }
  if (data == "auto") return SynthDigits();
  throw InputError("data=" + data + ": not found in ./data, the cache or the installed packages" +
                   (reasons.empty() ? "" : reasons + ")") +
                   "; `batchmark data fetch` downloads it");
}

}  // namespace

Dataset LoadDataset(const std::string& data, const std::string& data_dir) {
  CheckDataName(data);
  const NamedFolder named = FindNamedFolder(data_dir);
  // The built-in set lives in no folder, so the environment's folder says nothing about it.
  if (data == "synth-digits" && data_dir.empty()) return SynthDigits();
  return named.folder.empty() ? LoadAutomatic(data) : LoadNamed(data, named);
}

std::vector<DataCandidate> ListDatasets(const std::string& data_dir) {
  const NamedFolder named = FindNamedFolder(data_dir);
  std::vector<DataCandidate> candidates;
  const auto folders =
      named.folder.empty() ? AutomaticFolders() : WithTorchvisionLayout(named.folder);
  for (const std::string& folder : folders) {
    Dataset found;
    candidates.push_back(Examine(folder, &found));
  }
  if (named.folder.empty()) {
    const DataCandidate download{"download",
                                 "not done by the search; `batchmark data fetch` does it"};
    candidates.insert(candidates.end() - 1, download);
  } else {
    candidates.push_back(
        {"anywhere else", "not searched, because " + named.by + " names a folder"});
  }
  candidates.push_back({"built in", "synth-digits", data_dir.empty()});
  return candidates;
}

}  // namespace batchmark
