// SIGINT and SIGTERM: the first asks the run to stop after its step, the second ends the program at
// once.
#pragma once

namespace batchmark {

// Installs the handlers; each works once, then the system's default is back.
void CatchStopSignals();
bool StopRequested();
// 130 after SIGINT, 143 after SIGTERM; 0 if no signal came.
int StopExitCode();

}  // namespace batchmark
