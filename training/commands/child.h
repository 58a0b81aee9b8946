// Another program run in place, with our standard streams.
#pragma once

#include <string>
#include <vector>

namespace batchmark {

// Runs and waits. Ctrl-C and SIGTERM are handed on; the program that a signal ended counts as 128 +
// n. silent: its output and complaints go nowhere. Throws Error(kIo) if it cannot be started.
int RunChild(const std::string& program, const std::vector<std::string>& arguments,
             bool silent = false);

}  // namespace batchmark
