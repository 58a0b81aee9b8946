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

std::string FewerText(const Range& log_ratio, const std::string& fewer, const std::string& more) {
  if (std::isnan(log_ratio.low)) return "";
  if (log_ratio.low >= 0) {
    if (log_ratio.high <= 0) return "as many";
    return (log_ratio.Exact() ? "" : "more than ") + Ratio(std::exp(log_ratio.low)) + " " + fewer;
  }
  if (log_ratio.high > 0) return "";  // a bound that decides nothing
  return (log_ratio.Exact() ? "" : "more than ") + Ratio(std::exp(-log_ratio.high)) + " " + more;
}

std::string StudyTitle(const Study& study) {
  if (!study.title.empty()) return study.title;
  return study.experiment.empty() ? "Runs" : study.experiment;
}

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
  // Pair by pair, like every ratio of the report: not the ratio of the two medians.
  const Range ratio = PairedLogRatio(study, with, without, Measure::kSteps).median;
  const std::string fewer = FewerText(ratio);
  const std::string gap = fewer.empty() ? "." : ": **" + fewer + "**.";
  if (a.beyond) {
    return "To " + target + place + ": " + with_words + ", " + WhyNotArrived(study, with) + ", " +
           without_words + " it took **" + Count(b.value) + " steps**" + of_seeds + gap;
  }
  std::string text =
      std::string(1, static_cast<char>(std::toupper(static_cast<unsigned char>(with_words[0])))) +
      with_words.substr(1) + ", " + target + " took **" + Count(a.value) +
      (a.value == 1 ? " step" : " steps") + "**" + of_seeds + " against ";
  if (b.beyond) {
    return text + "**more than " + Count(b.value) + "** " + without_words + place + " (" +
           WhyNotArrived(study, without) + ")" + gap;
  }
  return text + "**" + Count(b.value) + "** " + without_words + place + gap;
}

}  // namespace batchmark::report
