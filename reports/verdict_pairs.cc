#include "reports/verdict_pairs.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>

#include "core/base/check.h"
#include "reports/format.h"
#include "reports/stats_logistic.h"

namespace batchmark {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

const std::string& SpecValue(const RunRecord& run, const std::string& key) {
  const auto at = run.spec.find(key);
  if (at == run.spec.end())
    throw InputError("run " + run.key + " has no '" + key + "' in its spec");
  return at->second;
}

bool NameFits(const std::string& arm, const std::string& pattern) {
  if (pattern.empty()) return false;
  if (pattern.back() != '*') return arm == pattern;
  return arm.compare(0, pattern.size() - 1, pattern, 0, pattern.size() - 1) == 0;
}

Known Exactly(double value) { return {value, value}; }

Known Worst(const std::string& measure) {
  return HigherIsBetter(measure) ? Known{-kInf, -kInf} : Known{kInf, kInf};
}

std::optional<Known> LogArrival(const RunRecord& run, const std::string& measure) {
  const auto arrival = measure == "steps_to_target" ? StepsArrival(run) : SecondsArrival(run);
  if (!arrival) return std::nullopt;
  switch (arrival->kind) {
    case Arrival::Kind::kEvent:
      if (arrival->time > 0.0) return Exactly(std::log(arrival->time));
      throw InputError("run " + run.key + " reached its target at " + measure + " = 0");
    case Arrival::Kind::kCensored:
      return Known{std::log(arrival->time), kInf};
    case Arrival::Kind::kDiverged:
      return Worst(measure);
  }
  return std::nullopt;
}

// "NAME@STEP" and "NAME@last".
std::optional<double> ReadingOf(const RunRecord& run, const std::string& measure) {
  const size_t at = measure.find('@');
  const std::string name = measure.substr(0, at), step = measure.substr(at + 1);
  std::optional<double> value;
  for (const RunReading& reading : run.readings) {  // ordered by step
    if (reading.name == name && (step == "last" || reading.step == std::atoll(step.c_str())))
      value = reading.value;
  }
  return value;
}

std::optional<Known> Number(const RunRecord& run, const std::string& measure) {
  const bool diverged = run.status == "diverged";
  std::optional<double> value;
  if (measure.find('@') != std::string::npos) {
    value = ReadingOf(run, measure);  // taken before the run diverged, it counts
    if (!value && diverged) return Worst(measure);
  } else {
    if (diverged) return Worst(measure);
    value = measure == "train_loss"      ? run.train_loss
            : measure == "val_accuracy"  ? run.val_accuracy
            : measure == "test_accuracy" ? run.test_accuracy
                                         : run.ms_per_step;
  }
  if (!value) return std::nullopt;
  return std::isfinite(*value) ? Exactly(*value) : Worst(measure);
}

std::optional<Known> LogCeiling(const std::vector<const RunRecord*>& runs) {
  std::vector<DosePoint> points;
  for (const RunRecord* run : runs) {
    points.push_back(
        {std::log(std::strtod(SpecValue(*run, "lr").c_str(), nullptr)), run->status == "diverged"});
  }
  const auto half = HalfDose(points);
  if (!half) return Known{-kInf, kInf};
  switch (half->bound) {
    case HalfPoint::Bound::kLower:
      return Known{half->dose, kInf};
    case HalfPoint::Bound::kUpper:
      return Known{-kInf, half->dose};
    case HalfPoint::Bound::kNone:
      break;
  }
  return Exactly(half->dose);
}

}  // namespace

std::optional<Known> MeasureOf(const std::vector<const RunRecord*>& runs,
                               const ContrastClaim& claim) {
  if (claim.measure == "lr_ceiling") return LogCeiling(runs);
  const RunRecord& run = *runs.front();
  if (IsArrival(claim.measure)) return LogArrival(run, claim.measure);
  auto known = Number(run, claim.measure);
  if (!known || !known->IsExact() || !IsRatio(claim)) return known;
  if (!(known->low > 0.0))
    throw InputError(claim.measure + " of run " + run.key + " is not positive, so it has no ratio");
  return Exactly(std::log(known->low));
}

bool Known::IsExact() const { return low == high && std::isfinite(low); }

bool IsArrival(const std::string& measure) {
  return measure == "steps_to_target" || measure == "time_to_target_s";
}

bool IsShare(const std::string& measure) {
  return measure == "diverged_share" || measure == "reached_share";
}

bool HigherIsBetter(const std::string& measure) {
  return report::IsAccuracy(measure) || measure == "lr_ceiling";
}

bool IsRatio(const ContrastClaim& claim) {
  return claim.test == ContrastTest::kPairedRatio || IsArrival(claim.measure) ||
         claim.measure == "ms_per_step" || claim.measure == "lr_ceiling";
}

bool IsHit(const RunRecord& run, const std::string& measure) {
  return measure == "diverged_share" ? run.status == "diverged" : run.steps_to_target.has_value();
}

std::vector<const RunRecord*> PointersTo(std::span<const RunRecord> runs) {
  std::vector<const RunRecord*> pointers;
  for (const RunRecord& run : runs) pointers.push_back(&run);
  return pointers;
}

std::vector<SeedRuns> MatchSeeds(std::span<const RunRecord* const> runs, const ContrastClaim& claim,
                                 int& unpaired) {
  const std::vector<std::string> arms = ArmsOf(claim);
  std::map<int64_t, SeedRuns> by_seed;
  for (const RunRecord* run : runs) {
    for (size_t i = 0; i < arms.size(); ++i) {
      if (!NameFits(run->arm, arms[i])) continue;
      const int64_t seed = std::atoll(SpecValue(*run, "seed").c_str());
      SeedRuns& of_seed = by_seed[seed];
      of_seed.seed = seed;
      of_seed.arms.resize(arms.size());
      of_seed.arms[i].push_back(run);
      if (of_seed.arms[i].size() > 1 && claim.measure != "lr_ceiling") {
        throw InputError("arm '" + run->arm + "' holds two runs of seed " + std::to_string(seed) +
                         "; a contrast takes runs of one size only");
      }
    }
  }
  std::vector<SeedRuns> seeds;
  unpaired = 0;
  for (auto& [seed, of_seed] : by_seed) {
    const bool whole = std::none_of(of_seed.arms.begin(), of_seed.arms.end(),
                                    [](const auto& of_arm) { return of_arm.empty(); });
    if (whole) seeds.push_back(std::move(of_seed));
    unpaired += !whole;
  }
  return seeds;
}

std::vector<RunPair> PairsOf(std::span<const SeedRuns> seeds) {
  std::vector<RunPair> pairs;
  for (const SeedRuns& s : seeds)
    pairs.push_back({s.seed, s.arms[0], s.arms.size() > 1 ? s.arms[1] : decltype(RunPair::b)()});
  return pairs;
}

std::optional<Known> EffectOf(const RunPair& pair, const ContrastClaim& claim) {
  const auto a = MeasureOf(pair.a, claim), b = MeasureOf(pair.b, claim);
  if (!a || !b) return std::nullopt;
  // Two infinities of one sign say nothing of their difference.
  const bool low_open = std::isinf(a->low) && a->low == b->high;
  const bool high_open = std::isinf(a->high) && a->high == b->low;
  return Known{low_open ? -kInf : a->low - b->high, high_open ? kInf : a->high - b->low};
}

}  // namespace batchmark
