// Two stores, or two benchmark files: what became slower or faster, with a test and a minimum
// effect.
#include "reports/compare.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "core/base/check.h"
#include "reports/bench_results.h"
#include "reports/effects.h"
#include "reports/format.h"
#include "reports/intervals.h"
#include "reports/page.h"
#include "reports/results.h"
#include "reports/stats_tests.h"
#include "reports/stats_unpaired.h"
#include "reports/stats_verdict.h"

namespace batchmark {
namespace {

using report::Bound;

bool IsBenchFile(const std::string& path) {
  return path.size() > 5 && path.compare(path.size() - 5, 5, ".json") == 0;
}

// Smallest two-sided p of Mann-Whitney: all of one side below all of the other, 2 / C(n_a + n_b,
// n_a).
double LeastMannWhitney(size_t a, size_t b) {
  double orders = 1;
  for (size_t i = 1; i <= a; ++i) orders *= static_cast<double>(b + i) / static_cast<double>(i);
  return std::min(1.0, 2 / orders);
}

double LeastPaired(size_t n) { return std::min(1.0, std::pow(2.0, 1 - static_cast<double>(n))); }

// Holm over the rows that could be tested, then the minimum effect.
void Decide(Comparison& comparison, const CompareOptions& options) {
  std::vector<size_t> tested;
  std::vector<double> p;
  for (size_t i = 0; i < comparison.rows.size(); ++i) {
    if (!comparison.rows[i].why.empty()) continue;
    tested.push_back(i);
    p.push_back(comparison.rows[i].p);
  }
  const std::vector<double> adjusted = HolmAdjust(p);
  for (size_t k = 0; k < tested.size(); ++k) {
    ComparedRow& row = comparison.rows[tested[k]];
    row.p_adjusted = adjusted[k];
    const bool sure = row.p_adjusted <= options.alpha;
    row.change = !sure                                       ? Change::kNone
                 : row.ratio >= 1 + options.min_effect       ? Change::kWorse
                 : row.ratio <= 1 / (1 + options.min_effect) ? Change::kBetter
                                                             : Change::kNone;
  }
}

std::string TooFew(size_t a, size_t b, const char* what) {
  return std::to_string(a) + (a == b ? "" : " and " + std::to_string(b)) + " " + what +
         " a side cannot decide";
}

void CompareBenches(const std::string& path_a, const std::string& path_b,
                    const CompareOptions& options, Comparison& out) {
  const report::BenchFile a = report::ReadBenchFile(path_a), b = report::ReadBenchFile(path_b);
  std::map<std::string, const report::BenchResult*> in_b;
  for (const report::BenchResult& result : b.results) in_b[result.name] = &result;
  for (const report::BenchResult& before : a.results) {
    const auto found = in_b.find(before.name);
    if (found == in_b.end()) {
      out.only_a.push_back(before.name);
      continue;
    }
    const report::BenchResult& after = *found->second;
    in_b.erase(found);
    ComparedRow row;
    row.name = before.name;
    row.measure = "seconds";
    row.n_a = static_cast<int>(before.seconds.size()),
    row.n_b = static_cast<int>(after.seconds.size());
    row.a = before.MedianSeconds(), row.b = after.MedianSeconds();
    row.ratio = row.ratio_low = row.ratio_high = row.b / row.a;
    if (!before.error.empty() || !after.error.empty()) {
      row.why = before.error.empty() ? "second: " + after.error : "first: " + before.error;
    } else if (!(row.a > 0) || !(row.b > 0)) {
      row.why = "no times";
    } else if (LeastMannWhitney(before.seconds.size(), after.seconds.size()) > options.alpha) {
      row.why = TooFew(before.seconds.size(), after.seconds.size(), "repetitions");
    } else {
      row.p = MannWhitney(before.seconds, after.seconds).p;
    }
    out.rows.push_back(std::move(row));
  }
  for (const report::BenchResult& result : b.results) {
    if (in_b.count(result.name)) out.only_b.push_back(result.name);
  }
}

// What a run is called when two stores are laid side by side: its arm, or what its spec says apart
// from the seed and from what a comparison is often about (how and on how many threads it was
// computed).
std::string GroupOf(const RunRecord& run) {
  if (!run.arm.empty()) return run.experiment + ": " + run.arm;
  std::string text;
  for (const auto& [key, value] : run.spec) {
    if (key == "seed" || key == "simd" || key == "compute" || key == "conv" || key == "threads") {
      continue;
    }
    text += (text.empty() ? "" : " ") + key + "=" + value;
  }
  return text;
}

std::string SeedText(const RunRecord& run) {
  const auto seed = run.spec.find("seed");
  return seed == run.spec.end() ? "" : seed->second;
}

using Pairs = std::map<std::string, std::vector<std::pair<const RunRecord*, const RunRecord*>>>;

Pairs PairRuns(const std::vector<RunRecord>& a, const std::vector<RunRecord>& b, Comparison& out) {
  std::map<std::pair<std::string, std::string>, const RunRecord*> in_b;
  for (const RunRecord& run : b) in_b[{GroupOf(run), SeedText(run)}] = &run;
  Pairs pairs;
  std::set<std::string> left_a, left_b;
  for (const RunRecord& run : a) {
    const auto found = in_b.find({GroupOf(run), SeedText(run)});
    if (found == in_b.end()) {
      left_a.insert(GroupOf(run));
      continue;
    }
    pairs[found->first.first].emplace_back(&run, found->second);
    in_b.erase(found);
  }
  for (const auto& [name, run] : in_b) left_b.insert(name.first);
  out.only_a.assign(left_a.begin(), left_a.end());
  out.only_b.assign(left_b.begin(), left_b.end());
  return pairs;
}

using MeasureOf = std::function<Bound(const RunRecord&)>;

std::optional<ComparedRow> PairedRow(const std::string& name, const std::string& measure,
                                     const Pairs::mapped_type& pairs, const MeasureOf& value,
                                     const CompareOptions& options) {
  std::vector<Bound> a, b;
  report::Effect effect;
  std::vector<double> logs;
  size_t wins = 0, losses = 0;
  bool open = false;
  for (const auto& [before, after] : pairs) {
    const Bound x = value(*before), y = value(*after);
    if (!(x.value > 0) || !(y.value > 0)) continue;
    a.push_back(x), b.push_back(y);
    const report::Range range = report::LogCombination({{1, y}, {-1, x}});
    effect.per_seed.push_back(range);
    open = open || !range.Exact();
    if (range.Exact()) logs.push_back(range.low);
    wins += range.low > 0, losses += range.high < 0;
  }
  if (a.empty()) return std::nullopt;
  ComparedRow row;
  row.name = name, row.measure = measure, row.paired = true;
  row.n_a = row.n_b = static_cast<int>(a.size());
  const Bound median_a = report::MedianBound(a), median_b = report::MedianBound(b);
  row.a = median_a.value, row.a_beyond = median_a.beyond;
  row.b = median_b.value, row.b_beyond = median_b.beyond;
  const report::Range median = report::MedianRange(effect.per_seed);
  row.ratio_low = std::exp(median.low), row.ratio_high = std::exp(median.high);
  row.ratio = std::isfinite(median.low)    ? row.ratio_low
              : std::isfinite(median.high) ? row.ratio_high
                                           : 1.0;
  if (const auto interval = report::EffectInterval(effect)) {
    row.interval = Interval{std::exp(interval->lower), std::exp(interval->upper)};
  }
  if (LeastPaired(a.size()) > options.alpha) {
    row.why = report::Plural(a.size(), "pair") + " cannot decide";
  } else {
    row.p = open ? SignTest(static_cast<int>(wins), static_cast<int>(losses)).p
                 : WilcoxonSignedRank(logs).p;
  }
  return row;
}

void CompareStores(const std::string& path_a, const std::string& path_b,
                   const CompareOptions& options, Comparison& out) {
  const std::vector<RunRecord> a = ResultStore(path_a, ResultStore::Mode::kReadOnly).All();
  const std::vector<RunRecord> b = ResultStore(path_b, ResultStore::Mode::kReadOnly).All();
  std::map<std::string, std::string> bits;
  for (const RunRecord& run : a) bits[run.key] = run.state_hash;
  std::set<std::string> seen;
  for (const RunRecord& run : b) {
    const auto found = bits.find(run.key);
    if (found == bits.end() || run.state_hash.empty() || found->second.empty() ||
        !seen.insert(run.key).second)
      continue;
    ++(found->second == run.state_hash ? out.equal_bits : out.other_bits);
  }
  const MeasureOf step_time = [](const RunRecord& r) { return Bound{r.ms_per_step, false}; };
  const MeasureOf steps = [](const RunRecord& r) {
    return r.steps_to_target ? Bound{static_cast<double>(*r.steps_to_target), false}
                             : Bound{static_cast<double>(r.steps), true};
  };
  const MeasureOf seconds = [](const RunRecord& r) {
    return r.time_to_target_s ? Bound{*r.time_to_target_s, false} : Bound{r.train_s, true};
  };
  const auto side_by_side = [](const RunRecord& r) { return SharedItsMachine(r.host_id); };
  const bool shared = std::any_of(a.begin(), a.end(), side_by_side) ||
                      std::any_of(b.begin(), b.end(), side_by_side);
  for (const auto& [name, pairs] : PairRuns(a, b, out)) {
    for (const auto& [measure, value] :
         {std::pair<const char*, MeasureOf>{"ms_per_step", step_time},
          {"steps_to_target", steps},
          {"time_to_target_s", seconds}}) {
      auto row = PairedRow(name, measure, pairs, value, options);
      if (!row) continue;
      if (shared && measure != std::string("steps_to_target"))
        row->why = "seconds of runs that shared the machine";
      out.rows.push_back(std::move(*row));
    }
  }
}

std::string ValueText(double value, const std::string& measure) {
  if (measure == "steps_to_target") return report::Count(value);
  if (measure == "ms_per_step") return report::Significant(value, 4) + " ms";
  return value < 1e-3 ? report::Significant(value * 1e6, 4) + " µs"
                      : report::Significant(value, 4) + " s";
}

std::string RatioText(const ComparedRow& row) {
  if (row.ratio_low == 0 && std::isinf(row.ratio_high)) return "–";
  if (row.ratio_low == row.ratio_high) return report::Fixed(row.ratio, 3);
  if (row.ratio_low == 0) return "< " + report::Fixed(row.ratio_high, 3);
  if (std::isinf(row.ratio_high)) return "> " + report::Fixed(row.ratio_low, 3);
  return report::Fixed(row.ratio_low, 3) + " to " + report::Fixed(row.ratio_high, 3);
}

std::string CountText(size_t count, const char* word) { return std::to_string(count) + " " + word; }

}  // namespace

const char* ToText(Change change) {
  switch (change) {
    case Change::kNone:
      return "no change";
    case Change::kBetter:
      return "better";
    case Change::kWorse:
      return "worse";
    case Change::kUnclear:
      break;
  }
  return "unclear";
}

bool Comparison::Worse() const {
  return other_bits > 0 || std::any_of(rows.begin(), rows.end(), [](const ComparedRow& row) {
           return row.change == Change::kWorse;
         });
}

std::string Comparison::Text() const {
  std::map<Change, size_t> counts;
  for (const ComparedRow& row : rows) ++counts[row.change];
  std::string text = CountText(counts[Change::kWorse], "worse") + ", " +
                     CountText(counts[Change::kBetter], "better") + ", " +
                     CountText(counts[Change::kNone], "without change") + ", " +
                     CountText(counts[Change::kUnclear], "unclear") + ".";
  if (equal_bits + other_bits > 0) {
    text += " Of " + report::Plural(equal_bits + other_bits, "run") + " with one key in both, " +
            std::to_string(other_bits) + " differ in their bits.";
  }
  if (!only_a.empty()) text += " Only in the first: " + std::to_string(only_a.size()) + ".";
  if (!only_b.empty()) text += " Only in the second: " + std::to_string(only_b.size()) + ".";
  using report::Align;
  report::MarkdownTable table(
      {"what", "measure", "first", "second", "second / first", "n", "p (Holm)", "verdict"},
      {Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kRight, Align::kRight,
       Align::kRight, Align::kLeft});
  for (const ComparedRow& row : rows) {
    std::string ratio = RatioText(row);
    if (row.interval)
      ratio += " [" + report::Fixed(row.interval->lower, 3) + ", " +
               report::Fixed(row.interval->upper, 3) + "]";
    const std::string n = row.n_a == row.n_b
                              ? std::to_string(row.n_a)
                              : std::to_string(row.n_a) + " + " + std::to_string(row.n_b);
    const auto value = [&](double median, bool beyond) {
      return (beyond ? "> " : "") + ValueText(median, row.measure);
    };
    table.Row({row.name, row.measure, value(row.a, row.a_beyond), value(row.b, row.b_beyond), ratio,
               n, row.why.empty() ? report::Significant(row.p_adjusted, 2) : "–",
               std::string(ToText(row.change)) + (row.why.empty() ? "" : ": " + row.why)});
  }
  return text + "\n\n" + table.Text();
}

Comparison CompareResults(const std::string& a, const std::string& b,
                          const CompareOptions& options) {
  if (IsBenchFile(a) != IsBenchFile(b))
    throw UsageError("compare wants two stores or two benchmark files, not one of each");
  if (!(options.min_effect >= 0)) throw UsageError("the minimum effect must be 0 or more");
  Comparison comparison;
  if (IsBenchFile(a)) {
    CompareBenches(a, b, options, comparison);
  } else {
    CompareStores(a, b, options, comparison);
  }
  if (comparison.rows.empty())
    throw InputError(a + " and " + b + " have nothing in common to compare");
  Decide(comparison, options);
  return comparison;
}

}  // namespace batchmark
