// How arms are named and drawn: labels, colours, dashes, the order of levels.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "reports/format.h"
#include "reports/study_parts.h"
#include "reports/svg.h"

namespace batchmark::report {
namespace {

size_t LevelIndex(const Factor& factor, const Arm& arm) {
  const auto level = arm.levels.find(factor.key);
  if (level == arm.levels.end()) return 0;
  const auto at = std::find(factor.levels.begin(), factor.levels.end(), level->second);
  return at == factor.levels.end() ? 0 : static_cast<size_t>(at - factor.levels.begin());
}

bool IsNumeric(const Factor& factor) {
  double ignored = 0;
  return std::all_of(factor.levels.begin(), factor.levels.end(),
                     [&](const std::string& level) { return ParseNumber(level, &ignored); });
}

std::string Lightened(const std::string& color, double amount) {
  std::string out = "#";
  for (size_t i = 1; i < 7; i += 2) {
    const int channel = static_cast<int>(std::strtol(color.substr(i, 2).c_str(), nullptr, 16));
    char text[3];
    std::snprintf(text, sizeof text, "%02x",
                  static_cast<unsigned>(std::lround(channel + amount * (255 - channel))) & 255u);
    out += text;
  }
  return out;
}

std::string LevelColor(const Factor& factor, size_t index) {
  // BN keeps its colour in every report.
  static const std::map<std::string, size_t> placements = {{"pre", 0}, {"none", 1}, {"post", 2}};
  if (factor.key == "bn.placement" && index < factor.levels.size()) {
    const auto fixed = placements.find(factor.levels[index]);
    if (fixed != placements.end()) return CategoryColor(fixed->second);
  }
  if (IsNumeric(factor) && factor.levels.size() > 2) {
    return SequenceColor(0.85 * static_cast<double>(index) /
                         static_cast<double>(factor.levels.size() - 1));
  }
  return CategoryColor(index);
}

// "3 × dense:128 relu" of "flatten, dense:128 relu, dense:128 relu, dense:128 relu, dense:10".
std::string NetLabel(const std::string& net) {
  std::vector<std::pair<std::string, size_t>> layers;
  for (size_t from = 0; from < net.size();) {
    const size_t comma = std::min(net.find(", ", from), net.size());
    const std::string layer = net.substr(from, comma - from);
    if (!layers.empty() && layers.back().first == layer) {
      ++layers.back().second;
    } else {
      layers.emplace_back(layer, 1);
    }
    from = comma + 2;
  }
  if (layers.size() > 2 && layers.front().first == "flatten") layers.erase(layers.begin());
  if (layers.size() > 1 && layers.back().first == "dense:10") layers.pop_back();
  std::vector<std::string> parts;
  for (const auto& [layer, count] : layers)
    parts.push_back((count > 1 ? std::to_string(count) + " × " : "") + layer);
  return Joined(parts, ", ");
}

}  // namespace

bool ParseNumber(const std::string& text, double* value) {
  char* end = nullptr;
  *value = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0' && !std::isnan(*value);
}

bool LevelLess(const std::string& a, const std::string& b) {
  if ((a == "none") != (b == "none")) return a == "none";
  double x = 0, y = 0;
  const bool a_number = ParseNumber(a, &x), b_number = ParseNumber(b, &y);
  if (a_number != b_number) return a_number;
  if (a_number && x != y) return x < y;
  return a < b;
}

void FillLevels(Study& study) {
  for (Factor& factor : study.factors) {
    std::set<std::string> seen;
    for (Arm& arm : study.arms) {
      auto level = arm.levels.find(factor.key);
      if (level == arm.levels.end() && !arm.runs.empty()) {
        level = arm.levels.emplace(factor.key, SpecValue(*arm.runs[0], factor.key)).first;
      }
      if (level != arm.levels.end()) seen.insert(level->second);
    }
    factor.levels.assign(seen.begin(), seen.end());
    std::sort(factor.levels.begin(), factor.levels.end(), LevelLess);
  }
}

// Hue by the first factor; with a second one dash and lightness. More factors, or none that the
// definition names: a colour an arm.
void AssignStyles(Study& study) {
  static const char* const dashes[] = {"", "7 5", "2 4", "10 4 2 4"};
  const std::vector<Factor>& factors = study.factors;
  for (size_t i = 0; i < study.arms.size(); ++i) {
    Arm& arm = study.arms[i];
    const bool by_factor = study.factors_declared || factors.size() == 1;
    if (by_factor && (factors.size() == 1 || factors.size() == 2)) {
      arm.color = LevelColor(factors[0], LevelIndex(factors[0], arm));
    } else {
      arm.color = CategoryColor(i);
    }
    if (!by_factor || factors.size() != 2) continue;
    const Factor& second = factors[1];
    const size_t from_top = second.levels.size() - 1 - LevelIndex(second, arm);
    arm.dash = dashes[std::min<size_t>(from_top, 3)];
    arm.color = Lightened(
        arm.color,
        second.levels.size() < 2 ? 0 : 0.3 * static_cast<double>(std::min<size_t>(from_top, 2)));
  }
}

// Of a named experiment the definition's words; else levels, unless two arms would share them.
void AssignLabels(Study& study) {
  std::map<std::string, int> uses;
  for (Arm& arm : study.arms) {
    std::vector<std::string> parts;
    for (const Factor& factor : study.factors) {
      const auto level = arm.levels.find(factor.key);
      if (level != arm.levels.end()) parts.push_back(LevelLabel(factor.key, level->second));
    }
    const bool named = !study.claim.empty() && !arm.name.empty();
    arm.label = named || parts.empty() ? arm.name : Joined(parts, ", ");
    ++uses[arm.label];
  }
  for (Arm& arm : study.arms) {
    if (uses[arm.label] > 1 || arm.label.empty())
      arm.label = arm.name.empty() ? "all runs" : arm.name;
  }
}

std::string LevelLabel(const std::string& key, const std::string& value) {
  if (key == "bn.placement") {
    return value == "none"   ? "no BN"
           : value == "pre"  ? "BN"
           : value == "post" ? "BN after act."
                             : "BN " + value;
  }
  if (key == "lr" || key == "batch") return key + " " + value;
  if (key == "net") return NetLabel(value);
  if (key == "bn.stats" || key == "input" || key == "compute") return value;
  return key + " " + value;
}

}  // namespace batchmark::report
