// Axis scales: values to pixels and back to labelled ticks. Linear, logarithmic, "accuracy", the
// logarithm of the error (so that 90 %, 99 % and 99.9 % stand equally far apart), and "signed", a
// logarithm to both sides of 0, linear within a hundredth of the range.
#pragma once

#include <string>
#include <vector>

namespace batchmark::report {

enum class ScaleKind { kLinear, kLog, kAccuracy, kSigned };

struct Tick {
  double value;
  std::string label;  // "" for a minor tick
};

class Scale {
 public:
  Scale() = default;
  // [low, high] in values, padded a little and cleaned (log needs > 0, equal ends are spread), onto
  // [from, to] in pixels.
  Scale(ScaleKind kind, double low, double high, double from, double to);

  double ToPixel(double value) const;  // finite for every input: infinities go to the ends
  bool CanShow(double value) const;    // finite, and positive on a log scale
  std::vector<Tick> Ticks(int wanted) const;
  double low() const { return low_; }
  double high() const { return high_; }

  // Smallest error the accuracy scale shows: one image of 20,000.
  static constexpr double kLeastError = 5e-5;

 private:
  double Transform(double value) const;

  ScaleKind kind_ = ScaleKind::kLinear;
  double low_ = 0, high_ = 1, from_ = 0, to_ = 1;
};

// Range of what can be shown; grows by Add. Empty until something was added.
struct Extent {
  double low = 0, high = 0;
  bool empty = true;
  void Add(double value);
};

}  // namespace batchmark::report
