// The list of sections, in the order of the page.
#include "reports/section.h"

namespace batchmark::report {

const std::vector<StudySection>& StudySections() {
  static const std::vector<StudySection> sections = {
      WriteClaim,     WriteForest,   WriteCalibration, WriteSummary, WriteSteps,   WriteHeatMap,
      WriteFactorial, WriteCurves,   WriteSurvival,    WriteBatch,   WriteCeiling, WriteNoise,
      WriteRibbons,   WriteWallTime, WriteTuning,      WriteArms,
  };
  return sections;
}

const std::vector<WholeSection>& FirstSections() {
  static const std::vector<WholeSection> sections = {WriteOverview};
  return sections;
}

const std::vector<WholeSection>& LastSections() {
  static const std::vector<WholeSection> sections = {
      WriteBenches,
      WriteProvenance,
  };
  return sections;
}

}  // namespace batchmark::report
