// A measure that rises or falls along ordered arms: Page's test, seeds as blocks.
#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/stats_proportions.h"
#include "reports/stats_tests.h"
#include "reports/stats_trend.h"
#include "reports/verdict_tests.h"

namespace batchmark {
namespace {

// -1, 0 or 1 as x lies below y, level with it or above; empty where their bounds leave it open.
std::optional<int> Compare(const Known& x, const Known& y) {
  if (x.low == y.low && x.high == y.high) return 0;  // two runs censored at one step are level
  if (x.high <= y.low) return -1;
  if (y.high <= x.low) return 1;
  return std::nullopt;
}

// Ranks of a seed's arms from 1, mid-ranks where they are level; empty where an order is open.
std::optional<std::vector<double>> RanksOf(const std::vector<Known>& values) {
  std::vector<double> ranks;
  for (const Known& x : values) {
    double below = 0.0, level = 0.0;
    for (const Known& y : values) {
      const std::optional<int> order = Compare(x, y);
      if (!order) return std::nullopt;
      below += *order > 0, level += *order == 0;
    }
    ranks.push_back(below + 0.5 * (level + 1.0));
  }
  return ranks;
}

// Of the pairs of arms those in the claimed order; level ones count half.
double ShareInOrder(const std::vector<double>& ranks) {
  double in_order = 0.0, pairs = 0.0;
  for (size_t i = 0; i < ranks.size(); ++i) {
    for (size_t j = i + 1; j < ranks.size(); ++j) {
      in_order += ranks[i] < ranks[j] ? 1.0 : ranks[i] == ranks[j] ? 0.5 : 0.0;
      pairs += 1.0;
    }
  }
  return in_order / pairs;
}

// Student's, of the seeds' shares. Seeds that all say the same have no sd to measure by: then the
// exact interval of that many hits among n.
std::optional<Interval> ShareInterval(const std::vector<double>& shares, double level) {
  const PairedT test = PairedTTest(shares, 0.5, Alternative::kTwoSided, level);
  if (test.sd == 0.0) {
    const int n = static_cast<int>(shares.size());
    return ClopperPearsonInterval(static_cast<int>(std::lround(test.mean * n)), n, level);
  }
  if (!test.interval) return std::nullopt;
  return Interval{std::max(0.0, test.interval->lower), std::min(1.0, test.interval->upper)};
}

void CountRuns(const SeedRuns& seed, ContrastFinding& finding) {
  for (const auto& runs : seed.arms) CountStatuses(runs, finding.diverged_a, finding.censored_a);
}

// Last arm against first, over seeds; a seed with a bound leaves it unsaid.
std::optional<double> MedianChange(const std::vector<std::vector<Known>>& seeds) {
  std::vector<double> changes;
  for (const std::vector<Known>& values : seeds) {
    if (!values.front().IsExact() || !values.back().IsExact()) return std::nullopt;
    changes.push_back(values.back().low - values.front().low);
  }
  return Median(changes);
}

}  // namespace

ContrastFinding TestTrend(std::span<const SeedRuns> seeds, const ContrastClaim& claim,
                          double alpha) {
  ContrastFinding finding = StartFinding(claim);
  finding.is_ratio = false;  // the effect is a share of pairs
  Criterion& criterion = finding.criterion;
  criterion.direction = Direction::kGreater;  // more of them in the claimed order
  criterion.null = 0.5;

  std::vector<std::vector<Known>> measured;
  for (const SeedRuns& seed : seeds) {
    std::vector<Known> values;
    for (const auto& runs : seed.arms) {
      if (const auto value = MeasureOf(runs, claim)) values.push_back(*value);
    }
    CountRuns(seed, finding);
    if (values.size() == seed.arms.size()) measured.push_back(std::move(values));
  }
  finding.pairs = criterion.n = static_cast<int>(measured.size());
  finding.unpaired = static_cast<int>(seeds.size() - measured.size());
  if (measured.empty()) return finding;

  std::vector<std::vector<double>> claimed, opposite;  // ranks, by seed, in the order of the arms
  std::vector<double> shares;
  const double arms = static_cast<double>(claim.arms.size());
  for (const std::vector<Known>& values : measured) {
    auto ranks = RanksOf(values);
    if (!ranks) continue;
    auto reversed = *ranks;
    for (double& rank : reversed) rank = arms + 1.0 - rank;
    if (claim.direction == Direction::kLess) std::swap(*ranks, reversed);
    shares.push_back(ShareInOrder(*ranks));
    claimed.push_back(std::move(*ranks)), opposite.push_back(std::move(reversed));
  }
  if (const size_t open = measured.size() - shares.size(); open > 0) {
    finding.why_other = "in " + report::Plural(open, "seed") + " runs never arrived, and their order is not known";
    return finding;
  }
  criterion.estimate = Mean(shares);
  criterion.interval = ShareInterval(shares, 1.0 - alpha);
  criterion.p = std::min(1.0, 2.0 * PageTrend(claimed).p);
  criterion.p_opposite = std::min(1.0, 2.0 * PageTrend(opposite).p);
  finding.change = MedianChange(measured);
  finding.shown = ShownEffect{*criterion.estimate, *criterion.estimate, criterion.interval, {0.5}};
  if (finding.pairs < claim.n_min) finding.shown->interval.reset();
  return finding;
}

}  // namespace batchmark
