// The compiled-in experiments: every definition reads, its runs resolve, and its verdict can be flipped both
// ways by data planted for the purpose.
#include "training/experiment/definition.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "tests/support/catch.h"
#include "training/experiment/judge.h"
#include "training/experiment/plan.h"
#include "training/experiment/procedure.h"
#include "training/net/net_spec.h"

namespace batchmark {
namespace {

const char* const kPromised[] = {
    "bn-placement",    "dropout-disharmony", "eval-stats",         "ghost",          "init-robustness",
    "input-scaling",   "ioffe-fig1",         "ioffe-lr-ladder",    "landscape",      "less-regularization",
    "lr-ceiling",      "noise-ablation",     "renorm-small-batch", "santurkar-noise", "seed-keras-mnist",
    "seed-keras-tuned", "small-batch",       "steps-vs-batch",     "thread-invariance"};

TEST_CASE("Every promised experiment is there, with claim, source and a decisive full size", "[definitions]") {
  for (const char* name : kPromised) {
    CAPTURE(name);
    const Experiment& e = FindExperiment(name);
    CHECK(!e.claim.empty());
    CHECK(!e.source.empty());
    CHECK(!e.contrasts.empty());
    CHECK(e.full.min_seeds >= 8);
    CHECK(e.quick.seeds < 6);  // below the verdict's least number of pairs: never decisive
    for (const char* form : {"full", "cheap", "quick"}) {
      const ExperimentSize* size = &e.Size(form);
      for (size_t arm = 0; arm < e.arms.size(); ++arm) {
        const RunSpec spec = ArmSpec(e, *size, arm, 1, 0, {});
        CHECK_NOTHROW(ParseNet(spec.net));
      }
    }
    // What two cores can afford decides: the cheap form, or the full one where there is none.
    const ExperimentSize& cheap = e.Size("cheap");
    CHECK(cheap.min_seeds >= 8);
    const Experiment in_form = InForm(e, "cheap");
    for (size_t arm = 0; arm < in_form.arms.size(); ++arm) {
      const RunSpec spec = ArmSpec(in_form, cheap, arm, 1, 0, {});
      CAPTURE(in_form.arms[arm].name);
      constexpr int64_t kTrainingImages = 55000;
      const int64_t steps = spec.steps.value_or(0);
      CHECK((spec.steps ? steps <= 2000 || steps * static_cast<int64_t>(spec.batch) <= 2 * kTrainingImages
                        : spec.epochs <= 2.0 || spec.epochs * kTrainingImages <= 2000.0 * static_cast<double>(spec.batch)));
    }
    for (const std::string& sentence : RequiredRuns(e, e.full.min_seeds)) {
      CAPTURE(sentence);
      CHECK(sentence.find("planned: ") != std::string::npos);
      CHECK(sentence.find("so it will be inconclusive") == std::string::npos);
    }
  }
}

// Levels of every arm on one measure, so that the wanted contrasts hold: relaxation of
// level[a] = level[b] - gap (less), + gap (greater), or equal.
struct Planter {
  const Experiment& e;
  int seeds;
  std::map<std::string, std::map<std::string, double>> levels;  // by measure, arm
  std::map<std::string, std::map<std::string, int>> shares;     // by measure, arm: 1 always, 0 never
  std::string fault;  // the measure that a planted opposite took over

  explicit Planter(const Experiment& experiment) : e(experiment), seeds(experiment.full.seeds) {}

  static bool IsShare(const Contrast& c) { return c.test == "proportion"; }

  void Hold(const Contrast& c) {
    if (IsShare(c)) {
      const bool more = c.direction == "greater";
      shares[c.measure][c.a] = more, shares[c.measure][c.b] = !more;
      return;
    }
    auto& level = levels[c.measure];
    level.emplace(c.a, 0.0), level.emplace(c.b, 0.0);
    double& a = level[c.a];
    double& b = level[c.b];
    const double gap = Gap(c);
    if (c.direction == "equal") {
      a = b = std::max(a, b);
    } else if (c.direction == "less") {
      if (a > b - gap) b = a + gap;
    } else if (a < b + gap) {
      a = b + gap;
    }
  }
  // A step that is beyond any margin in use: factors of e^3 in the log, or 3 units.
  static double Gap(const Contrast&) { return 3.0; }

  void HoldAll() {
    for (int round = 0; round < 20; ++round)
      for (const Contrast& c : e.contrasts)
        if (c.role != "report") Hold(c);
  }

  void Oppose(const Contrast& c) {
    Contrast opposite = c;
    opposite.direction = c.direction == "less" ? "greater" : "less";
    Hold(opposite);
  }

  // Values grow by the level: numbers as exp(level / 10), so that ratios and differences are both large.
  double Value(const std::string& measure, const std::string& arm, int seed) const {
    double level = 0;
    const auto at = levels.find(measure);
    if (at != levels.end() && at->second.count(arm)) level = at->second.at(arm);
    const double noise = 1e-6 * Rng(static_cast<uint64_t>(seed), RngStream::kStatistics).Normal(level == 0 ? 0 : 1);
    return std::exp(level + noise);
  }

