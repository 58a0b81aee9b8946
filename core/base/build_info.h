// What this program is: version, source revision, compiler, and an identity for wall times.
#pragma once

#include <string>

namespace batchmark {

struct BuildInfo {
  std::string version;  // "0.1.0"
  std::string
      revision;  // "1a2b3c4d5e6f", with a trailing "+" for local changes; "unknown" outside git
  std::string compiler;    // "GNU 12.2.0"
  std::string build_type;  // "Release"
};
const BuildInfo& GetBuildInfo();

// Identity of the running program's code: SHA-256 (first 16 hex digits) of the executable, the
// embedded revision left out, so that a commit that touches no code keeps its measured times.
// "unknown" where /proc/self/exe cannot be read.
std::string BinaryId();

}  // namespace batchmark
