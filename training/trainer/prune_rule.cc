#include "training/trainer/prune_rule.h"

#include "core/base/check.h"
#include "core/base/text.h"

namespace batchmark {

PruneRule ParsePruneRule(const std::string& text) {
  if (text == "never") return {};
  const size_t colon = text.find(':', 6);
  if (text.rfind("floor:", 0) == 0 && colon != std::string::npos) {
    const auto step = ParseInteger(std::string_view(text).substr(6, colon - 6));
    const auto min = ParseNumber(std::string_view(text).substr(colon + 1));
    if (step && min && *step >= 1 && *min > 0.0 && *min <= 1.0) return {true, *step, *min};
  }
  throw InputError("must be never or floor:STEP:ACCURACY (a step of at least 1, an accuracy in (0, 1]), not \"" +
                   text + "\"");
}

std::string ToText(const PruneRule& rule) {
  if (!rule.active) return "never";
  return "floor:" + std::to_string(rule.step) + ":" + NumberText(rule.min_accuracy);
}

}  // namespace batchmark
