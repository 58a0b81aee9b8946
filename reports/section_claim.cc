// The head of a study: its claim, its verdict in a sentence, and what was cut.
#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "reports/format.h"
#include "reports/section.h"
#include "reports/words.h"

namespace batchmark::report {
namespace {

// Document "budget/<experiment>", or "budget" for a store of one experiment: its "sentence".
std::string BudgetSentence(const ReportData& data, const Study& study) {
  for (const std::string& name : {"budget/" + study.experiment, std::string("budget")}) {
    const auto found = data.documents.find(name);
    if (found == data.documents.end()) continue;
    const nlohmann::json document = nlohmann::json::parse(found->second, nullptr, false);
    if (document.is_object() && document.contains("sentence") && document["sentence"].is_string()) {
      return document["sentence"].get<std::string>();
    }
  }
  return "";
}

// Too few seeds say more than the list of criteria that they leave open.
std::string VerdictText(const Study& study) {
  std::string text;
  if (study.finding) text = "**Verdict: " + std::string(ToText(study.finding->verdict)) + ".** ";
  size_t seeds = study.finding ? 0 : study.Seeds();
  for (size_t i = 0; study.finding && i < study.finding->contrasts.size(); ++i)
    seeds = std::max(seeds, static_cast<size_t>(study.finding->contrasts[i].pairs));
  if (seeds < kSeedsForIntervals) {
    return text + Plural(seeds, "seed") +
           " an arm: **a direction, not a verdict.** Every run is shown; intervals and tests start "
           "at " +
           std::to_string(kSeedsForIntervals) + " seeds.";
  }
  if (!study.finding) return text;
  // The sentence begins with the verdict's word, which stands in front already.
  std::string sentence = study.finding->sentence;
  const std::string word = std::string(ToText(study.finding->verdict)) + ": ";
  if (sentence.rfind(word, 0) == 0) sentence.erase(0, word.size());
  if (!sentence.empty())
    sentence[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence[0])));
  return text + MarkdownEscape(sentence);
}

}  // namespace

void WriteClaim(const ReportData& data, const Study& study, ReportPage& page) {
  page.Heading(2, MarkdownEscape(StudyTitle(study)));
  if (!study.HasRuns()) {
    page.Paragraph("The store defines this experiment but holds none of its runs.");
    return;
  }
  if (!study.claim.empty()) page.Paragraph("> **Claim.** " + MarkdownEscape(study.claim));
  std::vector<std::string> notes = {VerdictText(study),
                                    MarkdownEscape(BudgetSentence(data, study))};
  if (study.left_out > 0) {
    notes.push_back(Plural(study.left_out, "stored run") +
                    " of this experiment at another size (steps, target ...) " +
                    (study.left_out == 1 ? "is" : "are") + " left out.");
  }
  std::erase(notes, "");
  if (!notes.empty()) page.Paragraph(Joined(notes, " "));
}

}  // namespace batchmark::report