  RunRecord Record(const std::string& arm, int seed) const {
    RunRecord r;
    r.key = arm + std::to_string(seed);
    r.experiment = e.name;
    r.arm = arm;
    r.spec = {{"seed", std::to_string(seed)}, {"lr", "0.1"}, {"eval_every", "1"}};
    r.status = "reached";
    r.steps = 1000000;
    r.steps_to_target = static_cast<int64_t>(1000.0 * Value("steps_to_target", arm, seed));
    r.time_to_target_s = Value("time_to_target_s", arm, seed);
    r.train_loss = Value("train_loss", arm, seed);
    r.val_accuracy = Value("val_accuracy", arm, seed);
    r.test_accuracy = Value("test_accuracy", arm, seed);
    r.ms_per_step = r.ms_per_step_median = Value("ms_per_step", arm, seed);
    for (const Contrast& c : e.contrasts) {
      const size_t at = c.measure.find('@');
      if (at == std::string::npos) continue;
      const std::string step = c.measure.substr(at + 1);
      const std::string name = c.measure.substr(0, at);
      r.readings.push_back({step == "last" ? 1000000 : std::stoll(step), name, Value(c.measure, arm, seed)});
    }
    const auto share = [&](const char* measure) -> int {
      const auto of = shares.find(measure);
      if (of == shares.end() || !of->second.count(arm)) return -1;
      return of->second.at(arm);
    };
    if (share("reached_share") == 0) r.steps_to_target.reset(), r.status = "capped";
    if (share("diverged_share") == 1) r.steps_to_target.reset(), r.status = "diverged";
    return r;
  }

  // A family "x:*" of an lr ceiling: rates on both sides of it.
  std::vector<RunRecord> Family(const std::string& arm, int seed) const {
    std::vector<RunRecord> runs;
    const double ceiling = Value("lr_ceiling", arm + "*", seed);
    for (const double factor : {0.25, 0.5, 0.9, 1.1, 2.0, 4.0}) {
      RunRecord r = Record(arm + " lr " + std::to_string(ceiling * factor), seed);
      r.spec["lr"] = std::to_string(ceiling * factor);
      r.status = factor > 1.0 ? "diverged" : "capped";
      r.steps_to_target.reset();
      runs.push_back(r);
    }
    return runs;
  }

  std::vector<RunRecord> Runs() const {
    std::vector<RunRecord> runs;
    for (const Arm& arm : e.arms) {
      const bool family = e.procedure && e.procedure->kind == Procedure::Kind::kBracket &&
                          IsOfProcedure(*e.procedure, arm.name);
      for (int seed = 1; seed <= seeds; ++seed) {
        if (!family) runs.push_back(Record(arm.name, seed));
        if (family)
          for (RunRecord& r : Family(arm.name, seed)) runs.push_back(std::move(r));
      }
    }
    return runs;
  }

