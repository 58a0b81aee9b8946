#include "training/experiment/judge.h"

#include <algorithm>

#include "core/base/check.h"

namespace batchmark {
namespace {

// The seed's claim is of time, which is steps times cost: said for each pair of arms once.
std::vector<std::string> CostSentences(const Experiment& e, const std::vector<RunRecord>& runs) {
  std::vector<std::string> sentences;
  std::vector<std::pair<std::string, std::string>> told;
  for (const Contrast& c : e.contrasts) {
    const bool arrivals = c.measure == "steps_to_target" || c.measure == "time_to_target_s";
    const std::pair<std::string, std::string> arms(c.a, c.b);
    if (!arrivals || c.b.empty() || std::find(told.begin(), told.end(), arms) != told.end()) continue;
    told.push_back(arms);
    sentences.push_back(JudgeCost(runs, c.a, c.b).sentence);
  }
  return sentences;
}

}  // namespace

ExperimentClaims ClaimsOf(const Experiment& e) { return ParseExperimentClaims(DefinitionJson(e, {})); }

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
  const auto& calibration = judgement.finding.calibration;
  if (calibration) judgement.sentences.push_back(calibration->sentence);
  const bool false_alarms = calibration && calibration->result && !calibration->result->passed;
  if (judgement.finding.verdict == Verdict::kRefuted || false_alarms)
    judgement.exit_code = static_cast<int>(ExitCode::kCheckFailed);
  return judgement;
}

}  // namespace batchmark
