// The text forms of placement, bn.stats and bn.eval.
#include "training/net/norm_spec.h"

#include <optional>
#include <string_view>

#include "core/base/check.h"
#include "core/base/text.h"

namespace batchmark {
namespace {

// "ghost:16" -> ("ghost", "16"); no colon: an empty tail and has_tail = false.
struct Form {
  std::string_view head, tail;
  bool has_tail;
};

Form Split(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {text, {}, false};
  return {text.substr(0, colon), text.substr(colon + 1), true};
}

size_t ParseSamples(const std::string& text, std::string_view tail, int64_t low) {
  const std::optional<int64_t> samples = ParseInteger(tail);
  if (!samples || *samples < low)
    throw InputError("\"" + text + "\" needs a whole number of samples, at least " +
                     std::to_string(low) + ", after the colon");
  return static_cast<size_t>(*samples);
}

}  // namespace

Placement ParsePlacement(const std::string& text) {
  if (text == "none") return Placement::kNone;
  if (text == "pre") return Placement::kPre;
  if (text == "post") return Placement::kPost;
  throw InputError("\"" + text + "\" is none of none, pre or post");
}

NormStats ParseNormStats(const std::string& text) {
  const Form form = Split(text);
  NormStats stats;
  if (text == "batch") return stats;
  if (text == "population") {
    stats.kind = NormStats::Kind::kPopulation;
  } else if (form.head == "ghost" && form.has_tail) {
    stats.kind = NormStats::Kind::kGhost;
    stats.samples = ParseSamples(text, form.tail, 1);
  } else if (form.head == "wide" && form.has_tail) {
    stats.kind = NormStats::Kind::kWide;
    stats.samples = ParseSamples(text, form.tail, 2);
  } else if (form.head == "population+gauss" && form.has_tail) {
    stats.kind = NormStats::Kind::kPopulationGauss;
    stats.samples = ParseSamples(text, form.tail, 2);
  } else if (form.head == "renorm" && form.has_tail) {
    const size_t comma = form.tail.find(',');
    const auto r = ParseNumber(form.tail.substr(0, comma));
    const auto d = comma == std::string_view::npos ? std::optional<double>()
                                                   : ParseNumber(form.tail.substr(comma + 1));
    if (!r || !d || *r < 1.0 || *d < 0.0)
      throw InputError("\"" + text + "\" needs renorm:R,D with R >= 1 and D >= 0");
    stats.kind = NormStats::Kind::kRenorm;
    stats.r_max = *r;
    stats.d_max = *d;
  } else {
    throw InputError(
        "\"" + text +
        "\" is none of batch, ghost:K, wide:M, population, population+gauss:K or renorm:R,D");
  }
  return stats;
}

NormEval ParseNormEval(const std::string& text) {
  const Form form = Split(text);
  NormEval eval;
  if (form.head == "ema" && form.has_tail) {
    const std::optional<double> momentum = ParseNumber(form.tail);
    if (!momentum || *momentum < 0.0 || *momentum >= 1.0)
      throw InputError("\"" + text +
                       "\" needs the weight of the old value, in [0, 1), after the colon");
    eval.momentum = *momentum;
  } else if (text == "cumulative") {
    eval.kind = NormEval::Kind::kCumulative;
  } else if (text == "batch") {
    eval.kind = NormEval::Kind::kBatch;
  } else if (form.head == "precise" && form.has_tail) {
    eval.kind = NormEval::Kind::kPrecise;
    eval.samples = ParseSamples(text, form.tail, 2);
  } else {
    throw InputError("\"" + text + "\" is none of ema:m, cumulative, precise:K or batch");
  }
  return eval;
}

NormSchedule ParseNormSchedule(const std::string& text) {
  NormSchedule schedule;
  if (text.empty()) return schedule;
  const Form form = Split(text);
  double* const ends[] = {&schedule.begin, &schedule.r_end, &schedule.d_end};
  size_t given = 0;
  bool sound = form.head == "ramp" && form.has_tail;
  for (std::string_view rest = form.tail; sound; ++given) {
    const size_t comma = rest.find(',');
    const std::optional<double> share = ParseNumber(rest.substr(0, comma));
    sound = given < 3 && share && *share >= 0.0 && *share <= 1.0;
    if (sound) *ends[given] = *share;
    if (comma == std::string_view::npos) break;
    rest = rest.substr(comma + 1);
  }
  if (given == 1) schedule.d_end = schedule.r_end;
  if (!sound || given == 0 || schedule.r_end <= schedule.begin || schedule.d_end <= schedule.begin)
    throw InputError("\"" + text +
                     "\" needs ramp:A,B or ramp:A,B,C with shares of the run, A below B and C");
  schedule.ramp = true;
  return schedule;
}

std::string ToText(Placement placement) {
  switch (placement) {
    case Placement::kNone:
      return "none";
    case Placement::kPre:
      return "pre";
    case Placement::kPost:
      return "post";
  }
  BATCHMARK_CHECK(!"placement");
  return {};
}

std::string ToText(const NormStats& stats) {
  switch (stats.kind) {
    case NormStats::Kind::kBatch:
      return "batch";
    case NormStats::Kind::kGhost:
      return "ghost:" + std::to_string(stats.samples);
    case NormStats::Kind::kWide:
      return "wide:" + std::to_string(stats.samples);
    case NormStats::Kind::kPopulation:
      return "population";
    case NormStats::Kind::kPopulationGauss:
      return "population+gauss:" + std::to_string(stats.samples);
    case NormStats::Kind::kRenorm:
      return "renorm:" + NumberText(stats.r_max) + "," + NumberText(stats.d_max);
  }
  BATCHMARK_CHECK(!"bn.stats");
  return {};
}

std::string ToText(const NormSchedule& schedule) {
  if (!schedule.ramp) return "";
  std::string text = "ramp:" + NumberText(schedule.begin) + "," + NumberText(schedule.r_end);
  return schedule.d_end == schedule.r_end ? text : text + "," + NumberText(schedule.d_end);
}

std::string ToText(const NormEval& eval) {
  switch (eval.kind) {
    case NormEval::Kind::kEma:
      return "ema:" + NumberText(eval.momentum);
    case NormEval::Kind::kCumulative:
      return "cumulative";
    case NormEval::Kind::kPrecise:
      return "precise:" + std::to_string(eval.samples);
    case NormEval::Kind::kBatch:
      return "batch";
  }
  BATCHMARK_CHECK(!"bn.eval");
  return {};
}

}  // namespace batchmark
