// A study's arms seen along some of its factors.
#include "reports/axes.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "reports/format.h"
#include "reports/svg.h"

namespace batchmark::report {
namespace {

std::string LevelOf(const Arm& arm, const std::string& key) {
  const auto found = arm.levels.find(key);
  return found == arm.levels.end() ? "" : found->second;
}

// BN keeps its colour where placement is what tells series apart.
std::string SeriesColor(const std::vector<std::string>& keys, const Arm& arm, size_t index) {
  if (keys.size() == 1 && keys[0] == "bn.placement") {
    const std::string placement = LevelOf(arm, keys[0]);
    return CategoryColor(placement == "pre" ? 0 : placement == "none" ? 1 : 2);
  }
  return CategoryColor(index);
}

}  // namespace

const Arm* Series::At(const std::string& key, const std::string& level) const {
  for (const Arm* arm : arms) {
    if (LevelOf(*arm, key) == level) return arm;
  }
  return nullptr;
}

const Arm* Series::At(const std::string& key, const std::string& level, const std::string& key2,
                      const std::string& level2) const {
  for (const Arm* arm : arms) {
    if (LevelOf(*arm, key) == level && LevelOf(*arm, key2) == level2) return arm;
  }
  return nullptr;
}

const Factor* FindFactor(const Study& study, const std::string& key, size_t least_levels) {
  for (const Factor& factor : study.factors) {
    if (factor.key == key) return factor.levels.size() >= least_levels ? &factor : nullptr;
  }
  return nullptr;
}

std::vector<Series> SeriesAlong(const Study& study, const std::vector<std::string>& axes) {
  std::vector<std::string> keys;
  for (const Factor& factor : study.factors) {
    if (std::find(axes.begin(), axes.end(), factor.key) == axes.end()) keys.push_back(factor.key);
  }
  std::vector<Series> all;
  std::map<std::string, size_t> index;
  for (const Arm& arm : study.arms) {
    if (arm.runs.empty()) continue;
    std::vector<std::string> parts;
    for (const std::string& key : keys) parts.push_back(LevelLabel(key, LevelOf(arm, key)));
    const std::string label = Joined(parts, ", ");
    const auto [at, is_new] = index.emplace(label, all.size());
    if (is_new) all.push_back({label, SeriesColor(keys, arm, all.size()), {}});
    all[at->second].arms.push_back(&arm);
  }
  return all;
}

double LevelNumber(const std::string& level) {
  char* end = nullptr;
  const double value = std::strtod(level.c_str(), &end);
  return level.empty() || *end != '\0' ? std::nan("") : value;
}

}  // namespace batchmark::report
