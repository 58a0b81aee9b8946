// The compiled-in experiments claim what expected_claims_util.cc says: data planted from that
// table, never from a definition, flip every comparison and every verdict both ways.
#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "core/base/rng.h"
#include "tests/support/catch.h"
#include "tests/training/expected_claims_util.h"
#include "training/experiment/definition.h"
#include "training/experiment/judge.h"
#include "training/experiment/procedure.h"

namespace batchmark {
namespace {

using test::ExpectedClaim;
using test::ExpectedClaims;
using test::Is;
using test::Part;

bool IsShare(const ExpectedClaim& c) { return c.is == Is::kMoreOften || c.is == Is::kLessOften; }
bool IsTrend(const ExpectedClaim& c) { return c.is == Is::kRising || c.is == Is::kFalling; }

// Runs whose measures are what was set, 1 elsewhere; a seed's noise is far below every margin.
struct Planted {
  const Experiment& e;
  int seeds;
  double others = 1.0;  // of the arms without a value, where `others_of` is the measure
  std::string others_of;
  std::map<std::string, std::map<std::string, double>> values;  // by measure and arm; shares: 0, 1

  explicit Planted(const Experiment& experiment) : e(experiment), seeds(experiment.full.seeds) {}

  std::optional<double> Set(const std::string& measure, const std::string& arm) const {
    const auto of = values.find(measure);
    if (of == values.end()) return std::nullopt;
    const auto at = of->second.find(arm);
    if (at != of->second.end()) return at->second;
    return measure == others_of ? std::optional(others) : std::nullopt;
  }

  double Value(const std::string& measure, const std::string& arm, int seed) const {
    const uint64_t of_arm = std::hash<std::string>()(arm) % 1000;
    const double noise = Rng(static_cast<uint64_t>(seed), RngStream::kStatistics).Normal(of_arm);
    return Set(measure, arm).value_or(1.0) * (1.0 + 1e-6 * noise);
  }

  RunRecord Run(const std::string& arm, int seed) const {
    RunRecord r;
    r.key = arm + std::to_string(seed);
    r.experiment = e.name, r.arm = arm;
    r.spec = {{"seed", std::to_string(seed)}, {"lr", "0.1"}, {"eval_every", "1"}};
    r.status = "reached";
    r.steps = 1000000000;
    r.steps_to_target = static_cast<int64_t>(1e6 * Value("steps_to_target", arm, seed));
    r.time_to_target_s = Value("time_to_target_s", arm, seed);
    r.train_loss = Value("train_loss", arm, seed);
    r.val_accuracy = Value("val_accuracy", arm, seed);
    r.test_accuracy = Value("test_accuracy", arm, seed);
    r.ms_per_step = r.ms_per_step_median = Value("ms_per_step", arm, seed);
    for (const ExpectedClaim& claim : ExpectedClaims().at(e.name)) {
      const std::string measure = claim.measure;
      const size_t at = measure.find('@');
      if (at == std::string::npos) continue;
      const std::string step = measure.substr(at + 1);
      r.readings.push_back({step == "last" ? r.steps : std::stoll(step), measure.substr(0, at),
                            Value(measure, arm, seed)});
    }
    if (Set("reached_share", arm) == 0.0) r.steps_to_target.reset(), r.status = "capped";
    if (Set("diverged_share", arm) == 1.0) r.steps_to_target.reset(), r.status = "diverged";
    return r;
  }

