// The list of sections, in the order of the page.
#include "reports/section.h"

namespace batchmark::report {

const std::vector<StudySection>& StudySections() {
  static const std::vector<StudySection> sections = {
      WriteSummary, WriteSteps,    WriteHeatMap, WriteFactorial, WriteContrasts,
      WriteCurves,  WriteSurvival, WriteBatch,   WriteCeiling,   WriteNoise,
      WriteRibbons, WriteWallTime, WriteArms,
  };
  return sections;
}

const std::vector<WholeSection>& WholeSections() {
  static const std::vector<WholeSection> sections = {
      WriteBenches,
      WriteProvenance,
  };
  return sections;
}

}  // namespace batchmark::report
