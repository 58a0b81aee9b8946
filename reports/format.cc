// Numbers and short texts as a reader wants them, and the escapes of Markdown, XML and CSV.
#include "reports/format.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>

namespace batchmark::report {
namespace {

// A no-break space: a number and its unit stay on one line.
const char kSpace[] = "\u00a0";

std::string WithThousands(std::string digits) {
  const size_t start = !digits.empty() && digits[0] == '-' ? 1 : 0;
  const size_t dot = digits.find('.');
  for (size_t end = dot == std::string::npos ? digits.size() : dot; end > start + 3;) {
    end -= 3;
    digits.insert(end, ",");
  }
  return digits;
}

}  // namespace

std::string Fixed(double value, int decimals) {
  if (std::isnan(value)) return "–";
  if (std::isinf(value)) return value > 0 ? "∞" : "-∞";
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  std::string out = text;
  // "-0.00" says nothing that "0.00" does not.
  if (out[0] == '-' && out.find_first_not_of("-0.") == std::string::npos) out.erase(0, 1);
  return out;
}

std::string Significant(double value, int digits) {
  if (!std::isfinite(value)) return Fixed(value, 0);
  if (value == 0) return "0";
  // The rounded value decides the exponent: 9.996 has the digits of 10.0.
  char rounded[64];
  std::snprintf(rounded, sizeof rounded, "%.*e", digits - 1, value);
  const int exponent =
      std::atoi(std::string(rounded).substr(std::string(rounded).find('e') + 1).c_str());
  if (exponent < -4) return rounded;
  return WithThousands(Fixed(std::strtod(rounded, nullptr), std::max(0, digits - 1 - exponent)));
}

std::string Count(double value) { return WithThousands(Fixed(value, 0)); }

std::string Percent(double fraction, int decimals) {
  return Fixed(100 * fraction, decimals) + kSpace + "%";
}

std::string Ratio(double factor) {
  if (!std::isfinite(factor)) return Fixed(factor, 0) + "×";
  return (factor < 10    ? Significant(factor, 2)
          : factor < 100 ? Fixed(factor, 0)
                         : Significant(factor, 2)) +
         "×";
}

std::string Seconds(double seconds) {
  if (!std::isfinite(seconds)) return Fixed(seconds, 0);
  if (seconds < 100) return Significant(seconds, seconds < 10 ? 2 : 3) + kSpace + "s";
  const int64_t whole = std::llround(seconds);
  if (whole < 3600)
    return std::to_string(whole / 60) + kSpace + "min " + std::to_string(whole % 60) + kSpace + "s";
  return std::to_string(whole / 3600) + kSpace + "h " + std::to_string(whole % 3600 / 60) + kSpace +
         "min";
}

std::string Exact(double value) {
  if (std::isnan(value)) return "";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return std::string(text, end.ptr);
}

std::string ShortHash(const std::string& hash) { return hash.substr(0, 12); }

std::string MetricName(const std::string& metric) {
  static const std::map<std::string, std::string> names = {
      {"val_accuracy", "validation accuracy"},
      {"test_accuracy", "test accuracy"},
      {"train_loss", "training loss"},
      {"val_loss", "validation loss"},
      {"steps_to_target", "steps to the target"},
      {"time_to_target_s", "seconds to the target"},
      {"ms_per_step", "time of a step"},
      {"lr_ceiling", "learning-rate ceiling"},
      {"diverged_share", "runs that diverged"},
      {"reached_share", "runs that reached the target"},
      {"val_accuracy_batch_stats", "validation accuracy with batch statistics"},
      {"noise_mean", "noise of batch means"},
      {"noise_sd", "noise of batch deviations"},
      {"shift", "shift of variance"},
      {"preact_drift", "drift of pre-activations"},
      {"preact_train_drift", "drift of pre-activations in training"},
      {"state_bits", "bits of the final state"},
      {"landscape_loss_median", "range of the loss along the gradient"},
      {"landscape_gradient_median", "change of the gradient along it"},
      {"landscape_beta_median", "effective smoothness"},
  };
  const size_t at = metric.find('@');  // a reading: NAME@STEP, NAME@last
  if (at != std::string::npos) {
    const std::string step = metric.substr(at + 1);
    return MetricName(metric.substr(0, at)) +
           (step == "last" ? "" : " at step " + Count(std::atof(step.c_str())));
  }
  const auto found = names.find(metric);
  return found == names.end() ? metric : found->second;
}

std::string KeyName(const std::string& spec_key) {
  static const std::map<std::string, std::string> names = {
      {"lr", "learning rate"},
      {"batch", "batch size"},
      {"bn.placement", "BN placement"},
      {"bn.stats", "BN statistics"},
      {"bn.eval", "evaluation statistics"},
      {"net", "net"},
      {"init", "initial weights"},
      {"input", "input scaling"},
  };
  const auto found = names.find(spec_key);
  return found == names.end() ? spec_key : found->second;
}

bool IsAccuracy(const std::string& metric) { return metric.find("accuracy") != std::string::npos; }

std::string Plural(int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string Joined(const std::vector<std::string>& parts, const std::string& separator) {
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) out += (i ? separator : "") + parts[i];
  return out;
}

std::string MarkdownEscape(const std::string& text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '|':
      case '*':
      case '`':
      case '[':
      case ']':
      case '\\':
        out += '\\';
        out += c;
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '\n':
      case '\r':
      case '\t':
        out += ' ';
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string XmlEscape(const std::string& text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
  }
  return out;
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string FileStem(const std::string& text) {
  std::string out;
  for (char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (plain) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "runs" : out;
}

}  // namespace batchmark::report