  std::vector<RunRecord> Runs() const {
    std::vector<RunRecord> runs;
    for (const Arm& arm : e.arms) {
      const bool family = e.procedure && e.procedure->kind == Procedure::Kind::kBracket &&
                          IsOfProcedure(*e.procedure, arm.name);
      for (int seed = 1; seed <= seeds; ++seed) {
        if (!family) runs.push_back(Run(arm.name, seed));
        for (const double factor : {0.25, 0.5, 0.9, 1.1, 2.0, 4.0}) {  // rates around the ceiling
          if (!family) break;
          const std::string lr = std::to_string(factor * Value("lr_ceiling", arm.name, seed));
          RunRecord r = Run(arm.name + " lr " + lr, seed);
          r.spec["lr"] = lr;
          r.status = factor > 1.0 ? "diverged" : "capped";
          r.steps_to_target.reset();
          runs.push_back(std::move(r));
        }
      }
    }
    return runs;
  }
};

// The first arm's value beside a second of 1: just within the claim, or just beyond it.
double FirstValue(const ExpectedClaim& c, bool holds) {
  const double near = holds ? 0.8 : 1.25;
  switch (c.is) {
    case Is::kAbove:
      return c.bound * (holds ? 1.05 : 0.95);
    case Is::kBelow:
      return c.bound * (holds ? 0.95 : 1.05);
    case Is::kEqual:
      return 1.0 + near * c.bound;
    case Is::kNoLower:
      return 1.0 - near * c.bound;
    case Is::kNoHigher:
      return std::pow(c.bound, near);
    case Is::kMoreOften:
      return holds;
    case Is::kLessOften:
      return !holds;
    case Is::kRising:
    case Is::kFalling:
      break;
  }
  return 1.0;
}

// One comparison alone. The other arms lie far off on either side, so that none of them can stand
// in.
Planted Alone(const Experiment& e, const ExpectedClaim& c, bool holds, bool others_high) {
  Planted planted(e);
  auto& values = planted.values[c.measure];
  planted.others_of = c.measure;
  planted.others = IsShare(c) ? others_high : others_high ? 100.0 : 0.01;
  if (IsTrend(c)) {
    const double step = (c.is == Is::kRising) == holds ? 1.05 : 0.95;
    for (size_t i = 0; i < c.arms.size(); ++i)
      values[c.arms[i]] = std::pow(step, static_cast<double>(i));
  } else {
    values[c.arms[0]] = FirstValue(c, holds);
    values[c.arms[1]] = IsShare(c) ? 1.0 - FirstValue(c, holds) : 1.0;
  }
  return planted;
}

// Raises the larger arm of a claim, or of its opposite, until a factor of 20 lies beyond the bound.
void Separate(Planted& planted, const ExpectedClaim& c, bool holds) {
  constexpr double kGap = 20.0;
  auto& values = planted.values[c.measure];
  if (IsShare(c)) {
    values[c.arms[0]] = FirstValue(c, holds), values[c.arms[1]] = 1.0 - FirstValue(c, holds);
    return;
  }
  const bool larger_first =
      (c.is == Is::kAbove || c.is == Is::kFalling || c.is == Is::kNoLower) == holds;
  const double bound = c.is == Is::kAbove || c.is == Is::kBelow ? c.bound : 1.0;
  for (size_t i = 0; i + 1 < c.arms.size(); ++i) {
    double& first = values.emplace(c.arms[i], 1.0).first->second;
    double& second = values.emplace(c.arms[i + 1], 1.0).first->second;
    if (c.is == Is::kEqual && holds) {
      first = second = std::max(first, second);
    } else if (larger_first) {
      first = std::max(first, kGap * bound * second);
    } else {
      second = std::max(second, kGap * first / bound);
    }
  }
}

TEST_CASE("Every comparison claims what its paper says, no more and no less", "[claims]") {
  for (const Experiment& e : Experiments()) {
    CAPTURE(e.name);
    REQUIRE(ExpectedClaims().count(e.name));
    const auto& expected = ExpectedClaims().at(e.name);
    CHECK(expected.size() == e.contrasts.size());
    for (const ExpectedClaim& c : expected) {
      CAPTURE(c.contrast);
      for (const bool holds : {true, false}) {
        for (const bool others_high : {true, false}) {
          CAPTURE(holds, others_high);
          const Judgement judged = JudgeRuns(e, Alone(e, c, holds, others_high).Runs());
          const auto& found = judged.finding.contrasts;
          const auto at = std::find_if(found.begin(), found.end(), [&](const ContrastFinding& f) {
            return f.claim.name == c.contrast;
          });
          REQUIRE(at != found.end());
          CAPTURE(at->sentence);
          CHECK(at->result.outcome == (holds ? Outcome::kPass : Outcome::kOpposite));
          if (IsTrend(c)) CHECK(at->criterion.estimate == (holds ? 1.0 : 0.0));
        }
      }
    }
  }
}

void CheckVerdicts(const Experiment& e, const std::vector<ExpectedClaim>& expected, int seeds) {
  const auto verdict_if = [&](auto holds) {  // of what each claim is planted to be
    Planted planted(e);
    planted.seeds = seeds;
    for (size_t round = 0; round < expected.size(); ++round)
      for (const ExpectedClaim& c : expected)
        if (const std::optional<bool> held = holds(c)) Separate(planted, c, *held);
    return JudgeRuns(e, planted.Runs());
  };
  using Held = std::optional<bool>;
  const auto all = [](const ExpectedClaim& c) { return c.part == Part::kShown ? Held() : true; };
  const Judgement supported = verdict_if(all);
  CAPTURE(supported.finding.sentence);
  CHECK(supported.finding.verdict == Verdict::kSupported);
  CHECK(supported.exit_code == 0);
  for (const ExpectedClaim& one : expected) {
    CAPTURE(one.contrast);
    if (one.part ==
        Part::kCriterion) {  // this alone opposed; without its checks nothing is decided
      const Judgement refuted = verdict_if([&](const ExpectedClaim& c) {
        return &c == &one ? Held(false) : c.part == Part::kCheck ? Held(true) : Held();
      });
      CAPTURE(refuted.finding.sentence);
      CHECK(refuted.finding.verdict == Verdict::kRefuted);
      CHECK(refuted.exit_code == 1);
    } else if (one.part == Part::kCheck) {
      const Judgement unsound =
          verdict_if([&](const ExpectedClaim& c) { return &c == &one ? Held(false) : all(c); });
      CHECK(unsound.finding.verdict == Verdict::kInconclusive);
    }
  }
  seeds = 5;
  CHECK(verdict_if(all).finding.verdict == Verdict::kInconclusive);
}

TEST_CASE("Planted data flip every experiment's verdict both ways", "[claims]") {
  for (const Experiment& whole : Experiments()) {
    for (const char* form : {"full", "cheap"}) {
      CAPTURE(whole.name, form);
      const Experiment e = InForm(whole, form);
      std::vector<ExpectedClaim> expected = ExpectedClaims().at(e.name);
      std::erase_if(expected, [&](const ExpectedClaim& c) {
        return std::none_of(e.contrasts.begin(), e.contrasts.end(),
                            [&](const Contrast& made) { return made.name == c.contrast; });
      });
      CheckVerdicts(e, expected, e.Size(form).seeds);
    }
  }
}

}  // namespace
}  // namespace batchmark
