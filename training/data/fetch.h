// Download of an image set into the cache, verified by hash: runs fetch.cmake, whose text is
// compiled in.
#pragma once

#include <string>
#include <vector>

namespace batchmark {

struct FetchRequest {
  std::string data = "mnist";        // or "fashion-mnist"
  std::string folder;                // empty: FetchFolder(data)
  std::vector<std::string> mirrors;  // URLs that hold <file>.gz; empty: the script's own
  int timeout_s = 20;                // for each file and mirror
};

// Where the automatic search will find the set: torchvision's layout below the cache folder.
// Error kBadInput: not a set that can be downloaded; kIo: there is no cache folder.
std::string FetchFolder(const std::string& data);

// Returns the folder that now holds the four files, unpacked. What is there already and right is
// not downloaded again. Nothing is printed. Needs cmake and gzip on the path. Error kBadInput: as
// above; kIo: no network, no mirror with the right bytes, folder not writable, no cmake;
// kInterrupted, kTerminated: the download was stopped by a signal.
std::string FetchDataset(const FetchRequest& request);

// The text of fetch.cmake.
const char* FetchScript();

}  // namespace batchmark
