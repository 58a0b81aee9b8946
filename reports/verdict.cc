#include "reports/verdict.h"

#include <algorithm>
#include <set>

#include "reports/format.h"
#include "reports/verdict_tests.h"
#include "reports/verdict_text.h"

namespace batchmark {
namespace {

using Pointers = std::vector<const RunRecord*>;

Pointers RunsOf(std::span<const RunRecord> runs, const std::string& experiment) {
  Pointers own;
  for (const RunRecord& run : runs) {
    if (run.experiment == experiment) own.push_back(&run);
  }
  return own;
}

ContrastFinding FindContrast(std::span<const RunRecord* const> runs, const ContrastClaim& claim,
                             double alpha) {
  int unpaired = 0;
  const std::vector<SeedRuns> seeds = MatchSeeds(runs, claim, unpaired);
  ContrastFinding finding = claim.test == ContrastTest::kTrend
                                ? TestTrend(seeds, claim, alpha)
                                : TestPairs(PairsOf(seeds), claim, alpha);
  finding.unpaired += unpaired;
  return finding;
}

void Describe(ContrastFinding& finding) {
  // "not significant" would hide that there was nothing to test.
  if (finding.result.outcome == Outcome::kOpen &&
      finding.criterion.n >= finding.criterion.n_required && !finding.criterion.estimate) {
    finding.result.reason = finding.why_other.empty() ? "no pair is decided" : finding.why_other;
  }
  finding.effect_text = EffectText(finding);
  finding.sentence = FindingSentence(finding);
}

CriterionResult ByItself(const Criterion& criterion, double alpha) {
  return CombineCriteria(std::span(&criterion, 1), alpha).results.front();
}

// Steps are known to the next evaluation only.
std::string CadenceNote(std::span<const RunRecord* const> runs) {
  std::set<std::pair<size_t, std::string>> every;  // shorter numbers first
  for (const RunRecord* run : runs) {
    const auto at = run->spec.find("eval_every");
    if (at != run->spec.end()) every.emplace(at->second.size(), at->second);
  }
  if (every.empty()) return "";
  std::vector<std::string> list;
  for (const auto& [digits, steps] : every) list.push_back(steps);
  return "Steps and seconds to the target are interval-censored: they are known to the next "
         "evaluation only, every " +
         report::Joined(list, " or ") + " steps.";
}

}  // namespace

ContrastFinding JudgeContrast(std::span<const RunRecord> runs, const ContrastClaim& claim,
                              double alpha) {
  ValidateClaim(claim);
  ContrastFinding finding = FindContrast(PointersTo(runs), claim, alpha);
  finding.result = ByItself(finding.criterion, alpha);
  Describe(finding);
  return finding;
}

ExperimentFinding JudgeExperiment(std::span<const RunRecord> runs, const ExperimentClaims& claims) {
  const Pointers own = RunsOf(runs, claims.name);
  ExperimentFinding finding;
  finding.name = claims.name;
  std::vector<Criterion> family;
  bool arrivals = false;
  for (const ContrastClaim& claim : claims.contrasts) {
    ValidateClaim(claim);
    finding.contrasts.push_back(FindContrast(own, claim, claims.alpha));
    arrivals = arrivals || IsArrival(claim.measure);
    if (claim.role != ContrastRole::kReport) family.push_back(finding.contrasts.back().criterion);
  }
  const Combined combined = CombineCriteria(family, claims.alpha);
  finding.verdict = combined.verdict;
  size_t next = 0;
  for (ContrastFinding& contrast : finding.contrasts) {
    const bool reported = contrast.claim.role == ContrastRole::kReport;
    contrast.result =
        reported ? ByItself(contrast.criterion, claims.alpha) : combined.results[next++];
    Describe(contrast);
    if (contrast.unpaired > 0) {
      finding.notes.push_back(contrast.claim.name + ": " + report::Plural(contrast.unpaired, "seed") +
                              " left out, run in one arm only or without the measure.");
    }
  }
  finding.sentence = VerdictSentence(finding, claims.alpha);
  if (claims.calibration) finding.calibration = Calibrate(own, *claims.calibration, claims.alpha);
  if (const std::string cadence = CadenceNote(own); arrivals && !cadence.empty())
    finding.notes.push_back(cadence);
  return finding;
}

}  // namespace batchmark
