// Learning-rate schedules: parsing and values.
#include "training/trainer/lr_schedule.h"

#include <optional>
#include <string_view>

#include "core/base/check.h"
#include "core/base/text.h"

namespace batchmark {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Taylor series on [0, pi/4], where the first left-out term is below 1e-17.
double Series(double first, double x2, int from) {
  double term = first, sum = first;
  for (int k = from; k < from + 16; k += 2) {
    term *= -x2 / (k * (k + 1.0));
    sum += term;
  }
  return sum;
}

// cos(pi * x) for x in [0, 1], by symmetry onto [0, 1/4].
double CosPi(double x) {
  if (x > 0.5) return -CosPi(1.0 - x);
  if (x > 0.25) {
    const double angle = kPi * (0.5 - x);
    return Series(angle, angle * angle, 2);  // the sine of the complement
  }
  const double angle = kPi * x;
  return Series(1.0, angle * angle, 1);
}

LrSchedule::Drop ParseDrop(const std::string& text, std::string_view part) {
  const size_t at = part.find('@');
  if (at != std::string_view::npos) {
    const auto factor = ParseNumber(part.substr(0, at));
    const auto step = ParseInteger(part.substr(at + 1));
    if (factor && step && *factor > 0.0 && *step > 0) return {*factor, *step};
  }
  throw InputError("\"" + text +
                   "\" needs FACTOR@STEP after \"step:\", separated by commas (step:0.1@1000)");
}

LrSchedule ParseSteps(const std::string& text, std::string_view rest) {
  LrSchedule schedule{LrSchedule::Kind::kStep, 0.0, {}};
  for (bool more = true; more;) {
    const size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    schedule.drops.push_back(ParseDrop(text, rest.substr(0, comma)));
    if (more) rest.remove_prefix(comma + 1);
    const size_t n = schedule.drops.size();
    if (n > 1 && schedule.drops[n - 1].step <= schedule.drops[n - 2].step)
      throw InputError("\"" + text + "\" names its steps out of order");
  }
  return schedule;
}

}  // namespace

LrSchedule ParseLrSchedule(const std::string& text) {
  constexpr std::string_view kLinear = "linear:", kStep = "step:";
  const std::string_view view = text;
  if (text == "constant") return {};
  if (text == "cosine") return {LrSchedule::Kind::kCosine, 0.0, {}};
  if (view.starts_with(kStep)) return ParseSteps(text, view.substr(kStep.size()));
  if (view.starts_with(kLinear)) {
    const auto factor = ParseNumber(view.substr(kLinear.size()));
    if (factor && *factor >= 0.0) return {LrSchedule::Kind::kLinear, *factor, {}};
    throw InputError("\"" + text + "\" needs a factor of at least 0 after \"linear:\"");
  }
  throw InputError("\"" + text + "\" is none of constant, cosine, linear:F or step:F@S,...");
}

std::string ToText(const LrSchedule& schedule) {
  switch (schedule.kind) {
    case LrSchedule::Kind::kConstant:
      return "constant";
    case LrSchedule::Kind::kCosine:
      return "cosine";
    case LrSchedule::Kind::kLinear:
      return "linear:" + NumberText(schedule.final_factor);
    case LrSchedule::Kind::kStep:
      break;
  }
  std::string text = "step:";
  for (const LrSchedule::Drop& drop : schedule.drops)
    text +=
        (text.back() == ':' ? "" : ",") + NumberText(drop.factor) + "@" + std::to_string(drop.step);
  return text;
}

double LearningRate(const LrSchedule& schedule, double lr, int64_t step, int64_t total_steps) {
  BATCHMARK_CHECK(step >= 0 && step < total_steps);
  switch (schedule.kind) {
    case LrSchedule::Kind::kConstant:
      return lr;
    case LrSchedule::Kind::kCosine:
      return lr * 0.5 * (1.0 + CosPi(static_cast<double>(step) / static_cast<double>(total_steps)));
    case LrSchedule::Kind::kLinear: {
      if (total_steps == 1) return lr;
      const double share = static_cast<double>(step) / static_cast<double>(total_steps - 1);
      return lr * (1.0 + share * (schedule.final_factor - 1.0));
    }
    case LrSchedule::Kind::kStep:
      break;
  }
  double factor = 1.0;
  for (const LrSchedule::Drop& drop : schedule.drops)
    if (step >= drop.step) factor = drop.factor;
  return lr * factor;
}

}  // namespace batchmark
