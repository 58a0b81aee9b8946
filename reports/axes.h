// A study's arms seen along some of its factors: the series that remain when one or two axes are
// taken out.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "reports/study.h"

namespace batchmark::report {

// Arms that agree in every factor but the axes.
struct Series {
  std::string label;  // "BN, ghost:16"; "" if the axes are all there is
  std::string color;
  std::vector<const Arm*> arms;

  // The arm at this level of the axis (and of the second one); null if none.
  const Arm* At(const std::string& key, const std::string& level) const;
  const Arm* At(const std::string& key, const std::string& level, const std::string& key2,
                const std::string& level2) const;
};

// Null if the study has no such factor, or one with fewer levels.
const Factor* FindFactor(const Study& study, const std::string& key, size_t least_levels);
// In order of the arms; arms without runs are left out.
std::vector<Series> SeriesAlong(const Study& study, const std::vector<std::string>& axes);
double LevelNumber(const std::string& level);  // NaN if it is no number

}  // namespace batchmark::report
