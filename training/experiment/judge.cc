#include "training/experiment/judge.h"

#include <algorithm>

#include "core/base/check.h"

namespace batchmark {
namespace {

ContrastClaim CalibrationClaim(const Contrast& c) {
  Experiment one;
  one.name = "A/A";
  one.contrasts = {c};
  one.contrasts[0].a = "first", one.contrasts[0].b = "second";
  return ClaimsOf(one).contrasts.front();
}

// The seed's claim is of time, which is steps times cost: said for each pair of arms once.
std::vector<std::string> CostSentences(const Experiment& e, const std::vector<RunRecord>& runs) {
  std::vector<std::string> sentences;
  std::vector<std::pair<std::string, std::string>> told;
  for (const Contrast& c : e.contrasts) {
    const bool arrivals = c.measure == "steps_to_target" || c.measure == "time_to_target_s";
    const std::pair<std::string, std::string> arms(c.a, c.b);
    if (!arrivals || std::find(told.begin(), told.end(), arms) != told.end()) continue;
    told.push_back(arms);
    sentences.push_back(JudgeCost(runs, c.a, c.b).sentence);
  }
  return sentences;
}

}  // namespace

ExperimentClaims ClaimsOf(const Experiment& e) {
  Experiment named = e;
  if (e.name == "A/A") named.arms.clear();
  return ParseExperimentClaims(DefinitionJson(named, {}));
}

std::vector<std::string> RequiredRuns(const Experiment& e, int seeds) {
  std::vector<std::string> sentences;
  for (const ContrastPlan& plan : PlanExperiment(ClaimsOf(e), seeds)) sentences.push_back(plan.sentence);
  return sentences;
}

Judgement JudgeRuns(const Experiment& e, const std::vector<RunRecord>& runs) {
  Judgement judgement;
  judgement.finding = JudgeExperiment(runs, ClaimsOf(e));
  judgement.sentences.push_back(judgement.finding.sentence);
  for (const ContrastFinding& contrast : judgement.finding.contrasts) judgement.sentences.push_back(contrast.sentence);
  for (std::string& sentence : CostSentences(e, runs)) judgement.sentences.push_back(std::move(sentence));
  for (const std::string& note : judgement.finding.notes) judgement.sentences.push_back(note);
  if (judgement.finding.verdict == Verdict::kRefuted) judgement.exit_code = static_cast<int>(ExitCode::kCheckFailed);

  if (e.calibration) {
    std::vector<RunRecord> equal;
    for (const RunRecord& run : runs)
      if (run.arm == e.calibration->arm) equal.push_back(run);
    constexpr size_t kFewest = 40;  // reports/verdict.h
    if (equal.size() < kFewest) {
      judgement.sentences.push_back("A/A: needs 40 equal runs, has " + std::to_string(equal.size()) +
                                    "; not calibrated.");
    } else {
      judgement.calibration = CalibrateClaim(equal, CalibrationClaim(e.calibration->contrast));
      judgement.sentences.push_back(CalibrationSentence(*judgement.calibration));
      if (!judgement.calibration->passed) judgement.exit_code = static_cast<int>(ExitCode::kCheckFailed);
    }
  }
  return judgement;
}

}  // namespace batchmark
