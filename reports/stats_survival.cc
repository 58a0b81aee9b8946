#include "reports/stats_survival.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "core/base/check.h"
#include "reports/stats_distributions.h"

namespace batchmark {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

// A diverged run leaves the risk set at infinity.
double TimeAtRisk(const Arrival& arrival) {
  return arrival.kind == Arrival::Kind::kDiverged ? kNever : arrival.time;
}

bool IsEvent(const Arrival& arrival) { return arrival.kind == Arrival::Kind::kEvent; }

void RequireTimes(std::span<const Arrival> arrivals) {
  for (const Arrival& arrival : arrivals) {
    if (!std::isfinite(arrival.time) || arrival.time < 0.0) {
      throw InputError("survival: a time is negative or not finite");
    }
  }
}

int CountAtRisk(std::span<const Arrival> arrivals, double time) {
  return static_cast<int>(std::count_if(arrivals.begin(), arrivals.end(),
                                        [&](const Arrival& a) { return TimeAtRisk(a) >= time; }));
}

int CountEvents(std::span<const Arrival> arrivals, double time) {
  return static_cast<int>(std::count_if(arrivals.begin(), arrivals.end(), [&](const Arrival& a) {
    return IsEvent(a) && a.time == time;
  }));
}

// Source: Kalbfleisch & Prentice: S^exp(+-z sd), sd^2 = variance / (S ln S)^2.
Interval LogLogInterval(double survival, double variance) {
  if (survival <= 0.0 || survival >= 1.0) return {survival, survival};
  const double spread =
      NormalQuantile(0.975) * std::sqrt(variance) / (survival * std::fabs(std::log(survival)));
  return {std::pow(survival, std::exp(spread)), std::pow(survival, std::exp(-spread))};
}

}  // namespace

std::vector<SurvivalPoint> KaplanMeier(std::span<const Arrival> arrivals) {
  RequireTimes(arrivals);
  std::map<double, std::pair<int, int>> changes;  // time -> events, censored
  for (const Arrival& arrival : arrivals) {
    if (arrival.kind == Arrival::Kind::kDiverged) continue;
    auto& [events, censored] = changes[arrival.time];
    ++(IsEvent(arrival) ? events : censored);
  }
  std::vector<SurvivalPoint> curve;
  int at_risk = static_cast<int>(arrivals.size());
  double survival = 1.0;
  double greenwood = 0.0;
  for (const auto& [time, change] : changes) {
    const auto [events, censored] = change;
    survival *= 1.0 - static_cast<double>(events) / at_risk;
    if (events < at_risk) greenwood += events / (static_cast<double>(at_risk) * (at_risk - events));
    const double variance = survival * survival * greenwood;
    curve.push_back(
        {time, at_risk, events, censored, survival, variance, LogLogInterval(survival, variance)});
    at_risk -= events + censored;
  }
  return curve;
}

std::optional<double> TimeToShare(std::span<const SurvivalPoint> curve, double share) {
  BATCHMARK_CHECK(share > 0.0 && share <= 1.0);
  for (const SurvivalPoint& point : curve) {
    // Products of fractions such as 3/4 * 2/3 miss 1/2 by an ulp.
    if (point.survival <= 1.0 - share + 1e-12) return point.time;
  }
  return std::nullopt;
}

std::optional<RestrictedMean> RestrictedMeanTime(std::span<const Arrival> arrivals, double tau) {
  BATCHMARK_CHECK_MSG(std::isfinite(tau) && tau > 0.0, "tau=" + std::to_string(tau));
  if (arrivals.empty()) return std::nullopt;
  const std::vector<SurvivalPoint> curve = KaplanMeier(arrivals);
  double known_to = 0.0;
  for (const Arrival& arrival : arrivals) known_to = std::max(known_to, TimeAtRisk(arrival));
  const bool all_arrived = !curve.empty() && curve.back().survival == 0.0;
  if (known_to < tau && !all_arrived) return std::nullopt;

  // From the right: `area` is the integral of S from the current time to tau.
  double area = 0.0, variance = 0.0, right = tau;
  for (size_t i = curve.size(); i-- > 0;) {
    const SurvivalPoint& point = curve[i];
    if (point.time >= tau) continue;
    area += point.survival * (right - point.time);
    right = point.time;
    if (point.events < point.at_risk) {
      variance += area * area * point.events /
                  (static_cast<double>(point.at_risk) * (point.at_risk - point.events));
    }
  }
  return RestrictedMean{area + right, variance};
}

TestResult LogRank(std::span<const SurvivalStratum> strata) {
  double difference = 0.0, variance = 0.0;
  TestResult result;
  for (const SurvivalStratum& stratum : strata) {
    RequireTimes(stratum.a);
    RequireTimes(stratum.b);
    std::vector<double> times;
    for (const auto* arm : {&stratum.a, &stratum.b}) {
      for (const Arrival& arrival : *arm) {
        if (IsEvent(arrival)) times.push_back(arrival.time);
      }
    }
    result.n += static_cast<int>(times.size());
    std::sort(times.begin(), times.end());
    times.erase(std::unique(times.begin(), times.end()), times.end());
    for (const double time : times) {
      const double n_a = CountAtRisk(stratum.a, time), n_b = CountAtRisk(stratum.b, time);
      const double d_a = CountEvents(stratum.a, time), d = d_a + CountEvents(stratum.b, time);
      const double n = n_a + n_b;
      difference += d_a - d * n_a / n;
      if (n > 1.0) variance += d * (n_a / n) * (n_b / n) * (n - d) / (n - 1.0);
    }
  }
  if (variance <= 0.0) return result;
  result.statistic = difference / std::sqrt(variance);
  result.p = ChiSquared1Sf(result.statistic * result.statistic);
  return result;
}

TestResult LogRank(std::span<const Arrival> a, std::span<const Arrival> b) {
  const SurvivalStratum stratum{{a.begin(), a.end()}, {b.begin(), b.end()}};
  return LogRank(std::span(&stratum, 1));
}

FirstArrivals CountFirstArrivals(std::span<const Arrival> a, std::span<const Arrival> b) {
  BATCHMARK_CHECK_MSG(a.size() == b.size(),
                      std::to_string(a.size()) + " and " + std::to_string(b.size()));
  RequireTimes(a);
  RequireTimes(b);
  FirstArrivals counts;
  for (size_t i = 0; i < a.size(); ++i) {
    const bool a_arrived = IsEvent(a[i]), b_arrived = IsEvent(b[i]);
    if (a_arrived && b_arrived) {
      ++(a[i].time < b[i].time   ? counts.first_a
         : b[i].time < a[i].time ? counts.first_b
                                 : counts.ties);
    } else if (a_arrived && TimeAtRisk(b[i]) >= a[i].time) {
      ++counts.first_a;
    } else if (b_arrived && TimeAtRisk(a[i]) >= b[i].time) {
      ++counts.first_b;
    } else {
      ++counts.undecided;
    }
  }
  return counts;
}

}  // namespace batchmark
