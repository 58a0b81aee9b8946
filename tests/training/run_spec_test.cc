// Run keys: text that round-trips, refusals with a sentence, spec files with line and column,
// identity.
#include "training/trainer/run_spec.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "core/simd/backend.h"
#include "tests/support/catch.h"
#include "tests/support/test_folder.h"
#include "tests/support/text.h"
#include "training/trainer/lr_schedule.h"

namespace batchmark {
namespace {

// The sentence of the Error that `action` throws, which must be bad input.
template <class Action>
std::string Refusal(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::kBadInput);
    return error.what();
  }
  return "accepted";
}

std::string RefusedSet(const std::string& argument) {
  return Refusal([&] {
    RunSpec spec;
    ApplySetArgument(spec, argument);
    ValidateRunSpec(spec);
  });
}

// A spec file of this text, in a folder of its own; messages are shown without the folder.
struct SpecFile {
  explicit SpecFile(const std::string& text) { WriteText(path, text); }
  std::string Refused() const {
    const std::string text = Refusal([&] {
      RunSpec spec;
      ApplySpecFile(spec, path);
    });
    const std::string prefix = folder / "";
    return text.rfind(prefix, 0) == 0 ? text.substr(prefix.size()) : text;
  }
  RunSpec Read() const {
    RunSpec spec;
    ApplySpecFile(spec, path);
    return spec;
  }
  TestFolder folder;
  std::string path = folder / "s.toml";
};

std::string Canonical(const RunSpec& spec) { return CanonicalText(spec, false); }

TEST_CASE("every run key round-trips its default and is told of in one line", "[run_spec]") {
  for (const RunKey& key : RunKeys()) {
    CAPTURE(key.name);
    RunSpec spec;
    const std::string before = Canonical(spec);
    key.set(spec, key.get(spec));
    CHECK(Canonical(spec) == before);
    CHECK_FALSE(key.help.empty());
    CHECK(key.help.find('\n') == std::string::npos);
  }
}

TEST_CASE("defaults are the documented ones", "[run_spec]") {
  CHECK(
      Canonical(RunSpec()) ==
      "net=seed-cnn\ndata=auto\ndata_dir=\ninput=minmax\nbatch=32\nlr=0.01\nlr_schedule=constant\n"
      "momentum=0\nweight_decay=0\ninit=glorot\nepochs=1\nsteps=none\ntrain_size=all\n"
      "order=shuffled\nbn.placement=pre\nbn.stats=batch\nbn.eval=ema:0.99\nbn.eps=0.001\n"
      "bn.affine=true\nbn.gamma_decay=0\nbn.noise_scale=1\nbn.freeze_after=never\nbn.schedule=\n"
      "eval_every=100\neval_size=all\ntarget=0.97\ntarget_metric=val_accuracy\nconfirm=2\n"
      "stop_at_target=false\nprune=never\nprobe=none\nprobe_every=auto\nloss_limit=auto\nseed=1\nthreads=auto\ncompute=fp32\nconv=auto\nsimd=auto\n");
}

TEST_CASE("set values are stored as their shortest text", "[run_spec]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"lr=1e-2", "lr=0.01\n"},
      {"lr=0.00001", "lr=1e-05\n"},
      {"batch=1e3", "batch=1000\n"},
      {"seed=18446744073709551615", "seed=18446744073709551615\n"},
      {"bn.stats=ghost:16", "bn.stats=ghost:16\n"},
      {"bn.stats=population+gauss:32", "bn.stats=population+gauss:32\n"},
      {"bn.stats=renorm:3,5", "bn.stats=renorm:3,5\n"},
      {"bn.eval=precise:1000", "bn.eval=precise:1000\n"},
      {"bn.eval=ema:0.9900", "bn.eval=ema:0.99\n"},
      {"bn.freeze_after=500", "bn.freeze_after=500\n"},
      {"train_size=1000", "train_size=1000\n"},
      {"train_size=all", "train_size=all\n"},
      {"loss_limit=50", "loss_limit=50\n"},
      {"init=he*2", "init=he*2\n"},
      {"order=sorted:2", "order=sorted:2\n"},
      {"steps=200", "steps=200\n"},
  };
  for (const auto& [argument, line] : cases) {
    CAPTURE(argument);
    RunSpec spec;
    ApplySetArgument(spec, argument);
    CHECK(Has("\n" + Canonical(spec), "\n" + line));
  }
}

