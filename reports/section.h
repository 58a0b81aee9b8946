// The sections of a report. To add one: write reports/section_x.cc, declare its function here, add
// its line to the list in sections.cc. A section that has nothing to say about its data writes
// nothing.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "reports/bench_results.h"
#include "reports/page.h"
#include "reports/study.h"

namespace batchmark::report {

struct ReportData {
  std::vector<std::string> inputs;  // file names, without folders
  std::vector<RunRecord> records;
  std::map<std::string, std::string> documents;
  std::vector<Study> studies;
  std::vector<BenchFile> benches;
};

using StudySection = void (*)(const ReportData&, const Study&, ReportPage&);
using WholeSection = void (*)(const ReportData&, ReportPage&);

const std::vector<StudySection>& StudySections();  // for each study, in order
const std::vector<WholeSection>& FirstSections();  // once, before the studies
const std::vector<WholeSection>& LastSections();   // once, after them

void WriteOverview(const ReportData&, ReportPage&);  // every verdict, if there are several
void WriteClaim(const ReportData&, const Study&, ReportPage&);  // claim and verdict
void WriteForest(const ReportData&, const Study&,
                 ReportPage&);  // the comparisons that it rests on
void WriteCalibration(const ReportData&, const Study&,
                      ReportPage&);  // false alarms of its tests on equal runs
void WriteSummary(const ReportData&, const Study&, ReportPage&);  // what came out, in words
void WriteSteps(const ReportData&, const Study&, ReportPage&);    // steps and seconds to the target
void WriteFactorial(const ReportData&, const Study&,
                    ReportPage&);  // two by two: main effects, interaction, shares
void WriteCurves(const ReportData&, const Study&, ReportPage&);  // loss and accuracy against steps
void WriteSurvival(const ReportData&, const Study&,
                   ReportPage&);                                  // share of runs that have arrived
void WriteHeatMap(const ReportData&, const Study&, ReportPage&);  // learning rate x batch size
void WriteBatch(const ReportData&, const Study&,
                ReportPage&);  // steps and seconds against batch size
void WriteCeiling(const ReportData&, const Study&,
                  ReportPage&);  // share diverged against learning rate
void WriteNoise(const ReportData&, const Study&, ReportPage&);    // the noise dial
void WriteRibbons(const ReportData&, const Study&, ReportPage&);  // percentiles of a unit's input
void WriteWallTime(const ReportData&, const Study&,
                   ReportPage&);                                 // seconds = steps x seconds a step
void WriteTuning(const ReportData&, const Study&, ReportPage&);  // values tried for each arm
void WriteArms(const ReportData&, const Study&, ReportPage&);    // every arm in numbers
void WriteBenches(const ReportData&, ReportPage&);               // Google Benchmark files
void WriteProvenance(const ReportData&, ReportPage&);  // environment, commands, how to read

}  // namespace batchmark::report
