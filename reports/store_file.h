// What stands at a store's path, and why it cannot be used: causes that SQLite does not tell.
#pragma once

#include <string>

namespace batchmark {

// Throws Error where no store can be: kBadInput for a folder, a pipe or a device, or, with
// must_exist, for nothing; kIo where the path cannot be followed.
void CheckStorePath(const std::string& path, bool must_exist);

// What forbids this program to read the file, or to write it and make its neighbours: "there is no
// folder out"; "" if permissions do not tell.
std::string StoreObstacle(const std::string& path, bool writing);

}  // namespace batchmark