TEST_CASE("the later of steps and epochs counts, with one text for one meaning", "[run_spec]") {
  RunSpec spec, plain;
  ApplySetArgument(spec, "epochs=3");
  ApplySetArgument(spec, "steps=100");
  ApplySetArgument(plain, "steps=100");
  CHECK(Canonical(spec) == Canonical(plain));
  ApplySetArgument(spec, "epochs=2");
  CHECK_FALSE(spec.steps.has_value());
  CHECK(spec.epochs == 2.0);
}

TEST_CASE("impossible values are refused, naming the key and why", "[run_spec]") {
  const std::vector<std::string> refused = {"lr=0",
                                            "lr=-0.1",
                                            "lr=nan",
                                            "lr=inf",
                                            "lr=",
                                            "lr=abc",
                                            "lr=0.1x",
                                            "lr=1e999",
                                            "batch=0",
                                            "batch=-1",
                                            "batch=1.5",
                                            "batch=nan",
                                            "momentum=1",
                                            "momentum=-0.1",
                                            "weight_decay=-1",
                                            "epochs=0",
                                            "epochs=nan",
                                            "steps=0",
                                            "steps=-5",
                                            "train_size=0",
                                            "eval_every=0",
                                            "eval_every=-1",
                                            "eval_size=0",
                                            "confirm=-1",
                                            "target=1.5",
                                            "target=0",
                                            "target=nan",
                                            "loss_limit=-1",
                                            "loss_limit=nan",
                                            "seed=-1",
                                            "seed=1.5",
                                            "threads=0",
                                            "threads=-1",
                                            "threads=100000",
                                            "bn.eps=0",
                                            "bn.eps=-1e-3",
                                            "bn.stats=ghost",
                                            "bn.stats=ghost:0",
                                            "bn.stats=ghost:x",
                                            "bn.stats=batch:3",
                                            "bn.eval=ema:1",
                                            "bn.eval=ema:-1",
                                            "bn.eval=precise:1",
                                            "bn.placement=middle",
                                            "bn.affine=maybe",
                                            "bn.freeze_after=-2",
                                            "bn.schedule=x",
                                            "input=raw255",
                                            "init=glorot*0",
                                            "init=normal",
                                            "order=sorted:0",
                                            "order=sorted:11",
                                            "lr_schedule=step:0.1",
                                            "lr_schedule=step:0.1@5,0.2@5",
                                            "lr_schedule=exp",
                                            "compute=bf16",
                                            "compute=fp64",
                                            "net=",
                                            "data=cifar",
                                            "target_metric=loss"};
  for (const std::string& argument : refused) {
    CAPTURE(argument);
    const std::string sentence = RefusedSet(argument);
    CHECK(sentence != "accepted");
    CHECK(Has(sentence, argument.substr(0, argument.find('='))));
    CHECK(sentence.find('\n') == std::string::npos);
  }
  CHECK(RefusedSet("lr=-0.1") ==
        "--set lr=-0.1: lr: must be a number greater than 0, not \"-0.1\"");
  CHECK(RefusedSet("compute=bf16x3") ==
        "--set compute=bf16x3: compute: bf16x3 is not available in this build; use fp32");
}

TEST_CASE("unknown keys are refused with the nearest name", "[run_spec]") {
  CHECK(RefusedSet("lrr=0.1") == "--set lrr=0.1: unknown key \"lrr\"; did you mean lr?");
  CHECK(Has(RefusedSet("placement=pre"), "did you mean bn.placement?"));
  CHECK(Has(RefusedSet("bn.placment=pre"), "did you mean bn.placement?"));
  CHECK(Has(RefusedSet("evalevery=3"), "did you mean eval_every?"));
  CHECK(RefusedSet("zzzzzzzzzz=1") == "--set zzzzzzzzzz=1: unknown key \"zzzzzzzzzz\"");
}