  Verdict Judge() const { return JudgeRuns(e, Runs()).finding.verdict; }
};

TEST_CASE("Planted data flips every experiment's verdict both ways", "[definitions]") {
  for (const char* name : kPromised) {
    const Experiment& e = FindExperiment(name);
    CAPTURE(name);
    Planter supporting(e);
    supporting.HoldAll();
    const Judgement judged = JudgeRuns(e, supporting.Runs());
    std::string said;
    for (const std::string& sentence : judged.sentences) said += sentence + "\n";
    CAPTURE(said);
    CHECK(judged.finding.verdict == Verdict::kSupported);
    CHECK(judged.exit_code == 0);

    for (const Contrast& c : e.contrasts) {
      if (c.role == "report" || c.role == "check") continue;
      CAPTURE(c.name);
      Planter refuting(e);
      // A manipulation check must hold, else nothing is decided.
      for (const Contrast& check : e.contrasts)
        if (check.role == "check") refuting.Hold(check);
      refuting.Oppose(c);
      const Judgement against = JudgeRuns(e, refuting.Runs());
      CAPTURE(against.finding.sentence);
      CHECK(against.finding.verdict == Verdict::kRefuted);
      CHECK(against.exit_code == 1);
    }

    Planter few(e);
    few.HoldAll();
    few.seeds = 5;
    CHECK(few.Judge() == Verdict::kInconclusive);
  }
}

TEST_CASE("A form leaves out the arms and contrasts that it names", "[definitions]") {
  const std::string text =
      "name='x'\ntitle='t'\nclaim='c'\nsource='s'\n[[arm]]\nname='a'\n[[arm]]\nname='b'\n[[arm]]\nname='c'\n"
      "[[contrast]]\nname='early'\na='a'\nb='b'\nmeasure='val_accuracy@10'\ntest='paired'\ndirection='less'\n"
      "[[contrast]]\nname='late'\na='a'\nb='b'\nmeasure='val_accuracy@900'\ntest='paired'\ndirection='less'\n"
      "[[contrast]]\nname='third'\na='c'\nb='b'\nmeasure='val_accuracy'\ntest='paired'\ndirection='less'\n"
      "[full]\nseeds=8\n[quick]\nseeds=1\n[cheap]\nseeds=8\nwithout=['late', 'c']\n";
  const Experiment e = ParseExperiment(text, "x.toml");
  const Experiment cheap = InForm(e, "cheap");
  REQUIRE(cheap.arms.size() == 2);
  REQUIRE(cheap.contrasts.size() == 1);
  CHECK(cheap.contrasts[0].name == "early");
  CHECK(InForm(e, "full").arms.size() == 3);
  CHECK(InForm(e, "full").contrasts.size() == 3);
}

TEST_CASE("A bracket tries its grid, then halves the gap, as its answers say", "[definitions][procedure]") {
  const Procedure p{.key = "lr", .min = 0.01, .max = 1.0, .count = 3, .bisections = 2};
  std::map<std::string, bool> known;
  const auto look = [&](const std::string& value) -> std::optional<bool> {
    const auto at = known.find(value);
    return at == known.end() ? std::nullopt : std::optional(at->second);
  };
  using Values = std::vector<std::string>;
  CHECK(NextBracketValues(p, look) == Values{"0.01", "0.1", "1"});
  known = {{"0.01", false}, {"0.1", false}};
  CHECK(NextBracketValues(p, look) == Values{"1"});
  known["1"] = true;
  CHECK(NextBracketValues(p, look) == Values{"0.316228"});
  known["0.316228"] = true;
  CHECK(NextBracketValues(p, look) == Values{"0.177828"});
  known["0.177828"] = false;
  CHECK(NextBracketValues(p, look).empty());
  known = {{"0.01", false}, {"0.1", false}, {"1", false}};
  CHECK(NextBracketValues(p, look).empty());  // nothing diverges: a bound, not a gap
}

TEST_CASE("Tuning takes the best median, and says when it lies at the border", "[definitions][procedure]") {
  const Procedure p{.kind = Procedure::Kind::kTune, .key = "lr", .min = 0.01, .max = 1.0, .count = 3,
                    .metric = "steps_to_target"};
  const auto trial = [](const std::string& lr, std::optional<int64_t> steps, double accuracy, const char* status) {
    RunRecord r;
    r.spec["lr"] = lr;
    r.steps_to_target = steps, r.val_accuracy = accuracy, r.status = status;
    return r;
  };
  const TunedValue best = BestValue(p, {trial("0.01", 900, 0.9, "reached"), trial("0.1", 300, 0.9, "reached"),
                                        trial("1", {}, 0.1, "diverged")});
  CHECK(best.value == "0.1");
  CHECK(!best.at_border);
  // None arrived: validation accuracy decides.
  const TunedValue other = BestValue(p, {trial("0.01", {}, 0.5, "capped"), trial("0.1", {}, 0.6, "capped"),
                                         trial("1", {}, 0.7, "capped")});
  CHECK(other.value == "1");
  CHECK(other.at_border);
}

TEST_CASE("Definitions with mistakes are refused where the mistake is", "[definitions]") {
  const std::string head = "name='x'\ntitle='t'\nclaim='c'\nsource='s'\n[full]\nseeds=2\n[quick]\nseeds=1\n";
  const auto refused = [&](const std::string& text) -> std::string {
    try {
      ParseExperiment(head + text, "x.toml");
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK(refused("[[arm]]\nname='a'\n") == "accepted");
  CHECK(refused("[[arm]]\nname='a'\nset={lrr=1}\n").find("did you mean lr?") != std::string::npos);
  CHECK(refused("[[arm]]\nname='a'\n[[arm]]\nname='a'\n").find("two arms are named 'a'") != std::string::npos);
  CHECK(refused("[[axis]]\nnames=['a']\nkey='lr'\nvalues=[1,2]\n").find("as many names") != std::string::npos);
  const std::string arms = "[[arm]]\nname='a'\n[[arm]]\nname='b'\n[[contrast]]\nname='n'\na='a'\nb='b'\n";
  CHECK(refused(arms + "measure='steps'\ntest='sign'\ndirection='less'").find("unknown measure 'steps'") !=
        std::string::npos);
  CHECK(refused(arms + "measure='train_loss'\ntest='tost'\ndirection='equal'").find("needs a margin") !=
        std::string::npos);
  CHECK(refused("[[arm]]\nname='a'\n[cheap]\nseeds=8\nwithout=['b']\n").find("no arm or contrast 'b'") != std::string::npos);
  CHECK(refused("[[arm]]\nname='a'\n[procedure]\nkind='walk'\nkey='lr'\n").find("bracket or tune") !=
        std::string::npos);
}

}  // namespace
}  // namespace batchmark
