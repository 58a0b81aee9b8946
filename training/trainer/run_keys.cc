// The table of run keys: for each its text form, its range and its help. The only place that knows
// a key.
#include <cmath>
#include <limits>
#include <utility>

#include "core/base/check.h"
#include "core/base/text.h"
#include "training/trainer/lr_schedule.h"
#include "training/trainer/run_spec.h"

namespace batchmark {
namespace {

using Type = RunKey::Type;
using Get = std::function<std::string(const RunSpec&)>;
using Set = std::function<void(RunSpec&, const std::string&)>;

// What a key is called is added here, so that parsers of values need not know it.
RunKey Key(std::string name, Type type, std::string help, Get get, Set set, bool in_key = true) {
  Set named = [name, set = std::move(set)](RunSpec& spec, const std::string& text) {
    try {
      set(spec, text);
    } catch (const Error& error) {
      throw Error(error.code(), name + ": " + error.what());
    }
  };
  return {std::move(name), type, std::move(help), in_key, std::move(get), std::move(named)};
}

// Reference to a member, from a const or a mutable spec.
template <class T>
auto Own(T RunSpec::*member) {
  return [member](auto& spec) -> auto& { return spec.*member; };
}

template <class T>
auto Bn(T NormSpec::*member) {
  return [member](auto& spec) -> auto& { return spec.bn.*member; };
}

struct Range {
  double low, high;
  bool open_low = false, open_high = false;
  std::string words;  // "greater than 0"
  bool Contains(double v) const {
    return (open_low ? v > low : v >= low) && (open_high ? v < high : v <= high);
  }
};

constexpr double kMax = std::numeric_limits<double>::max();
const Range kPositive{0, kMax, true, false, "greater than 0"};
const Range kNotNegative{0, kMax, false, false, "0 or more"};
const Range kBelowOne{0, 1, false, true, "in [0, 1)"};

double ReadNumber(const std::string& text, const Range& range) {
  const std::optional<double> value = ParseNumber(text);
  if (!value || !range.Contains(*value))
    throw InputError("must be a number " + range.words + ", not \"" + text + "\"");
  return *value;
}

int64_t ReadInteger(const std::string& text, int64_t low,
                    int64_t high = std::numeric_limits<int64_t>::max()) {
  const std::optional<int64_t> value = ParseInteger(text);
  if (!value || *value < low || *value > high) {
    const bool bounded = high != std::numeric_limits<int64_t>::max();
    throw InputError("must be a whole number " +
                     (bounded ? "from " + std::to_string(low) + " to " + std::to_string(high)
                              : "of at least " + std::to_string(low)) +
                     ", not \"" + text + "\"");
  }
  return *value;
}

// Full 64 bits, which ParseInteger does not reach.
uint64_t ReadSeed(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos || text.size() > 20)
    throw InputError("must be a whole number of at least 0, not \"" + text + "\"");
  uint64_t value = 0;
  for (const char c : text) {
    const uint64_t digit = static_cast<uint64_t>(c - '0');
    if (value > (std::numeric_limits<uint64_t>::max() - digit) / 10)
      throw InputError("must be below 2^64, not \"" + text + "\"");
    value = value * 10 + digit;
  }
  return value;
}

template <class Field>
RunKey Number(std::string name, Field field, const Range& range, std::string help) {
  return Key(
      std::move(name), Type::kNumber, std::move(help),
      [field](const RunSpec& spec) { return NumberText(field(spec)); },
      [field, range](RunSpec& spec, const std::string& text) {
        field(spec) = ReadNumber(text, range);
      });
}

template <class Field>
RunKey Bool(std::string name, Field field, std::string help) {
  return Key(
      std::move(name), Type::kBool, std::move(help),
      [field](const RunSpec& spec) { return std::string(field(spec) ? "true" : "false"); },
      [field](RunSpec& spec, const std::string& text) {
        if (text != "true" && text != "false")
          throw InputError("must be true or false, not \"" + text + "\"");
        field(spec) = text == "true";
      });
}

// Free text that `check` may refuse.
template <class Field, class Check>
RunKey Text(std::string name, Field field, Check check, std::string help, bool in_key = true) {
  return Key(
      std::move(name), Type::kText, std::move(help),
      [field](const RunSpec& spec) { return field(spec); },
      [field, check](RunSpec& spec, const std::string& text) {
        check(text);
        field(spec) = text;
      },
      in_key);
}

template <class Field>
RunKey Choice(std::string name, Field field, std::vector<std::string> words, std::string help,
              bool in_key = true) {
  return Text(
      std::move(name), field,
      [words](const std::string& text) {
        for (const std::string& word : words)
          if (word == text) return;
        throw InputError("must be " + OrList(words) + ", not \"" + text + "\"" +
                         NearestHint(text, words));
      },
      std::move(help), in_key);
}

// A count, with a word for "all" or the like, stored as `special`.
template <class Field>
RunKey Count(std::string name, Field field, std::string word, int64_t special, int64_t low,
             int64_t high, std::string help) {
  using Value = std::remove_reference_t<decltype(field(std::declval<RunSpec&>()))>;
  return Key(
      std::move(name), Type::kNumber, std::move(help),
      [field, word, special](const RunSpec& spec) {
        const auto value = static_cast<int64_t>(field(spec));
        return value == special && !word.empty() ? word : std::to_string(value);
      },
      [field, word, special, low, high](RunSpec& spec, const std::string& text) {
        if (!word.empty() && text == word) {
          field(spec) = static_cast<Value>(special);
          return;
        }
        try {
          field(spec) = static_cast<Value>(ReadInteger(text, low, high));
        } catch (const Error& error) {
          throw InputError(error.what() +
                           (word.empty() ? std::string() : " (or the word " + word + ")"));
        }
      });
}

constexpr int64_t kAnyCount = std::numeric_limits<int64_t>::max();

void CheckAny(const std::string&) {}

void CheckNet(const std::string& text) {
  if (text.empty()) throw InputError("must name a preset or list layers, and is empty");
}

// glorot[*s] | he[*s] | normal:sd
void CheckInit(const std::string& text) {
  const std::string_view view = text;
  for (const std::string_view scheme : {"glorot", "he"}) {
    if (view == scheme) return;
    if (view.starts_with(scheme) && view.size() > scheme.size() && view[scheme.size()] == '*') {
      ReadNumber(std::string(view.substr(scheme.size() + 1)), kPositive);
      return;
    }
  }
  if (view.starts_with("normal:")) {
    ReadNumber(text.substr(7), kPositive);
    return;
  }
  throw InputError("must be glorot, glorot*S, he, he*S or normal:SD, not \"" + text + "\"");
}

// shuffled | sorted:K
void CheckOrder(const std::string& text) {
  if (text == "shuffled") return;
  if (!text.starts_with("sorted:"))
    throw InputError("must be shuffled or sorted:K, not \"" + text + "\"" +
                     NearestHint(text, {"shuffled"}));
  ReadInteger(text.substr(7), 1, 10);
}

void CheckCompute(const std::string& text) {
  if (text == "fp32") return;
  if (text == "bf16" || text == "bf16x3" || text == "bf16x6")
    throw InputError(text + " is not available in this build; use fp32");
  throw InputError("must be fp32, not \"" + text + "\"");
}

RunKey StepsKey() {
  return Key(
      "steps", Type::kNumber, "optimizer updates, in place of epochs; none = as epochs say",
      [](const RunSpec& spec) {
        return spec.steps ? std::to_string(*spec.steps) : std::string("none");
      },
      [](RunSpec& spec, const std::string& text) {
        spec.steps.reset();
        if (text == "none") return;
        spec.steps = ReadInteger(text, 1);
        spec.epochs = RunSpec().epochs;  // one text for one meaning
      });
}

RunKey EpochsKey() {
  return Key(
      "epochs", Type::kNumber, "passes over the training images; may be a fraction",
      [](const RunSpec& spec) { return NumberText(spec.epochs); },
      [](RunSpec& spec, const std::string& text) {
        spec.epochs = ReadNumber(text, kPositive);
        spec.steps.reset();  // the later of steps and epochs counts
      });
}

RunKey SeedKey() {
  return Key(
      "seed", Type::kNumber, "of weights, order, dropout and noise",
      [](const RunSpec& spec) { return std::to_string(spec.seed); },
      [](RunSpec& spec, const std::string& text) { spec.seed = ReadSeed(text); });
}

RunKey LossLimitKey() {
  return Key(
      "loss_limit", Type::kNumber,
      "a training loss above it is divergence; auto = 1000 ln(classes)",
      [](const RunSpec& spec) {
        return spec.loss_limit ? NumberText(*spec.loss_limit) : std::string("auto");
      },
      [](RunSpec& spec, const std::string& text) {
        spec.loss_limit.reset();
        if (text != "auto") spec.loss_limit = ReadNumber(text, kPositive);
      });
}

std::vector<RunKey> BatchNormKeys() {
  std::vector<RunKey> keys;
  keys.push_back(Key(
      "bn.placement", Type::kText, "none | pre (linear, BN, act) | post (linear, act, BN)",
      [](const RunSpec& spec) { return ToText(spec.bn.placement); },
      [](RunSpec& spec, const std::string& text) { spec.bn.placement = ParsePlacement(text); }));
  keys.push_back(Key(
      "bn.stats", Type::kText, "training statistics: batch | ghost:K | wide:M | population | population+gauss:K | renorm:R,D",
      [](const RunSpec& spec) { return ToText(spec.bn.stats); },
      [](RunSpec& spec, const std::string& text) { spec.bn.stats = ParseNormStats(text); }));
  keys.push_back(Key(
      "bn.eval", Type::kText, "evaluation statistics: ema:M | cumulative | precise:K | batch",
      [](const RunSpec& spec) { return ToText(spec.bn.eval); },
      [](RunSpec& spec, const std::string& text) { spec.bn.eval = ParseNormEval(text); }));
  keys.push_back(Number("bn.eps", Bn(&NormSpec::eps), kPositive, "added to the variance"));
  keys.push_back(Bool("bn.affine", Bn(&NormSpec::affine), "train gamma and beta"));
  keys.push_back(Number("bn.gamma_decay", Bn(&NormSpec::gamma_decay), kNotNegative, "L2 on gamma"));
  keys.push_back(Number("bn.noise_scale", Bn(&NormSpec::noise_scale), kNotNegative,
                        "factor on synthetic noise of the statistics"));
  keys.push_back(Count("bn.freeze_after", Bn(&NormSpec::freeze_after), "never", -1, 0, kAnyCount,
                       "step from which population statistics are used"));
  keys.push_back(Key(
      "bn.schedule", Type::kText, "of renorm's clips: ramp:A,B[,C] in shares of the run; empty = constant",
      [](const RunSpec& spec) { return ToText(spec.bn.schedule); },
      [](RunSpec& spec, const std::string& text) { spec.bn.schedule = ParseNormSchedule(text); }));
  return keys;
}

std::vector<RunKey> MakeTable() {
  std::vector<RunKey> keys;
  auto add = [&keys](RunKey key) { keys.push_back(std::move(key)); };
  add(Text("net", Own(&RunSpec::net), CheckNet,
           "preset (seed-cnn, ioffe-mlp, mlp-r, cnn-deep:D) or layers"));
  // The hash of the bytes identifies the data, however they were found.
  add(Choice("data", Own(&RunSpec::data), {"auto", "mnist", "fashion-mnist", "synth-digits"},
             "auto | mnist | fashion-mnist | synth-digits", false));
  add(Text("data_dir", Own(&RunSpec::data_dir), CheckAny,
           "the only folder to look in; empty = search", false));
  add(Choice("input", Own(&RunSpec::input), {"raw", "minmax", "standardize", "binary"},
             "pixel scaling: raw | minmax | standardize | binary"));
  add(Count("batch", Own(&RunSpec::batch), "", 0, 1, kAnyCount, "images a step"));
  add(Number("lr", Own(&RunSpec::lr), kPositive, "learning rate of SGD"));
  add(Text(
      "lr_schedule", Own(&RunSpec::lr_schedule),
      [](const std::string& text) { ParseLrSchedule(text); },
      "constant | cosine | linear:F | step:F@S,... (factors on lr)"));
  add(Number("momentum", Own(&RunSpec::momentum), kBelowOne, "of SGD"));
  add(Number("weight_decay", Own(&RunSpec::weight_decay), kNotNegative, "L2 on weights"));
  add(Text("init", Own(&RunSpec::init), CheckInit, "glorot[*S] | he[*S] | normal:SD"));
  add(EpochsKey());
  add(StepsKey());
  add(Count("train_size", Own(&RunSpec::train_size), "all", 0, 1, kAnyCount,
            "training images used"));
  add(Text("order", Own(&RunSpec::order), CheckOrder, "shuffled | sorted:K (K classes a batch)"));
  for (RunKey& key : BatchNormKeys()) add(std::move(key));
  add(Count("eval_every", Own(&RunSpec::eval_every), "", 0, 1, kAnyCount,
            "steps between evaluations"));
  add(Count("eval_size", Own(&RunSpec::eval_size), "all", 0, 1, kAnyCount,
            "validation images of the periodic evaluation"));
  add(Number("target", Own(&RunSpec::target), kPositive, "value of target_metric to reach"));
  add(Choice("target_metric", Own(&RunSpec::target_metric),
             {"val_accuracy", "val_loss", "train_loss"}, "val_accuracy | val_loss | train_loss"));
  add(Count("confirm", Own(&RunSpec::confirm), "", 0, 0, 1000000,
            "further evaluations that must hold the target"));
  add(Bool("stop_at_target", Own(&RunSpec::stop_at_target),
           "end the run once the target is confirmed"));
  add(Key(
      "prune", Type::kText, "never | floor:STEP:ACCURACY (end a run below that accuracy, as censored)",
      [](const RunSpec& spec) { return ToText(spec.prune); },
      [](RunSpec& spec, const std::string& text) { spec.prune = ParsePruneRule(text); }));
  add(Key(
      "probe", Type::kText,
      "none, or preact, preact_train, activations, gradients, noise, landscape, batch_stats, state joined by +",
      [](const RunSpec& spec) { return ToText(spec.probe); },
      [](RunSpec& spec, const std::string& text) { spec.probe = ParseProbeSpec(text); }));
  add(Count("probe_every", Own(&RunSpec::probe_every), "auto", 0, 1, kAnyCount,
            "steps between probes; auto = eval_every"));
  add(LossLimitKey());
  add(SeedKey());
  add(Count("threads", Own(&RunSpec::threads), "auto", 0, 1, 1024, "auto = the affinity mask"));
  add(Text("compute", Own(&RunSpec::compute), CheckCompute, "fp32"));
  add(Choice("conv", Own(&RunSpec::conv), {"auto", "direct"},
             "auto (3 x 3 by Winograd's algorithm where faster) | direct"));
  add(Text(
      "simd", Own(&RunSpec::simd),
      [](const std::string& text) {
        if (text.empty()) throw InputError("must be auto or a SIMD target, and is empty");
      },
      "auto, or a target that --version lists"));
  return keys;
}

}  // namespace

const std::vector<RunKey>& RunKeys() {
  static const std::vector<RunKey> keys = MakeTable();
  return keys;
}

}  // namespace batchmark
