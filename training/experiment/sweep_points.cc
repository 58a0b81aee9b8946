// From the axes of a sweep to its points: grids, draws and Halton sequences. Same points on every machine.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/base/text.h"
#include "training/experiment/sweep_spec.h"

namespace batchmark {
namespace {

// Six significant digits: what the last bits of libm's exp and log say on another machine is cut off.
double Rounded(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, 5).ptr;
  double rounded = 0;
  std::from_chars(text, end, rounded);
  return rounded;
}

// u in [0, 1] to a value of the range; both ends are exact.
std::string RangeValue(const SweepAxis& axis, double u) {
  double value = axis.min + u * (axis.max - axis.min);
  if (axis.kind == SweepAxis::Kind::kLogUniform)
    value = std::exp(std::log(axis.min) + u * (std::log(axis.max) - std::log(axis.min)));
  value = u == 0.0 ? axis.min : u == 1.0 ? axis.max : axis.integer ? std::round(value) : Rounded(value);
  return NumberText(std::clamp(value, axis.min, axis.max));
}

std::vector<std::string> GridValues(const SweepAxis& axis) {
  if (axis.kind == SweepAxis::Kind::kValues) return axis.values;
  std::vector<std::string> values;
  for (int64_t i = 0; i < axis.count; ++i) {
    const double u = axis.count == 1 ? 0.0 : static_cast<double>(i) / static_cast<double>(axis.count - 1);
    const std::string value = RangeValue(axis, u);
    if (!values.empty() && values.back() == value)
      throw InputError(axis.where + ": " + axis.key + " has fewer than " + std::to_string(axis.count) +
                       " different values between min and max");
    values.push_back(value);
  }
  return values;
}

std::vector<Settings> Grid(const SweepSpec& sweep) {
  std::vector<Settings> points = {{}};
  for (const SweepAxis& axis : sweep.axes) {
    const std::vector<std::string> values = GridValues(axis);
    constexpr size_t kMostPoints = 1000000;  // a slip of the pen, not a plan
    if (points.size() * values.size() > kMostPoints)
      throw InputError(axis.where + ": the grid has more than a million runs");
    std::vector<Settings> longer;
    longer.reserve(points.size() * values.size());
    for (const Settings& point : points) {
      for (const std::string& value : values) {
        longer.push_back(point);
        longer.back().emplace_back(axis.key, value);
      }
    }
    points = std::move(longer);
  }
  return points;
}

// The digits of `index` in `base`, mirrored behind the point. Source: Halton 1960.
double RadicalInverse(uint64_t index, uint64_t base) {
  double value = 0, digit_value = 1.0 / static_cast<double>(base);
  for (; index > 0; index /= base, digit_value /= static_cast<double>(base))
    value += digit_value * static_cast<double>(index % base);
  return value;
}

// u in [0, 1) of one axis of one point. quasi: Halton in the axis' prime, turned by a draw of the sweep's
// seed (Cranley & Patterson 1976), so that another seed gives another, equally even, set.
double Coordinate(const SweepSpec& sweep, uint64_t point, size_t axis) {
  static constexpr std::array<uint64_t, 12> kPrimes = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
  if (sweep.method == SweepSpec::Method::kRandom) return Rng(sweep.seed, RngStream::kSweep, point).Uniform(axis);
  if (axis >= kPrimes.size()) throw InputError("a quasi sweep samples at most 12 keys; use method random");
  const double turned = RadicalInverse(point + 1, kPrimes[axis]) + Rng(sweep.seed, RngStream::kSweep).Uniform(axis);
  return turned - std::floor(turned);
}

std::string SampledValue(const SweepAxis& axis, double u) {
  if (axis.kind == SweepAxis::Kind::kValues)
    return axis.values[static_cast<size_t>(u * static_cast<double>(axis.values.size()))];
  if (axis.integer && axis.kind == SweepAxis::Kind::kUniform)  // each whole number equally often
    return NumberText(std::min(axis.max, axis.min + std::floor(u * (axis.max - axis.min + 1.0))));
  return RangeValue(axis, u);
}

std::vector<Settings> Sampled(const SweepSpec& sweep) {
  std::vector<std::string> seeds;  // empty: the default seed
  for (const SweepAxis& axis : sweep.axes)
    if (axis.key == "seed") seeds = axis.values;
  const auto crossed = std::max<uint64_t>(1, seeds.size());
  const uint64_t count = static_cast<uint64_t>(sweep.run_cap) / crossed;
  if (count == 0)
    throw InputError("run_cap " + std::to_string(sweep.run_cap) + " is less than the " + std::to_string(crossed) +
                     " seeds of one point");
  std::vector<Settings> points;
  for (uint64_t i = 0; i < count; ++i) {
    for (uint64_t s = 0; s < crossed; ++s) {
      Settings point;
      size_t free_axis = 0;  // fixed keys use up no coordinate
      for (const SweepAxis& axis : sweep.axes) {
        if (axis.key == "seed") {
          point.emplace_back(axis.key, seeds[s]);
        } else if (axis.kind == SweepAxis::Kind::kValues && axis.values.size() == 1) {
          point.emplace_back(axis.key, axis.values.front());
        } else {
          point.emplace_back(axis.key, SampledValue(axis, Coordinate(sweep, i, free_axis++)));
        }
      }
      points.push_back(std::move(point));
    }
  }
  return points;
}

}  // namespace

std::vector<Settings> EnumerateSweep(const SweepSpec& sweep) {
  if (sweep.method != SweepSpec::Method::kGrid) return Sampled(sweep);
  std::vector<Settings> points = Grid(sweep);
  if (sweep.run_cap > 0 && static_cast<size_t>(sweep.run_cap) < points.size())
    points.resize(static_cast<size_t>(sweep.run_cap));
  return points;
}

}  // namespace batchmark
