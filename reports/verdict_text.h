// What a finding says in English. Digits are few, so that a sentence does not depend on the last
// bits.
#pragma once

#include <span>
#include <string>

#include "reports/verdict.h"

namespace batchmark {

// "BN, depth 4" of a family "BN, depth 4:*".
std::string ArmText(std::string arm);
// "A → B → C" of a trend, "A against B", or "A".
std::string ArmsText(const ContrastClaim& claim);
std::string PText(double p);                                // "p = 0.0078", "p < 0.0001"
std::string FactorText(double ratio);                       // "0.42"

// The effect and its interval with few digits: "0.42 [0.36, 0.49]", "above 3", "+0.31 [-0.1, 0.7]
// points"; "" where nothing is known.
std::string ShownText(const ContrastFinding& finding);
std::string EffectText(const ContrastFinding& finding);
std::string FindingSentence(const ContrastFinding& finding);  // needs effect_text and result
std::string VerdictSentence(const ExperimentFinding& finding, double alpha);

}  // namespace batchmark