TEST_CASE("--set without a key is a usage error", "[run_spec]") {
  for (const char* argument : {"lr", "=3", ""}) {
    RunSpec spec;
    try {
      ApplySetArgument(spec, argument);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.code() == ExitCode::kUsage);
    }
  }
}

TEST_CASE("a spec file may write keys in each documented way", "[run_spec]") {
  const std::string expected = Canonical(
      SpecFile("lr = 0.5\nsteps = 20\n\"bn.placement\" = \"post\"\n\"bn.affine\" = false\n")
          .Read());
  CHECK(Has(expected, "lr=0.5\n"));
  CHECK(Has(expected, "bn.placement=post\n"));
  for (const char* text : {"lr = 0.5\nsteps = 20\nbn.placement = \"post\"\nbn.affine = false\n",
                           "lr = 5e-1\nsteps = 20\n[bn]\nplacement = \"post\"\naffine = false\n",
                           "[parameters]\nlr = 0.5\nsteps = { value = 20 }\n\"bn.placement\" = "
                           "\"post\"\nbn.affine = false\n",
                           "lr = 0.5\n[parameters]\nsteps = 20\n[parameters.bn]\nplacement = { "
                           "value = \"post\" }\naffine = false\n",
                           "[parameters.lr]\nvalue = 0.5\n[parameters.steps]\nvalue = "
                           "20\n[parameters.\"bn.placement\"]\n"
                           "value = \"post\"\n[parameters.bn]\naffine = false\n"}) {
    CAPTURE(text);
    CHECK(Canonical(SpecFile(text).Read()) == expected);
  }
}

TEST_CASE("bad spec files are refused with line and column", "[run_spec]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"lrr = 0.1\n", "s.toml:1:1: unknown key \"lrr\"; did you mean lr?"},
      {"\n[bn]\n  placment = \"pre\"\n",
       "s.toml:3:3: unknown key \"bn.placment\"; did you mean bn.placement?"},
      {"batch = 32\nlr = -1\n", "s.toml:2:6: lr: must be a number greater than 0, not \"-1\""},
      {"lr = nan\n", "s.toml:1:6: lr: must be a number greater than 0, not \"nan\""},
      {"lr = inf\n", "s.toml:1:6: lr: must be a number greater than 0, not \"inf\""},
      {"batch = 0\n", "s.toml:1:9: batch: must be a whole number of at least 1, not \"0\""},
      {"lr = [0.1, 0.2]\n",
       "s.toml:1:6: a list of values belongs to a sweep; a run spec has one plain value a key"},
      {"lr = { values = [1] }\n",
       "s.toml:1:8: \"values\" belongs to a sweep; a run spec has one plain value a key"},
      {"[parameters.lr]\nmin = 1\nmax = 2\n",
       "s.toml:3:1: \"max\" belongs to a sweep; a run spec has one plain value a key"},
      {"method = \"grid\"\n",
       "s.toml:1:1: \"method\" belongs to a sweep; a run spec has one plain value a key"},
      {"lr = { value = 1, unit = 2 }\n",
       "s.toml:1:19: \"unit\" cannot stand beside \"value\" in the long form of lr"},
      {"steps = 3\nepochs = 1\n", "s.toml:1:9: give steps or epochs, not both"},
      {"\"bn.eps\" = 1.0\n[bn]\neps = 2.0\n", "s.toml:1:12: bn.eps is given twice, first at "},
      {"lr = {}\n", "s.toml:1:6: lr has no value"},
      {"lr = 1979-05-27\n", "s.toml:1:6: a key takes one number, text or truth value"},
  };
  for (const auto& [text, sentence] : cases) {
    CAPTURE(text);
    const std::string refused = SpecFile(text).Refused();
    CHECK(refused.substr(0, refused.find("first at ") == std::string::npos
                                ? std::string::npos
                                : refused.find("first at ") + 9) == sentence);
  }
  CHECK(SpecFile("lr = \n").Refused().rfind("s.toml:1:", 0) == 0);
  CHECK(Has(Refusal([] {
              RunSpec spec;
              ApplySpecFile(spec, "/nowhere/s.toml");
            }),
            "/nowhere/s.toml: no such file"));
  CHECK(Refusal([] {
          RunSpec spec;
          ApplySpecFile(spec, TestFolder().path());
        }) != "accepted");
}

