// From stores and benchmark files to report.md + fig/*.svg + data/*.csv + env.json. Same input,
// same bytes.
#pragma once

#include <string>
#include <vector>

namespace batchmark {

// Inputs end in .db (stores) or .json (Google Benchmark). Returns the path of report.md.
// Throws Error: kBadInput for unreadable inputs or stores without runs, kIo for an unwritable
// folder.
std::string WriteReport(const std::vector<std::string>& inputs, const std::string& out_dir);

}  // namespace batchmark
