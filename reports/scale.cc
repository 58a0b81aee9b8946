// Axis scales: values to pixels and back to labelled ticks.
#include "reports/scale.h"

#include <algorithm>
#include <cmath>

#include "reports/format.h"

namespace batchmark::report {
namespace {

// The step 1, 2 or 5 times a power of ten that gives about `wanted` ticks.
double NiceStep(double span, int wanted) {
  const double raw = span / std::max(1, wanted);
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * 0.999) return factor * power;
  }
  return 10 * power;
}

std::string TickLabel(double value, double step) {
  if (value != 0 && (std::abs(value) < 1e-4 || std::abs(value) >= 1e7))
    return Significant(value, 2);
  const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 6);
  return decimals == 0 ? Count(value) : Fixed(value, decimals);
}

std::string LogLabel(double value) {
  if (value < 1e-4 || value >= 1e7) {
    const int exponent = static_cast<int>(std::floor(std::log10(value) + 1e-9));
    const double mantissa = value / std::pow(10.0, exponent);
    return (mantissa < 1.5 ? "" : Fixed(mantissa, 0) + "·") + "1e" + std::to_string(exponent);
  }
  return TickLabel(value, value < 1 ? std::pow(10.0, std::floor(std::log10(value) + 1e-9)) : 1);
}

std::vector<Tick> LinearTicks(double low, double high, int wanted) {
  const double step = NiceStep(high - low, wanted);
  std::vector<Tick> ticks;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k) {
    ticks.push_back({k * step, TickLabel(k * step, step)});
  }
  return ticks;
}

// 1-2-5 labels where they fit, else decades (every second or third one on long axes); the rest are
// minor.
std::vector<Tick> LogTicks(double low, double high, int wanted) {
  const double decades = std::log10(high / low);
  if (decades < 0.7) {
    return LinearTicks(low, high, wanted);
  }
  const bool fine = decades * 3 <= wanted * 1.3;
  const int every = std::max(1, static_cast<int>(std::ceil(decades / (wanted + 1))));
  std::vector<Tick> ticks;
  for (int e = static_cast<int>(std::floor(std::log10(low))); e <= std::log10(high) + 1e-9; ++e) {
    for (int m = 1; m < 10; ++m) {
      const double value = m * std::pow(10.0, e);
      if (value < low * (1 - 1e-9) || value > high * (1 + 1e-9)) continue;
      const bool labelled = m == 1 ? e % every == 0 : fine && (m == 2 || m == 5);
      if (labelled || every == 1) ticks.push_back({value, labelled ? LogLabel(value) : ""});
    }
  }
  return ticks;
}

std::vector<Tick> AccuracyTicks(double low, double high, int wanted) {
  std::vector<Tick> ticks;
  for (double a : {0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999}) {
    if (a >= low - 1e-9 && a <= high + 1e-9)
      ticks.push_back({a, Fixed(100 * a, a > 0.9995 ? 2 : a > 0.99 ? 1 : 0) + " %"});
  }
  // A short stretch of the axis holds too few of them: even ticks say more.
  if (ticks.size() >= 3) return ticks;
  ticks = LinearTicks(low, high, wanted);
  const double step = NiceStep(high - low, wanted);
  for (Tick& tick : ticks)
    tick.label = Fixed(100 * tick.value, step < 0.001 ? 2 : step < 0.01 ? 1 : 0) + " %";
  return ticks;
}

// Below this a signed scale is linear.
double SignedUnit(double low, double high) {
  return 0.01 * std::max(std::abs(low), std::abs(high));
}

std::vector<Tick> SignedTicks(double low, double high, int wanted) {
  const double unit = SignedUnit(low, high);
  std::vector<Tick> ticks;
  if (low <= 0 && high >= 0) ticks.push_back({0, "0"});
  const bool both = low < -unit && high > unit;
  for (int e = static_cast<int>(std::ceil(std::log10(unit))); e <= std::log10(100 * unit); ++e) {
    for (const int m : {1, 3}) {
      if (m != 1 && (both || wanted < 5)) continue;
      for (const double value : {-m * std::pow(10.0, e), m * std::pow(10.0, e)}) {
        if (value < low || value > high) continue;
        ticks.push_back({value, (value < 0 ? "-" : "") + LogLabel(std::abs(value))});
      }
    }
  }
  std::sort(ticks.begin(), ticks.end(),
            [](const Tick& a, const Tick& b) { return a.value < b.value; });
  return ticks;
}

}  // namespace

void Extent::Add(double value) {
  if (!std::isfinite(value)) return;
  low = empty ? value : std::min(low, value);
  high = empty ? value : std::max(high, value);
  empty = false;
}

Scale::Scale(ScaleKind kind, double low, double high, double from, double to)
    : kind_(kind), low_(low), high_(high), from_(from), to_(to) {
  if (kind == ScaleKind::kLog) {
    high_ = high_ > 0 ? high_ : 1;
    low_ = low_ > 0 ? std::min(low_, high_) : high_ / 1000;
    if (high_ / low_ < 1.02) low_ /= 1.3, high_ *= 1.3;
  } else if (kind == ScaleKind::kAccuracy) {
    low_ = std::clamp(low_, 0.0, 1 - kLeastError);
    high_ = std::clamp(high_, low_, 1 - kLeastError);
    if (Transform(high_) - Transform(low_) < 0.02) {
      low_ = std::max(0.0, low_ - 0.05);
      high_ = std::min(1 - kLeastError, high_ + 0.05);
    }
  } else if (high_ - low_ < 1e-12 * std::max(1.0, std::abs(high_))) {
    const double spread = high_ == 0 ? 1 : 0.1 * std::abs(high_);
    low_ -= spread, high_ += spread;
  }
}

double Scale::Transform(double value) const {
  switch (kind_) {
    case ScaleKind::kLog:
      return std::log10(value);
    case ScaleKind::kAccuracy:
      return -std::log10(std::max(1 - value, kLeastError));
    case ScaleKind::kSigned:
      return std::copysign(std::log10(1 + std::abs(value) / SignedUnit(low_, high_)), value);
    case ScaleKind::kLinear:
      break;
  }
  return value;
}

bool Scale::CanShow(double value) const {
  return std::isfinite(value) && (kind_ != ScaleKind::kLog || value > 0);
}

double Scale::ToPixel(double value) const {
  if (std::isnan(value)) return from_;
  if (kind_ == ScaleKind::kLog && value <= 0) return from_;
  if (std::isinf(value)) return value > 0 ? to_ : from_;
  const double a = Transform(low_), b = Transform(high_);
  const double t = (Transform(value) - a) / (b - a);
  // Far outside values stay near the frame: huge coordinates upset renderers.
  return from_ + std::clamp(t, -2.0, 3.0) * (to_ - from_);
}

std::vector<Tick> Scale::Ticks(int wanted) const {
  switch (kind_) {
    case ScaleKind::kLog:
      return LogTicks(low_, high_, wanted);
    case ScaleKind::kAccuracy:
      return AccuracyTicks(low_, high_, wanted);
    case ScaleKind::kSigned:
      return SignedTicks(low_, high_, wanted);
    case ScaleKind::kLinear:
      break;
  }
  return LinearTicks(low_, high_, wanted);
}

}  // namespace batchmark::report
