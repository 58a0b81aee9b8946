// Sentences and short texts that several sections share.
#pragma once

#include <string>

#include "reports/effects.h"
#include "reports/study.h"

namespace batchmark::report {

// Below six seeds resampling says nothing of the tails: points are shown, no intervals, no test.
inline constexpr size_t kSeedsForIntervals = 6;

std::string StudyTitle(const Study& study);
std::string StepsText(const Bound& bound);    // "80", "> 600"
std::string SecondsText(const Bound& bound);  // "0.41 s", "> 12 s"

// "5.8× fewer", "more than 3.8× fewer", "1.2× more" of log(without / with); "" where runs that
// never arrived leave the side open.
std::string FewerText(const Range& log_ratio, const std::string& fewer = "fewer",
                      const std::string& more = "more");

Bound MedianSteps(const Study& study, const Arm& arm);
Bound MedianSeconds(const Study& study, const Arm& arm);
double MedianMsPerStep(const Arm& arm);
// Milliseconds a step on the way to the target (all of the run where it never arrived).
double MsPerStepToTarget(const RunRecord& run);

// "3 seeds an arm; 3 of 12 runs never arrived (no BN, lr 0.001: 3); none diverged." For figures,
// plain text.
std::string CountsText(const Study& study);

// "With BN, 90 % validation accuracy took 80 steps (median of 3 seeds) against 460 without, at lr
// 0.01: 5.8× fewer." in Markdown.
std::string CompareSentence(const Study& study, const Arm& with, const Arm& without,
                            const std::string& with_words, const std::string& without_words,
                            const std::string& where);

}  // namespace batchmark::report
