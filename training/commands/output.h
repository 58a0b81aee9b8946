// Results go to stdout, everything else to stderr; a result that cannot be written is an I/O error.
#pragma once

#include <string>

namespace batchmark {

// Called first in main: descriptors 0, 1 and 2 that the caller closed are taken, so that no file
// opened later becomes "stdout"; a closed pipe becomes an error instead of a silent end.
void PrepareStandardStreams();

// Throws Error(kIo) at once if stdout cannot be written at all, before work is spent on a result.
void CheckStandardOutput();

// Writes and flushes. Throws Error(kIo).
void Print(const std::string& text);

// Makes a folder and those above it, before work is spent on what goes there. Throws Error(kIo).
void MakeFolder(const std::string& folder);

// "batchmark: <sentence>" on stderr.
void PrintNote(const std::string& sentence);

}  // namespace batchmark
