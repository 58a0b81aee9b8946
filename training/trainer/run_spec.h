// A run, in full: every key of the command line with its default. One table (RunKeys) feeds --set, TOML,
// JSON, the canonical text, the help and the tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/text.h"  // NumberText
#include "training/net/norm_spec.h"
#include "training/trainer/probe_spec.h"
#include "training/trainer/prune_rule.h"

namespace batchmark {

struct RunSpec {
  std::string net = "seed-cnn";
  std::string data = "auto";
  std::string data_dir;
  std::string input = "minmax";
  size_t batch = 32;
  double lr = 0.01;
  std::string lr_schedule = "constant";
  double momentum = 0.0;
  double weight_decay = 0.0;
  std::string init = "glorot";
  double epochs = 1.0;
  std::optional<int64_t> steps;  // beats epochs
  size_t train_size = 0;         // 0 = all
  std::string order = "shuffled";
  NormSpec bn;
  int64_t eval_every = 100;
  size_t eval_size = 0;  // validation images used by the periodic evaluation; 0 = all
  double target = 0.97;
  std::string target_metric = "val_accuracy";
  int confirm = 2;
  bool stop_at_target = false;
  PruneRule prune;
  ProbeSpec probe;
  int64_t probe_every = 0;  // 0: eval_every
  std::optional<double> loss_limit;  // default 1000 ln(classes)
  uint64_t seed = 1;
  int threads = 0;  // 0 = affinity mask
  std::string compute = "fp32";
  std::string conv = "auto";
  std::string simd = "auto";
};

struct RunKey {
  enum class Type { kText, kNumber, kBool };
  std::string name;  // "bn.placement"
  Type type;
  std::string help;  // one line: meaning and accepted values
  bool in_key;       // part of the run's identity (paths are not)
  std::function<std::string(const RunSpec&)> get;               // canonical text
  std::function<void(RunSpec&, const std::string&)> set;  // throws Error(kBadInput), naming the key and why
};

const std::vector<RunKey>& RunKeys();

// One "key=value"; unknown keys are refused with the nearest name. `where` ("spec.toml:3:1", or empty)
// goes into the sentence.
void SetRunKey(RunSpec& spec, const std::string& name, const std::string& value, const std::string& where = "");
void ApplySetArgument(RunSpec& spec, const std::string& key_equals_value);
// Run spec file: keys at top level or under [parameters], quoted dots, nested tables or { value = ... }.
void ApplySpecFile(RunSpec& spec, const std::string& path);

// Cross-key checks that need no data (lr > 0, batch > 0, dense BN and batch 1 is checked by the net, ...).
void ValidateRunSpec(const RunSpec& spec);
// simd, compute, threads and loss_limit filled in with what this process will use.
RunSpec ResolveRunSpec(const RunSpec& spec);

// "key=value" lines in table order, shortest round-trip numbers; the identity part leaves paths out.
std::string CanonicalText(const RunSpec& resolved, bool identity_only);
// Flat JSON object, one line, every key, defaults filled in.
std::string SpecJson(const RunSpec& resolved);

// Changes whenever the same spec may give other bits.
inline constexpr const char* kNumericsVersion = "11";
// Law 5: SHA-256 of identity text + data hash + numerics version.
std::string RunKeyHash(const RunSpec& resolved, const std::string& data_hash);

}  // namespace batchmark
