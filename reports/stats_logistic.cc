#include "reports/stats_logistic.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"

namespace batchmark {
namespace {

// Everything about the two-parameter model at one (intercept, slope). Doses are centred and scaled
// beforehand.
struct State {
  double likelihood;      // penalized if asked for
  double score[2];        // likewise
  double information[3];  // xx: (1,1), (1,x), (x,x)
};

double Probability(double eta) { return 1.0 / (1.0 + std::exp(-eta)); }

State Evaluate(std::span<const DosePoint> points, double b0, double b1, bool penalized) {
  State state{0.0, {0.0, 0.0}, {0.0, 0.0, 0.0}};
  for (const DosePoint& point : points) {
    const double eta = b0 + b1 * point.dose;
    const double p = Probability(eta);
    const double w = p * (1.0 - p);
    // ln p = -ln(1 + e^-eta) without overflow.
    const double signed_eta = point.hit ? eta : -eta;
    state.likelihood += signed_eta > 0.0 ? -std::log1p(std::exp(-signed_eta))
                                         : signed_eta - std::log1p(std::exp(signed_eta));
    state.information[0] += w;
    state.information[1] += w * point.dose;
    state.information[2] += w * point.dose * point.dose;
  }
  const double det =
      state.information[0] * state.information[2] - state.information[1] * state.information[1];
  if (penalized) state.likelihood += 0.5 * std::log(det);
  for (const DosePoint& point : points) {
    const double p = Probability(b0 + b1 * point.dose);
    double residual = (point.hit ? 1.0 : 0.0) - p;
    if (penalized) {
      const double x = point.dose;
      const double leverage =
          p * (1.0 - p) *
          (state.information[2] - 2.0 * x * state.information[1] + x * x * state.information[0]) /
          det;
      residual += leverage * (0.5 - p);
    }
    state.score[0] += residual;
    state.score[1] += residual * point.dose;
  }
  return state;
}

std::optional<LogisticCurve> Maximize(std::span<const DosePoint> points, bool penalized) {
  double b0 = 0.0, b1 = 0.0;
  State state = Evaluate(points, b0, b1, penalized);
  for (int iteration = 0; iteration < 500; ++iteration) {
    const double* info = state.information;
    const double det = info[0] * info[2] - info[1] * info[1];
    if (!(det > 1e-280)) return std::nullopt;
    const double step0 = (info[2] * state.score[0] - info[1] * state.score[1]) / det;
    const double step1 = (info[0] * state.score[1] - info[1] * state.score[0]) / det;
    double scale = std::min(1.0, 5.0 / std::max(std::fabs(step0), std::fabs(step1)));
    State next = Evaluate(points, b0 + scale * step0, b1 + scale * step1, penalized);
    // `!(>=)` also turns back from a NaN.
    for (int halving = 0; halving < 40 && !(next.likelihood >= state.likelihood); ++halving) {
      scale *= 0.5;
      next = Evaluate(points, b0 + scale * step0, b1 + scale * step1, penalized);
    }
    if (!(next.likelihood >= state.likelihood))
      return LogisticCurve{b0, b1};  // at the top, to rounding
    b0 += scale * step0;
    b1 += scale * step1;
    state = next;
    if (std::fabs(b1) > 1e4 || std::fabs(b0) > 1e4) return std::nullopt;  // separated outcomes
    if (std::max(std::fabs(scale * step0), std::fabs(scale * step1)) <
        1e-13 * (1.0 + std::fabs(b0) + std::fabs(b1))) {
      return LogisticCurve{b0, b1};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<LogisticCurve> FitLogistic(std::span<const DosePoint> points, bool penalized) {
  std::vector<double> doses;
  size_t hits = 0;
  for (const DosePoint& point : points) {
    doses.push_back(point.dose);
    hits += point.hit;
  }
  RequireFinite(doses, "logistic fit");
  if (hits == 0 || hits == points.size()) return std::nullopt;
  const auto [least, most] = std::minmax_element(doses.begin(), doses.end());
  if (*least == *most) return std::nullopt;
  // Centre and scale, so that Newton's steps do not depend on the unit of the dose.
  const double centre = Mean(doses), scale = *most - *least;
  std::vector<DosePoint> scaled(points.begin(), points.end());
  for (DosePoint& point : scaled) point.dose = (point.dose - centre) / scale;
  const auto fit = Maximize(scaled, penalized);
  if (!fit) return std::nullopt;
  const double slope = fit->slope / scale;
  return LogisticCurve{fit->intercept - slope * centre, slope};
}

std::optional<HalfPoint> HalfDose(std::span<const DosePoint> points) {
  if (points.empty()) return std::nullopt;
  std::vector<double> doses;
  for (const DosePoint& point : points) doses.push_back(point.dose);
  RequireFinite(doses, "half dose");
  const auto [least, most] = std::minmax_element(doses.begin(), doses.end());
  const auto hits =
      std::count_if(points.begin(), points.end(), [](const DosePoint& p) { return p.hit; });
  if (hits == 0) return HalfPoint{*most, HalfPoint::Bound::kLower};
  if (hits == static_cast<std::ptrdiff_t>(points.size()))
    return HalfPoint{*least, HalfPoint::Bound::kUpper};
  const auto curve = FitLogistic(points);
  if (!curve || curve->slope <= 0.0) return std::nullopt;
  return HalfPoint{std::clamp(-curve->intercept / curve->slope, *least, *most)};
}

std::optional<Ceiling> FitCeiling(std::span<const std::vector<DosePoint>> by_seed,
                                  const BootstrapOptions& options) {
  std::vector<DosePoint> all;
  for (const auto& seed : by_seed) all.insert(all.end(), seed.begin(), seed.end());
  const auto half = HalfDose(all);
  if (!half) return std::nullopt;
  Ceiling ceiling{*half, std::nullopt};
  if (half->bound != HalfPoint::Bound::kNone) return ceiling;  // a bound has no interval
  std::vector<DosePoint> drawn_points;
  ceiling.interval = BcaInterval(
      by_seed.size(),
      [&](std::span<const uint32_t> drawn) {
        drawn_points.clear();
        for (const uint32_t i : drawn)
          drawn_points.insert(drawn_points.end(), by_seed[i].begin(), by_seed[i].end());
        const auto resampled = HalfDose(drawn_points);
        return resampled ? resampled->dose
                         : half->dose;  // no rise in this resample: nothing to say
      },
      options);
  return ceiling;
}

}  // namespace batchmark
