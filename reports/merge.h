// Several stores into one, for runs that were made in shards or on several machines.
#pragma once

#include <string>
#include <vector>

namespace batchmark {

struct MergeResult {
  size_t added = 0;                    // runs that the output did not have
  size_t present = 0;                  // runs it had, with the same bits
  std::vector<std::string> documents;  // names of documents that differ; the output's are kept
};

// Adds to `out` (made where missing) every run, membership and document of `inputs`. Repeating it
// changes nothing. A run that is already there is kept with its wall times. Throws
// Error(kCheckFailed) if one key has different bits in two stores, before anything is written: the
// same key promises the same state_hash, status and steps, so this is also a check of
// reproducibility across machines. Throws Error(kBadInput) for an unreadable input, kIo for an
// unwritable output.
MergeResult MergeStores(const std::string& out, const std::vector<std::string>& inputs);

}  // namespace batchmark