TEST_CASE("resolving fills in simd, threads and loss_limit, once", "[run_spec]") {
  const RunSpec resolved = ResolveRunSpec(RunSpec());
  CHECK(resolved.simd != "auto");
  CHECK(resolved.threads >= 1);
  CHECK(std::abs(*resolved.loss_limit - 1000.0 * std::log(10.0)) < 1e-9);
  CHECK(Canonical(ResolveRunSpec(resolved)) == Canonical(resolved));
  RunSpec asked;
  asked.simd = "avx9";
  const std::string refused = Refusal([&] { ResolveRunSpec(asked); });
  for (const std::string& name : BackendNames()) CHECK(Has(refused, name));
}

TEST_CASE("identity leaves paths out and takes everything else in", "[run_spec]") {
  const RunSpec base = ResolveRunSpec(RunSpec());
  RunSpec moved = base;
  moved.data_dir = "/somewhere/else";
  CHECK(RunKeyHash(moved, "d") == RunKeyHash(base, "d"));
  CHECK(RunKeyHash(base, "e") != RunKeyHash(base, "d"));
  for (const char* argument :
       {"lr=0.02", "seed=2", "threads=7", "bn.placement=none", "confirm=1"}) {
    RunSpec other = base;
    ApplySetArgument(other, argument);
    CAPTURE(argument);
    CHECK(RunKeyHash(other, "d") != RunKeyHash(base, "d"));
  }
}

TEST_CASE("spec JSON is flat, whole and typed", "[run_spec]") {
  const auto json = nlohmann::json::parse(SpecJson(ResolveRunSpec(RunSpec())));
  CHECK(json.size() == RunKeys().size());
  CHECK(json["lr"] == 0.01);
  CHECK(json["batch"] == 32);
  CHECK(json["steps"].is_null());
  CHECK(json["bn.affine"] == true);
  CHECK(json["bn.stats"] == "batch");
  CHECK(json["train_size"] == "all");
  for (const RunKey& key : RunKeys()) CHECK(json.contains(key.name));
}

TEST_CASE("learning-rate schedules", "[run_spec]") {
  const LrSchedule cosine = ParseLrSchedule("cosine");
  for (int64_t t = 0; t < 1000; ++t) {
    const double expected = 0.3 * 0.5 * (1.0 + std::cos(M_PI * static_cast<double>(t) / 1000.0));
    CHECK(std::abs(LearningRate(cosine, 0.3, t, 1000) - expected) < 1e-15);
  }
  const LrSchedule linear = ParseLrSchedule("linear:0.5");
  CHECK(LearningRate(linear, 2.0, 0, 11) == 2.0);
  CHECK(LearningRate(linear, 2.0, 5, 11) == 1.5);
  CHECK(LearningRate(linear, 2.0, 10, 11) == 1.0);
  const LrSchedule step = ParseLrSchedule("step:0.5@3,0.25@6");
  CHECK(LearningRate(step, 1.0, 2, 10) == 1.0);
  CHECK(LearningRate(step, 1.0, 3, 10) == 0.5);
  CHECK(LearningRate(step, 1.0, 9, 10) == 0.25);
  for (const char* text :
       {"constant", "cosine", "linear:0", "linear:0.5", "step:0.1@1000,0.01@2000"})
    CHECK(ToText(ParseLrSchedule(text)) == text);
}

}  // namespace
}  // namespace batchmark
