// Run specs as a whole: keys by name, checks across keys, resolution, canonical text, identity.
#include "training/trainer/run_spec.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "core/base/cpu.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/simd/backend.h"

namespace batchmark {
namespace {

// 1000 * ln(10), written out: libm's log may differ between machines in the last bit.
constexpr double kDefaultLossLimit = 2302.585092994046;

std::vector<std::string> KeyNames() {
  std::vector<std::string> names;
  for (const RunKey& key : RunKeys()) names.push_back(key.name);
  return names;
}

std::string Prefix(const std::string& where) { return where.empty() ? "" : where + ": "; }

nlohmann::ordered_json JsonValue(const RunKey& key, const std::string& text) {
  if (key.type == RunKey::Type::kBool) return text == "true";
  if (key.type == RunKey::Type::kText) return text;
  if (text == "none") return nullptr;
  return ParseNumber(text) ? nlohmann::ordered_json::parse(text) : nlohmann::ordered_json(text);
}

// auto: what BATCHMARK_BACKEND asks for, else the best; an earlier run's choice does not matter.
std::string ResolveSimd(const std::string& asked) {
  const std::vector<std::string> names = BackendNames();
  std::string wanted = asked, asked_by = "simd";
  if (asked == "auto") {
    const char* forced = std::getenv("BATCHMARK_BACKEND");
    wanted = forced == nullptr || *forced == '\0' || std::string(forced) == "auto" ? names.front()
                                                                                   : forced;
    asked_by = "BATCHMARK_BACKEND";
  }
  if (std::find(names.begin(), names.end(), wanted) == names.end())
    throw InputError(asked_by + ": \"" + wanted +
                     "\" is none of this machine's SIMD targets, which are " + OrList(names));
  return wanted;
}

}  // namespace

void SetRunKey(RunSpec& spec, const std::string& name, const std::string& value,
               const std::string& where) {
  for (const RunKey& key : RunKeys()) {
    if (key.name != name) continue;
    try {
      key.set(spec, value);
    } catch (const Error& error) {
      throw Error(error.code(), Prefix(where) + error.what());
    }
    return;
  }
  throw InputError(Prefix(where) + "unknown key \"" + name + "\"" + NearestHint(name, KeyNames()));
}

void ApplySetArgument(RunSpec& spec, const std::string& key_equals_value) {
  const size_t equals = key_equals_value.find('=');
  if (equals == std::string::npos || equals == 0)
    throw UsageError("--set needs key=value, not \"" + key_equals_value + "\"");
  SetRunKey(spec, key_equals_value.substr(0, equals), key_equals_value.substr(equals + 1),
            "--set " + key_equals_value);
}

void ValidateRunSpec(const RunSpec& spec) {
  RunSpec copy = spec;  // specs made by code pass the same gate as text
  for (const RunKey& key : RunKeys()) key.set(copy, key.get(spec));
  if (spec.target_metric == "val_accuracy" && spec.target > 1.0)
    throw InputError("target: " + NumberText(spec.target) +
                     " is above 1; an accuracy is a share (0.97 is 97 %)");
  if (spec.train_size != 0 && spec.batch > spec.train_size)
    throw InputError("batch: " + std::to_string(spec.batch) + " is larger than train_size " +
                     std::to_string(spec.train_size));
  if (spec.bn.schedule.ramp && spec.bn.stats.kind != NormStats::Kind::kRenorm)
    throw InputError("bn.schedule: goes only with bn.stats=renorm:R,D");
}

RunSpec ResolveRunSpec(const RunSpec& spec) {
  ValidateRunSpec(spec);
  RunSpec resolved = spec;
  resolved.simd = ResolveSimd(spec.simd);
  if (resolved.threads == 0) resolved.threads = AvailableThreads();
  if (!resolved.loss_limit) resolved.loss_limit = kDefaultLossLimit;
  return resolved;
}

std::string CanonicalText(const RunSpec& resolved, bool identity_only) {
  std::string text;
  for (const RunKey& key : RunKeys())
    if (key.in_key || !identity_only) text += key.name + "=" + key.get(resolved) + "\n";
  return text;
}

std::string SpecJson(const RunSpec& resolved) {
  nlohmann::ordered_json object;
  for (const RunKey& key : RunKeys()) object[key.name] = JsonValue(key, key.get(resolved));
  return object.dump();
}

std::string RunKeyHash(const RunSpec& resolved, const std::string& data_hash) {
  return Sha256Hex(CanonicalText(resolved, true) + "data_hash=" + data_hash +
                   "\nnumerics=" + kNumericsVersion + "\n");
}

}  // namespace batchmark
