// Claims from JSON, and what is refused before anything runs.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/check.h"
#include "reports/verdict_pairs.h"

namespace batchmark {
namespace {

using nlohmann::json;

constexpr std::pair<const char*, ContrastTest> kTests[] = {
    {"sign", ContrastTest::kSign},
    {"logrank", ContrastTest::kLogRank},
    {"paired", ContrastTest::kPaired},
    {"paired_ratio", ContrastTest::kPairedRatio},
    {"wilcoxon", ContrastTest::kWilcoxon},
    {"tost", ContrastTest::kTost},
    {"noninferiority", ContrastTest::kNonInferiority},
    {"proportion", ContrastTest::kProportion},
    {"trend", ContrastTest::kTrend},
};
constexpr std::pair<const char*, Direction> kDirections[] = {
    {"less", Direction::kLess}, {"greater", Direction::kGreater}, {"equal", Direction::kEqual}};
constexpr std::pair<const char*, ContrastRole> kRoles[] = {{"criterion", ContrastRole::kCriterion},
                                                           {"check", ContrastRole::kCheck},
                                                           {"report", ContrastRole::kReport}};

std::string Where(const std::string& name) { return "contrast '" + name + "': "; }

template <typename Word, size_t kCount>
Word ParseWord(const std::pair<const char*, Word> (&words)[kCount], const std::string& text,
               const std::string& contrast, const char* what) {
  std::string known;
  for (const auto& [name, word] : words) {
    if (text == name) return word;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw InputError(Where(contrast) + what + " '" + text + "' is none of " + known);
}

double NumberOf(const json& object, const char* key, const std::string& contrast) {
  if (!object.contains(key)) return 0.0;
  if (!object[key].is_number()) throw InputError(Where(contrast) + key + " must be a number");
  return object[key].get<double>();
}

std::string TextOf(const json& object, const char* key, const std::string& where) {
  if (!object.contains(key) || !object[key].is_string())
    throw InputError(where + "'" + key + "' must be a text");
  return object[key].get<std::string>();
}

ContrastClaim ParseClaim(const json& entry) {
  if (!entry.is_object()) throw InputError("every contrast must be a JSON object");
  ContrastClaim claim;
  claim.name = TextOf(entry, "name", "contrast: ");
  if (!entry.contains("arms")) claim.a = TextOf(entry, "a", Where(claim.name));
  if (entry.contains("b")) claim.b = TextOf(entry, "b", Where(claim.name));
  for (const json& arm : entry.value("arms", json::array())) {
    if (!arm.is_string()) throw InputError(Where(claim.name) + "'arms' must be a list of texts");
    claim.arms.push_back(arm.get<std::string>());
  }
  claim.measure = TextOf(entry, "measure", Where(claim.name));
  claim.test = ParseWord(kTests, TextOf(entry, "test", Where(claim.name)), claim.name, "test");
  claim.direction = ParseWord(kDirections, TextOf(entry, "direction", Where(claim.name)),
                              claim.name, "direction");
  if (entry.contains("role")) {
    claim.role = ParseWord(kRoles, TextOf(entry, "role", Where(claim.name)), claim.name, "role");
  }
  claim.margin = NumberOf(entry, "margin", claim.name);
  claim.min_effect = NumberOf(entry, "min_effect", claim.name);
  if (entry.contains("n_min")) claim.n_min = static_cast<int>(NumberOf(entry, "n_min", claim.name));
  claim.assumed_effect = NumberOf(entry, "assumed_effect", claim.name);
  claim.assumed_sd = NumberOf(entry, "assumed_sd", claim.name);
  return claim;
}

bool IsKnownMeasure(const std::string& measure) {
  static constexpr const char* kMeasures[] = {"train_loss", "val_accuracy", "test_accuracy",
                                              "ms_per_step", "lr_ceiling"};
  const auto known = [&](const char* name) { return measure == name; };
  if (IsArrival(measure) || IsShare(measure) ||
      std::any_of(std::begin(kMeasures), std::end(kMeasures), known)) {
    return true;
  }
  const size_t at = measure.find('@');  // NAME@STEP or NAME@last
  if (at == std::string::npos || at == 0) return false;
  const std::string step = measure.substr(at + 1);
  return step == "last" ||
         (!step.empty() && step.find_first_not_of("0123456789") == std::string::npos);
}

void RequireMeasure(const ContrastClaim& claim) {
  const std::string where = Where(claim.name), &measure = claim.measure;
  if (!IsKnownMeasure(measure)) throw InputError(where + "unknown measure '" + measure + "'");
  const bool proportion = claim.test == ContrastTest::kProportion;
  if (IsShare(measure) != proportion) {
    throw InputError(where +
                     "test proportion and a share (diverged_share, reached_share) belong together");
  }
  if (claim.test == ContrastTest::kLogRank && !IsArrival(measure)) {
    throw InputError(where + "test logrank is for steps_to_target and time_to_target_s");
  }
  if (claim.b.empty() && !proportion && claim.test != ContrastTest::kTrend)
    throw InputError(where + "only a proportion can do without b");
  const std::vector<std::string> arms = ArmsOf(claim);
  const bool families = std::all_of(arms.begin(), arms.end(),
                                    [](const std::string& arm) { return arm.ends_with('*'); });
  if (measure == "lr_ceiling" && !families) {
    throw InputError(where + "lr_ceiling compares families of arms: their names must end in '*'");
  }
}

// Margins and minimum effects are factors where effects are ratios.
void RequireMargins(const ContrastClaim& claim) {
  const std::string where = Where(claim.name);
  for (const double value :
       {claim.margin, claim.min_effect, claim.assumed_effect, claim.assumed_sd}) {
    if (!std::isfinite(value)) throw InputError(where + "a number is not finite");
  }
  const bool ratio = IsRatio(claim);
  const bool margin_test =
      claim.test == ContrastTest::kTost || claim.test == ContrastTest::kNonInferiority;
  if (margin_test && !(ratio ? claim.margin > 1.0 : claim.margin > 0.0)) {
    throw InputError(where + "test " + ToText(claim.test) + " needs a margin " +
                     (ratio ? "above 1 (a factor)" : "above 0"));
  }
  if (ratio && claim.margin < 0.0)
    throw InputError(where + "a margin of a ratio is a factor above 0");
  if ((claim.test == ContrastTest::kLogRank || claim.test == ContrastTest::kTrend) &&
      claim.margin != 0.0) {
    throw InputError(where + "test " + ToText(claim.test) + " has no margin");
  }
  const bool share = claim.test == ContrastTest::kProportion;
  if (share && claim.b.empty() && !(claim.margin > 0.0 && claim.margin < 1.0)) {
    throw InputError(where + "a proportion without b needs a margin between 0 and 1");
  }
  if (share && !claim.b.empty() && claim.margin != 0.0) {
    throw InputError(where + "a proportion with b has no margin");
  }
  const bool takes_minimum = claim.test == ContrastTest::kPaired ||
                             claim.test == ContrastTest::kPairedRatio ||
                             claim.test == ContrastTest::kWilcoxon;
  if (claim.min_effect != 0.0 && !takes_minimum) {
    throw InputError(where + "min_effect is for tests paired, paired_ratio and wilcoxon");
  }
  if (claim.min_effect != 0.0 && !(ratio ? claim.min_effect > 1.0 : claim.min_effect > 0.0)) {
    throw InputError(where + "min_effect must be " + (ratio ? "a factor above 1" : "above 0"));
  }
  if (claim.assumed_sd < 0.0) throw InputError(where + "assumed_sd must not be negative");
}

void RequireArms(const ExperimentClaims& claims) {
  if (claims.arms.empty()) return;
  const auto require = [&](const std::string& contrast, const std::string& arm) {
    const bool pattern = arm.ends_with('*');
    const bool known =
        std::any_of(claims.arms.begin(), claims.arms.end(), [&](const std::string& name) {
          return pattern ? name.compare(0, arm.size() - 1, arm, 0, arm.size() - 1) == 0
                         : name == arm;
        });
    if (!known) throw InputError(Where(contrast) + "there is no arm '" + arm + "'");
  };
  for (const ContrastClaim& claim : claims.contrasts) {
    for (const std::string& arm : ArmsOf(claim)) require(claim.name, arm);
  }
  if (claims.calibration) require(claims.calibration->claim.name, claims.calibration->arm);
}

}  // namespace

const char* ToText(ContrastTest test) {
  for (const auto& [name, word] : kTests) {
    if (word == test) return name;
  }
  return "";
}

std::vector<std::string> ArmsOf(const ContrastClaim& claim) {
  if (!claim.arms.empty()) return claim.arms;
  return claim.b.empty() ? std::vector{claim.a} : std::vector{claim.a, claim.b};
}

void ValidateClaim(const ContrastClaim& claim) {
  const bool trend = claim.test == ContrastTest::kTrend;
  if (trend != !claim.arms.empty() || (trend && !(claim.a + claim.b).empty())) {
    throw InputError(Where(claim.name) +
                     "a trend names its arms in a list 'arms', other tests have a and b");
  }
  if (trend && claim.arms.size() < 3)
    throw InputError(Where(claim.name) + "a trend needs at least three arms");
  if (!trend && claim.a.empty()) throw InputError(Where(claim.name) + "a names no arm");
  std::vector<std::string> arms = ArmsOf(claim);
  std::sort(arms.begin(), arms.end());
  if (std::adjacent_find(arms.begin(), arms.end()) != arms.end())
    throw InputError(Where(claim.name) +
                     (trend ? "an arm is named twice" : "a and b are the same arm"));
  const bool equal = claim.direction == Direction::kEqual;
  if (equal != (claim.test == ContrastTest::kTost)) {
    throw InputError(Where(claim.name) + "direction equal and test tost belong together");
  }
  if (claim.n_min < 2) throw InputError(Where(claim.name) + "n_min must be at least 2");
  RequireMeasure(claim);
  RequireMargins(claim);
}

ExperimentClaims ParseExperimentClaims(const std::string& text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) throw InputError("an experiment's definition is not a JSON object");
  ExperimentClaims claims;
  claims.name = TextOf(document, "name", "experiment: ");
  const std::string where = "experiment '" + claims.name + "': ";
  if (document.contains("claim")) claims.claim = TextOf(document, "claim", where);
  if (document.contains("source")) claims.source = TextOf(document, "source", where);
  if (document.contains("alpha")) {
    if (!document["alpha"].is_number()) throw InputError(where + "alpha must be a number");
    claims.alpha = document["alpha"];
  }
  if (!(claims.alpha > 0.0 && claims.alpha < 0.5))
    throw InputError(where + "alpha must lie between 0 and 0.5");
  for (const json& arm : document.value("arms", json::array())) {
    if (!arm.is_object()) throw InputError(where + "every arm must be a JSON object");
    claims.arms.push_back(TextOf(arm, "name", where));
  }
  for (const json& entry : document.value("contrasts", json::array())) {
    claims.contrasts.push_back(ParseClaim(entry));
    ValidateClaim(claims.contrasts.back());
  }
  if (document.contains("calibration")) {
    const json& entry = document["calibration"];
    const ContrastClaim claim = ParseClaim(entry);
    ValidateClaim(claim);
    claims.calibration = CalibrationClaim{TextOf(entry, "arm", Where(claim.name)), claim};
  }
  RequireArms(claims);
  return claims;
}

}  // namespace batchmark
