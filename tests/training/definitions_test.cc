// The compiled-in experiments: every definition reads and its runs resolve. What they claim: claims_test.cc.
#include "training/experiment/definition.h"

#include <map>

#include "core/base/check.h"
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

TEST_CASE("A form leaves out the arms and contrasts that it names", "[definitions]") {
  const std::string text =
      "name='x'\ntitle='t'\nclaim='c'\nsource='s'\n[[arm]]\nname='a'\n[[arm]]\nname='b'\n[[arm]]\nname='c'\n"
      "[[contrast]]\nname='early'\na='a'\nb='b'\nmeasure='val_accuracy@10'\ntest='paired'\ndirection='less'\n"
      "[[contrast]]\nname='late'\na='a'\nb='b'\nmeasure='val_accuracy@900'\ntest='paired'\ndirection='less'\n"
      "[[contrast]]\nname='third'\na='c'\nb='b'\nmeasure='val_accuracy'\ntest='paired'\ndirection='less'\n"
      "[[contrast]]\nname='trend'\narms=['a', 'c', 'b']\nmeasure='val_accuracy'\ntest='trend'\ndirection='less'\n"
      "[full]\nseeds=8\n[quick]\nseeds=1\n[cheap]\nseeds=8\nwithout=['late', 'c']\n";
  const Experiment e = ParseExperiment(text, "x.toml");
  const Experiment cheap = InForm(e, "cheap");
  REQUIRE(cheap.arms.size() == 2);
  REQUIRE(cheap.contrasts.size() == 1);
  CHECK(cheap.contrasts[0].name == "early");
  CHECK(InForm(e, "full").arms.size() == 3);
  CHECK(InForm(e, "full").contrasts.size() == 4);
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
