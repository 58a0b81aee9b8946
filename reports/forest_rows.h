// From findings to a forest plot: which axis each takes, what stands beside it.
#pragma once

#include <string>
#include <vector>

#include "reports/forest.h"
#include "reports/page.h"
#include "reports/study.h"

namespace batchmark::report {

// Findings grouped by unit, in the order of first appearance.
class ForestBuilder {
 public:
  void Add(const Study& study);          // all
  void AddCriteria(const Study& study);  // those of the verdict, with the experiment's name
  bool empty() const { return groups_.empty(); }
  Forest Finish(const std::string& title, const std::string& subtitle) const;
  const CsvTable& csv() const { return csv_; }

 private:
  void AddRow(const Study& study, const ContrastFinding& finding, const std::string& note);
  ForestGroup& GroupOf(const ContrastFinding& finding);

  std::vector<ForestGroup> groups_;
  CsvTable csv_{{"experiment",
                 "comparison",
                 "role",
                 "a",
                 "b",
                 "measure",
                 "test",
                 "direction",
                 "scale",
                 "effect_low",
                 "effect_high",
                 "interval_low",
                 "interval_high",
                 "line",
                 "second_line",
                 "pairs",
                 "p",
                 "p_opposite",
                 "p_holm",
                 "p_opposite_holm",
                 "outcome",
                 "reason"}};
};

// "holds, p = 0.0078 after Holm", "open: n = 2 of 6 required".
std::string OutcomeText(const ContrastFinding& finding);

}  // namespace batchmark::report
