// Sentences and short texts that several sections share.
#include "reports/words.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <vector>

#include "reports/format.h"

namespace batchmark::report {
namespace {

// "2 of 3 runs did not arrive within 600 steps" / "all 3 runs diverged".
std::string WhyNotArrived(const Study& study, const Arm& arm) {
  const size_t n = arm.runs.size(), diverged = arm.CountStatus("diverged"),
               missing = arm.Censored();
  const std::string who =
      missing == n ? (n == 1 ? "its run " : "none of its " + std::to_string(n) + " runs ")
                   : std::to_string(missing) + " of its " + std::to_string(n) + " runs ";
  if (diverged == missing) {
    return missing == n
               ? (n == 1 ? "its run diverged" : "all its " + std::to_string(n) + " runs diverged")
               : who + "diverged";
  }
  const std::string within = " within " + Count(static_cast<double>(study.step_cap)) + " steps";
  std::string text = who + (missing == n && n > 1 ? "arrived" : "did not arrive") + within;
  if (diverged > 0) text += " (" + std::to_string(diverged) + " diverged)";
  return text;
}

}  // namespace

std::string StepsText(const Bound& bound) {
  if (std::isnan(bound.value)) return "–";
  return (bound.beyond ? "> " : "") + Count(bound.value);
}

std::string SecondsText(const Bound& bound) {
  if (std::isnan(bound.value)) return "–";
  return (bound.beyond ? "> " : "") + Seconds(bound.value);
}

Bound MedianSteps(const Study& study, const Arm& arm) {
  std::vector<Bound> values;
  for (const RunRecord* run : arm.runs) values.push_back(StepsToTarget(study, *run));
  return MedianBound(std::move(values));
}

Bound MedianSeconds(const Study& study, const Arm& arm) {
  std::vector<Bound> values;
  for (const RunRecord* run : arm.runs) values.push_back(SecondsToTarget(study, *run));
  return MedianBound(std::move(values));
}

double MedianMsPerStep(const Arm& arm) {
  std::vector<double> values;
  for (const RunRecord* run : arm.runs) values.push_back(run->ms_per_step);
  return Median(std::move(values));
}

double MsPerStepToTarget(const RunRecord& run) {
  if (run.time_to_target_s && run.steps_to_target && *run.steps_to_target > 0) {
    return 1000 * *run.time_to_target_s / static_cast<double>(*run.steps_to_target);
  }
  return run.ms_per_step;
}

std::string CountsText(const Study& study) {
  size_t runs = 0, missing = 0, diverged = 0, least = SIZE_MAX;
  std::vector<std::string> missing_in, diverged_in;
  for (const Arm& arm : study.arms) {
    const size_t gone = arm.CountStatus("diverged"), late = arm.Censored() - gone;
    runs += arm.runs.size(), missing += late, diverged += gone;
    least = std::min(least, arm.runs.size());
    if (late > 0) missing_in.push_back(arm.label + ": " + std::to_string(late));
    if (gone > 0) diverged_in.push_back(arm.label + ": " + std::to_string(gone));
  }
  const auto where = [](const std::vector<std::string>& parts) {
    return parts.size() > 4 ? " in " + Plural(parts.size(), "arm")
                            : " (" + Joined(parts, "; ") + ")";
  };
  std::string text = least == study.Seeds()
                         ? Plural(least, "seed")
                         : std::to_string(least) + " to " + Plural(study.Seeds(), "seed");
  text += " an arm";
  text += missing == 0
              ? "; every run " + std::string(diverged ? "that did not diverge " : "") + "arrived"
              : "; " + std::to_string(missing) + " of " + Plural(runs, "run") + " censored" +
                    where(missing_in);
  text += diverged == 0 ? "; none diverged."
                        : "; " + std::to_string(diverged) + " diverged" + where(diverged_in) + ".";
  return text;
}

std::string CompareSentence(const Study& study, const Arm& with, const Arm& without,
                            const std::string& with_words, const std::string& without_words,
                            const std::string& where) {
  const Bound a = MedianSteps(study, with), b = MedianSteps(study, without);
  const std::string target = study.TargetText();
  const std::string of_seeds = with.runs.size() == 1
                                   ? " (one run)"
                                   : " (median of " + Plural(with.runs.size(), "seed") + ")";
  const std::string place = where.empty() ? "" : ", " + where;
  if (a.beyond && b.beyond) {
    return "At " + target + place + ", neither arm's median arrived: " + with_words + ", " +
           WhyNotArrived(study, with) + "; " + without_words + ", " +
           WhyNotArrived(study, without) + ".";
  }
  if (a.beyond) {
    return "To " + target + place + ": " + with_words + ", " + WhyNotArrived(study, with) + ", " +
           without_words + " it took **" + Count(b.value) + " steps**" + of_seeds +
           ": **more than " + Ratio(a.value / b.value) + " more**.";
  }
  std::string text =
      std::string(1, static_cast<char>(std::toupper(static_cast<unsigned char>(with_words[0])))) +
      with_words.substr(1) + ", " + target + " took **" + Count(a.value) +
      (a.value == 1 ? " step" : " steps") + "**" + of_seeds + " against ";
  if (b.beyond) {
    return text + "**more than " + Count(b.value) + "** " + without_words + place + " (" +
           WhyNotArrived(study, without) + "): **more than " + Ratio(b.value / a.value) +
           " fewer**.";
  }
  text += "**" + Count(b.value) + "** " + without_words + place + ": ";
  if (a.value == b.value) return text + "**as many**.";
  return text + "**" +
         (a.value < b.value ? Ratio(b.value / a.value) + " fewer"
                            : Ratio(a.value / b.value) + " more") +
         "**.";
}

}  // namespace batchmark::report
