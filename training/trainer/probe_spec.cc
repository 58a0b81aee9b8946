#include "training/trainer/probe_spec.h"

#include "core/base/check.h"
#include "core/base/text.h"

namespace batchmark {
namespace {

struct Word {
  const char* name;
  bool ProbeSpec::*field;
};

constexpr Word kWords[] = {{"preact", &ProbeSpec::preact},           {"preact_train", &ProbeSpec::preact_train},
                           {"activations", &ProbeSpec::activations}, {"gradients", &ProbeSpec::gradients},
                           {"noise", &ProbeSpec::noise},             {"landscape", &ProbeSpec::landscape},
                           {"batch_stats", &ProbeSpec::batch_stats}, {"state", &ProbeSpec::state}};

}  // namespace

ProbeSpec ParseProbeSpec(const std::string& text) {
  ProbeSpec spec;
  if (text == "none") return spec;
  std::vector<std::string> names;
  for (const Word& word : kWords) names.push_back(word.name);
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('+', begin), text.size());
    const std::string name = text.substr(begin, end - begin);
    bool known = false;
    for (const Word& word : kWords)
      if (name == word.name) spec.*word.field = known = true;
    if (!known)
      throw InputError("must be none, or some of " + OrList(names) + " joined by +, not \"" + name + "\"" +
                       NearestHint(name, names));
    begin = end + 1;
  }
  return spec;
}

std::string ToText(const ProbeSpec& spec) {
  std::string text;
  for (const Word& word : kWords)
    if (spec.*word.field) text += (text.empty() ? "" : "+") + std::string(word.name);
  return text.empty() ? "none" : text;
}

}  // namespace batchmark
