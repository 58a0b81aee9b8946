// From findings to a forest plot: which axis each takes, what stands beside it.
#include "reports/forest_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reports/format.h"
#include "reports/verdict_text.h"

namespace batchmark::report {
namespace {

struct Unit {
  std::string title;
  ScaleKind kind;
  double factor;  // of a difference
};

Unit UnitOf(const ContrastFinding& finding) {
  const ContrastClaim& claim = finding.claim;
  if (claim.test == ContrastTest::kTrend)
    return {"pairs of arms in order, %", ScaleKind::kLinear, 100};
  if (finding.is_ratio) return {"ratio first / second", ScaleKind::kLog, 1};
  if (claim.test == ContrastTest::kProportion) {
    return {claim.b.empty() ? "share of runs, %" : "difference of shares, points",
            ScaleKind::kLinear, 100};
  }
  if (IsAccuracy(claim.measure)) return {"difference, points", ScaleKind::kLinear, 100};
  return {"difference of " + MetricName(claim.measure), ScaleKind::kLinear, 1};
}

ForestRow::Outcome OutcomeOf(const ContrastFinding& finding) {
  switch (finding.result.outcome) {
    case Outcome::kPass:
      return ForestRow::Outcome::kHolds;
    case Outcome::kOpposite:
      return ForestRow::Outcome::kOpposite;
    case Outcome::kOpen:
      break;
  }
  return ForestRow::Outcome::kOpen;
}

ForestRow::Claim ClaimOf(const ContrastFinding& finding) {
  switch (finding.criterion.direction) {
    case Direction::kLess:
      return ForestRow::Claim::kLess;
    case Direction::kGreater:
      return ForestRow::Claim::kGreater;
    case Direction::kEqual:
      break;
  }
  return ForestRow::Claim::kBetween;
}

const char* RoleText(ContrastRole role) {
  return role == ContrastRole::kCheck    ? "check"
         : role == ContrastRole::kReport ? "reported only"
                                         : "criterion";
}

// "steps to the target · reported only"
std::string NoteOf(const ContrastFinding& finding, const std::string& note) {
  std::vector<std::string> parts = {note, MetricName(finding.claim.measure)};
  if (finding.claim.role == ContrastRole::kCheck) parts.push_back("a check that must hold first");
  if (finding.claim.role == ContrastRole::kReport) parts.push_back("reported only");
  std::erase(parts, "");
  return Joined(parts, " · ");
}

std::string EffectWords(const ContrastFinding& finding) {
  const std::string text = finding.shown ? ShownText(finding) : "";
  if (!text.empty() && finding.is_ratio) {
    const size_t end = std::min(text.find(" ["), text.size());
    return text.substr(0, end) + "×" + text.substr(end);
  }
  if (!text.empty()) return text;
  return finding.pairs == 0 ? "no pair" : "not determined";
}

// Margins of a tenth of a point beside effects of ten: a linear axis would hide the one.
bool IsWide(const ForestGroup& group) {
  double least = std::numeric_limits<double>::infinity(), most = 0;
  for (const ForestRow& row : group.rows) {
    for (const double end : {row.low, row.high}) {
      if (!row.empty && std::isfinite(end)) most = std::max(most, std::fabs(end));
    }
    for (const double line : row.lines) {
      if (line != 0) least = std::min(least, std::fabs(line));
    }
  }
  return std::isfinite(least) && most > 8 * least;
}

}  // namespace

std::string OutcomeText(const ContrastFinding& finding) {
  const CriterionResult& result = finding.result;
  if (result.outcome == Outcome::kOpen) return "open: " + result.reason;
  const bool holds = result.outcome == Outcome::kPass;
  const double p = holds ? result.p_adjusted : result.p_opposite_adjusted;
  const bool holm = p != (holds ? finding.criterion.p : finding.criterion.p_opposite);
  return (holds ? "holds, " : "the opposite, ") + PText(p) + (holm ? " after Holm" : "");
}

ForestGroup& ForestBuilder::GroupOf(const ContrastFinding& finding) {
  const Unit unit = UnitOf(finding);
  const auto at = std::find_if(groups_.begin(), groups_.end(),
                               [&](const ForestGroup& g) { return g.title == unit.title; });
  if (at != groups_.end()) return *at;
  const bool share = finding.claim.b.empty();  // of one arm's runs, or of a trend's pairs
  groups_.push_back(
      {unit.title, unit.kind, share ? "" : "first less", share ? "" : "first more", {}});
  return groups_.back();
}

void ForestBuilder::Add(const Study& study) {
  if (!study.finding) return;
  for (const ContrastFinding& finding : study.finding->contrasts) AddRow(study, finding, "");
}

void ForestBuilder::AddCriteria(const Study& study) {
  if (!study.finding) return;
  for (const ContrastFinding& finding : study.finding->contrasts) {
    if (finding.claim.role != ContrastRole::kReport) AddRow(study, finding, study.experiment);
  }
}

void ForestBuilder::AddRow(const Study& study, const ContrastFinding& finding,
                           const std::string& note) {
  const Unit unit = UnitOf(finding);
  const auto value = [&](double effect) {
    return finding.is_ratio ? std::exp(effect) : unit.factor * effect;
  };
  ForestRow row;
  row.label = finding.claim.name;
  row.note = NoteOf(finding, note);
  row.text = EffectWords(finding);
  row.said = OutcomeText(finding);
  if (row.said.find("n = ") == std::string::npos)
    row.said += ", n\u00a0=\u00a0" + std::to_string(finding.pairs);  // on one line
  row.outcome = OutcomeOf(finding);
  row.faint = finding.claim.role == ContrastRole::kReport;
  row.claim = ClaimOf(finding);
  row.empty = !finding.shown;
  const ContrastClaim& claim = finding.claim;
  csv_.Cell(study.experiment).Cell(claim.name).Cell(RoleText(claim.role));
  csv_.Cell(claim.arms.empty() ? claim.a : ArmsText(claim))
      .Cell(claim.b)
      .Cell(claim.measure)
      .Cell(ToText(finding.test_used));
  csv_.Cell(ToText(claim.direction)).Cell(unit.title);
  if (finding.shown) {
    const ShownEffect& shown = *finding.shown;
    row.low = value(shown.low), row.high = value(shown.high);
    for (const double line : shown.lines) row.lines.push_back(value(line));
    row.interval = shown.interval.has_value();
    if (row.interval)
      row.from = value(shown.interval->lower), row.to = value(shown.interval->upper);
  }
  for (const double end : {row.low, row.high}) csv_.Cell(row.empty ? std::nan("") : end);
  for (const double end : {row.from, row.to}) csv_.Cell(row.interval ? end : std::nan(""));
  csv_.Cell(row.lines.empty() ? std::nan("") : row.lines.front());
  csv_.Cell(row.lines.size() < 2 ? std::nan("") : row.lines.back());
  csv_.Cell(std::to_string(finding.pairs)).Cell(finding.criterion.p);
  csv_.Cell(finding.criterion.p_opposite).Cell(finding.result.p_adjusted);
  csv_.Cell(finding.result.p_opposite_adjusted).Cell(ToText(finding.result.outcome));
  csv_.Cell(finding.result.reason).EndRow();
  GroupOf(finding).rows.push_back(std::move(row));
}

Forest ForestBuilder::Finish(const std::string& title, const std::string& subtitle) const {
  Forest forest{title, subtitle, groups_};
  for (ForestGroup& group : forest.groups) {
    if (group.kind == ScaleKind::kLinear && IsWide(group)) {
      group.kind = ScaleKind::kSigned;
      group.title += " (log)";
    }
  }
  return forest;
}

}  // namespace batchmark::report
