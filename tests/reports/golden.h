// Golden files of this folder, and comparison by relative error. BATCHMARK_UPDATE_GOLDEN=1 writes
// those of CheckGolden anew.
#pragma once

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/test_folder.h"

namespace batchmark::test {

inline std::string GoldenPath(const std::string& name) {
  return std::string(BATCHMARK_SOURCE_DIR) + "/tests/reports/golden/" + name;
}

inline nlohmann::json GoldenJson(const std::string& name) {
  std::ifstream file(GoldenPath(name));
  return nlohmann::json::parse(file);
}

inline void CheckGolden(const std::string& name, const std::string& bytes) {
  const std::string path = GoldenPath(name);
  if (std::getenv("BATCHMARK_UPDATE_GOLDEN")) WriteText(path, bytes);
  INFO(path);
  CHECK(ReadText(path) == bytes);
}

// |actual - expected| relative to the larger of |expected| and a floor of 1e-300.
inline double RelativeError(double actual, double expected) {
  if (actual == expected) return 0.0;
  return std::fabs(actual - expected) / std::fmax(std::fabs(expected), 1e-300);
}

// For values around 1 and below: the smaller of absolute and relative error.
inline double Mismatch(double actual, double expected) {
  return std::fmin(std::fabs(actual - expected), RelativeError(actual, expected));
}

}  // namespace batchmark::test
