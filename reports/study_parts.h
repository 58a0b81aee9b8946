// The parts that studies are made of: definitions read, runs chosen, arms dressed. Used by
// study*.cc only.
#pragma once

#include <string>
#include <vector>

#include "reports/study.h"

namespace batchmark::report {

using Runs = std::vector<const RunRecord*>;

// study_definition.cc: document "experiment/<name>" of a store. Throws Error(kBadInput) where it is
// damaged.
void ApplyDefinition(Study& study, const std::string& name, const std::string& document);
// The runs of the size that the definition describes; others are counted as left out.
Runs RunsOfOneSize(Study& study, const Runs& runs);
void FillDefinedArms(Study& study, const Runs& runs);
void TakeFamilies(Study& study);  // out of the arms

// study_styles.cc: the same arm looks the same in every figure.
void FillLevels(Study& study);
void AssignLabels(Study& study);
void AssignStyles(Study& study);

// Numbers by value, then texts; "none" (no BN, no noise ...) before everything, since it is what
// others are compared with.
bool LevelLess(const std::string& a, const std::string& b);
bool ParseNumber(const std::string& text, double* value);

}  // namespace batchmark::report
