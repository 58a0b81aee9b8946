// Parsing of durations.
#include "training/commands/duration.h"

#include <optional>
#include <string_view>

#include "core/base/check.h"
#include "core/base/text.h"

namespace batchmark {

double ParseDuration(const std::string& text) {
  const auto refuse = [&] {
    return UsageError("\"" + text + "\" is no duration; write 90s, 30m, 2h or 1h30m");
  };
  double seconds = 0.0;
  std::string_view rest = text;
  for (bool first = true; first || !rest.empty(); first = false) {
    const size_t unit = rest.find_first_not_of("0123456789.");
    const std::optional<double> number = ParseNumber(rest.substr(0, unit));
    if (!number) throw refuse();
    if (unit == std::string_view::npos) {
      if (!first) throw refuse();  // "1h30"
      seconds = *number;
      break;
    }
    const char letter = rest[unit];
    if (letter != 's' && letter != 'm' && letter != 'h') throw refuse();
    seconds += *number * (letter == 's' ? 1.0 : letter == 'm' ? 60.0 : 3600.0);
    rest.remove_prefix(unit + 1);
  }
  if (!(seconds > 0.0)) throw refuse();
  return seconds;
}

}  // namespace batchmark
