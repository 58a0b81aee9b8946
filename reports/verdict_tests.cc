#include "reports/verdict_tests.h"

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/stats_equivalence.h"
#include "reports/stats_proportions.h"
#include "reports/stats_tests.h"

namespace batchmark {
namespace {

// Effects that agree but for rounding; they are of the order of 1e-3 and more.
constexpr double kSame = 1e-12;

PairCounts CountAgainst(std::span<const Known> effects, double null) {
  PairCounts counts;
  for (const Known& effect : effects) {
    if (effect.IsExact()) {
      const double beyond = effect.low - null;
      ++(std::fabs(beyond) <= kSame ? counts.ties : beyond < 0.0 ? counts.less : counts.greater);
    } else if (effect.high <= null) {  // bounds are strict
      ++counts.less;
    } else if (effect.low >= null) {
      ++counts.greater;
    } else {
      ++counts.undecided;
    }
  }
  return counts;
}

// A two-sided p counts for the claim or for its opposite, by the side of the null that was found.
void SetBySide(Criterion& criterion, double p, bool found_less) {
  const bool claimed_less = criterion.direction == Direction::kLess;
  (found_less == claimed_less ? criterion.p : criterion.p_opposite) = p;
}

// The middle effect, an even number's less favourable one; bounds at their less favourable end.
double ConservativeMedian(std::span<const Known> effects, Direction direction) {
  const bool less = direction == Direction::kLess;
  std::vector<double> ends;
  for (const Known& effect : effects) ends.push_back(less ? effect.high : effect.low);
  const size_t at = less ? ends.size() / 2 : (ends.size() - 1) / 2;
  std::nth_element(ends.begin(), ends.begin() + static_cast<std::ptrdiff_t>(at), ends.end());
  return ends[at];
}

// The median of one end of the effects; between the middle two, an infinite one wins.
double MiddleOf(std::vector<double> ends, bool upper) {
  std::sort(ends.begin(), ends.end());
  const double below = ends[(ends.size() - 1) / 2], above = ends[ends.size() / 2];
  if (std::isinf(below) || std::isinf(above)) return upper ? above : below;
  return 0.5 * (below + above);
}

// Effect: the share of decided pairs above the null, against one half. Where a minimum effect is
// declared: the median effect, so that the minimum means something.
void Sign(std::span<const Known> effects, ContrastFinding& finding, double alpha) {
  Criterion& criterion = finding.criterion;
  const PairCounts& counts = finding.counts;
  const int decided = counts.less + counts.greater;
  if (decided == 0) return;
  SetBySide(criterion, SignTest(counts.less, counts.greater).p, counts.less > counts.greater);
  if (criterion.min_effect > 0.0) {
    criterion.estimate = ConservativeMedian(effects, criterion.direction);
    return;
  }
  criterion.null = 0.5;
  criterion.estimate = static_cast<double>(counts.greater) / decided;
  criterion.interval = ClopperPearsonInterval(counts.greater, decided, 1.0 - alpha);
}

// Effect: minus the standardized log-rank statistic, so that "less" means earlier.
void LogRankBySeed(std::span<const RunPair> pairs, ContrastFinding& finding) {
  std::vector<SurvivalStratum> strata;
  for (const RunPair& pair : pairs) {
    const bool steps = finding.claim.measure == "steps_to_target";
    const auto a = steps ? StepsArrival(*pair.a.front()) : SecondsArrival(*pair.a.front());
    const auto b = steps ? StepsArrival(*pair.b.front()) : SecondsArrival(*pair.b.front());
    if (a && b) strata.push_back({{*a}, {*b}});
  }
  const TestResult test = LogRank(strata);
  finding.criterion.estimate = -test.statistic;
  SetBySide(finding.criterion, test.p, test.statistic > 0.0);
}

void StudentT(std::span<const double> effects, Criterion& criterion, double alpha) {
  const PairedT test = PairedTTest(effects, criterion.null, Alternative::kTwoSided, 1.0 - alpha);
  criterion.estimate = test.mean;
  criterion.interval = test.interval;
  SetBySide(criterion, test.test.p, test.mean < criterion.null);
}

void SignedRank(std::span<const double> effects, Criterion& criterion) {
  std::vector<double> shifted(effects.begin(), effects.end());
  for (double& effect : shifted) effect -= criterion.null;
  const TestResult test = WilcoxonSignedRank(shifted);
  criterion.estimate = Median(effects);
  SetBySide(criterion, test.p, test.statistic < 0.25 * test.n * (test.n + 1.0));
}

void MarginTest(std::span<const double> effects, ContrastFinding& finding, double alpha) {
  const double margin = ClaimMargin(finding.claim);
  Criterion& criterion = finding.criterion;
  const Equivalence test =
      finding.test_used == ContrastTest::kTost
          ? TostPaired(effects, margin, alpha)
          : NonInferiorityPaired(effects, margin, criterion.direction == Direction::kGreater,
                                 alpha);
  criterion.estimate = test.mean;
  criterion.interval = test.interval;
  criterion.p = test.p;
  criterion.p_opposite = test.p_outside;
}

std::string WhyNotExact(std::span<const Known> effects, const std::string& measure) {
  const auto count =
      std::count_if(effects.begin(), effects.end(), [](const Known& e) { return !e.IsExact(); });
  const std::string pairs = report::Plural(count, "pair");
  if (IsArrival(measure)) return "in " + pairs + " a run never arrived";
  if (measure == "lr_ceiling") return "in " + pairs + " a ceiling lies outside the rates tried";
  return "in " + pairs + " a run diverged";
}

void TestEffects(std::span<const RunPair> pairs, std::span<const Known> effects,
                 ContrastFinding& finding, double alpha) {
  const bool all_exact =
      std::all_of(effects.begin(), effects.end(), [](const Known& e) { return e.IsExact(); });
  const ContrastTest test = finding.claim.test;
  if (test == ContrastTest::kSign) return Sign(effects, finding, alpha);
  if (test == ContrastTest::kLogRank) return LogRankBySeed(pairs, finding);
  if (!all_exact) {
    finding.why_other = WhyNotExact(effects, finding.claim.measure);
    // A bound cannot show that two arms are close: the claim stays open.
    if (test == ContrastTest::kTost || test == ContrastTest::kNonInferiority) return;
    finding.test_used = ContrastTest::kSign;
    return Sign(effects, finding, alpha);
  }
  if (effects.empty()) return;
  std::vector<double> numbers;
  for (const Known& effect : effects) numbers.push_back(effect.low);
  if (test == ContrastTest::kWilcoxon) return SignedRank(numbers, finding.criterion);
  if (test == ContrastTest::kTost || test == ContrastTest::kNonInferiority)
    return MarginTest(numbers, finding, alpha);
  StudentT(numbers, finding.criterion, alpha);
}

// McNemar's exact test of two arms' shares, or the exact binomial test of one arm's.
void Proportion(std::span<const RunPair> pairs, ContrastFinding& finding, double alpha) {
  Criterion& criterion = finding.criterion;
  const ContrastClaim& claim = finding.claim;
  int hits_a = 0, hits_b = 0;
  for (const RunPair& pair : pairs) {
    const bool a = IsHit(*pair.a.front(), claim.measure);
    hits_a += a;
    if (claim.b.empty()) continue;
    const bool b = IsHit(*pair.b.front(), claim.measure);
    hits_b += b;
    ++(a == b ? finding.counts.ties : a ? finding.counts.greater : finding.counts.less);
  }
  const int n = static_cast<int>(pairs.size());
  if (n == 0) return;
  if (!claim.b.empty()) {
    criterion.estimate = static_cast<double>(hits_a - hits_b) / n;
    SetBySide(criterion, SignTest(finding.counts.less, finding.counts.greater).p, hits_a < hits_b);
    return;
  }
  // Each side at alpha / 2, like every directional claim.
  const double below = 2.0 * BinomialTest(hits_a, n, claim.margin, Alternative::kLess).p;
  const double above = 2.0 * BinomialTest(hits_a, n, claim.margin, Alternative::kGreater).p;
  const bool less = criterion.direction == Direction::kLess;
  criterion.estimate = static_cast<double>(hits_a) / n;
  criterion.interval = ClopperPearsonInterval(hits_a, n, 1.0 - alpha);
  criterion.p = std::min(1.0, less ? below : above);
  criterion.p_opposite = std::min(1.0, less ? above : below);
}

// The test's own mean and interval; where it has none, the median pair and the sign test's.
std::optional<ShownEffect> Show(std::span<const Known> effects, const ContrastFinding& finding,
                                double alpha) {
  const Criterion& criterion = finding.criterion;
  ShownEffect shown;
  const double null = ClaimNull(finding.claim), margin = criterion.margin;
  shown.lines = margin > 0.0 ? std::vector{-margin, margin} : std::vector{null};
  const bool by_pairs = finding.test_used == ContrastTest::kSign ||
                        finding.test_used == ContrastTest::kLogRank || !criterion.estimate;
  if (!by_pairs) shown.low = shown.high = *criterion.estimate;
  if (!by_pairs && finding.test_used != ContrastTest::kWilcoxon) {
    shown.interval = criterion.interval;
  } else if (effects.empty()) {
    return std::nullopt;
  } else {
    std::vector<double> low, high;
    for (const Known& effect : effects) low.push_back(effect.low), high.push_back(effect.high);
    shown.interval = SignInterval(low, high, 1.0 - alpha);
    if (by_pairs) shown.low = MiddleOf(low, /*upper=*/false), shown.high = MiddleOf(high, true);
  }
  if (finding.pairs < finding.claim.n_min) shown.interval.reset();
  return shown;
}

}  // namespace

double ClaimNull(const ContrastClaim& claim) {
  if (claim.test == ContrastTest::kTost) return 0.0;
  if (claim.test == ContrastTest::kNonInferiority) {
    return claim.direction == Direction::kGreater ? -ClaimMargin(claim) : ClaimMargin(claim);
  }
  if (claim.test == ContrastTest::kProportion) return claim.b.empty() ? claim.margin : 0.0;
  return claim.margin == 0.0 ? 0.0 : ClaimMargin(claim);
}

double ClaimMargin(const ContrastClaim& claim) {
  return IsRatio(claim) ? std::log(claim.margin) : claim.margin;
}

void CountStatuses(const std::vector<const RunRecord*>& runs, int& diverged, int& censored) {
  for (const RunRecord* run : runs) {
    if (run->status == "diverged") {
      ++diverged;
    } else if (!run->steps_to_target) {
      ++censored;
    }
  }
}

ContrastFinding StartFinding(const ContrastClaim& claim) {
  ContrastFinding finding;
  finding.claim = claim;
  finding.test_used = claim.test;
  finding.is_ratio = IsRatio(claim);
  Criterion& criterion = finding.criterion;
  criterion.name = claim.name;
  criterion.direction = claim.direction;
  criterion.null = ClaimNull(claim);
  criterion.n_required = claim.n_min;
  criterion.is_check = claim.role == ContrastRole::kCheck;
  if (claim.min_effect > 0.0)
    criterion.min_effect = finding.is_ratio ? std::log(claim.min_effect) : claim.min_effect;
  return finding;
}

ContrastFinding TestPairs(std::span<const RunPair> pairs, const ContrastClaim& claim,
                          double alpha) {
  ContrastFinding finding = StartFinding(claim);
  Criterion& criterion = finding.criterion;
  for (const RunPair& pair : pairs) {
    CountStatuses(pair.a, finding.diverged_a, finding.censored_a);
    CountStatuses(pair.b, finding.diverged_b, finding.censored_b);
  }

  if (claim.test == ContrastTest::kProportion) {
    finding.pairs = static_cast<int>(pairs.size());
    Proportion(pairs, finding, alpha);
    finding.shown = Show({}, finding, alpha);
  } else {
    std::vector<Known> effects;
    for (const RunPair& pair : pairs) {
      if (const auto effect = EffectOf(pair, claim)) effects.push_back(*effect);
    }
    finding.pairs = static_cast<int>(effects.size());
    finding.unpaired = static_cast<int>(pairs.size() - effects.size());
    finding.counts = CountAgainst(effects, criterion.null);
    if (claim.test == ContrastTest::kTost) criterion.margin = ClaimMargin(claim);
    TestEffects(pairs, effects, finding, alpha);
    finding.shown = Show(effects, finding, alpha);
  }
  criterion.n = finding.pairs;
  return finding;
}

}  // namespace batchmark
