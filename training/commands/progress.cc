// Drawing at most ten times a second, so that the clock read is all that a step pays.
#include "training/commands/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/base/cpu.h"

namespace batchmark {
namespace {

constexpr double kRedraw_s = 0.1, kPlain_s = 5.0;

bool IsSet(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool WantsBar() {
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::strcmp(term, "dumb") == 0;
  return isatty(STDERR_FILENO) && !dumb && !IsSet("CI") && !IsSet("NO_COLOR");
}

size_t Columns() {
  struct winsize size {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 80;
}

std::string Rate(double per_s) {
  char text[32];
  std::snprintf(text, sizeof text, per_s < 10 ? "%.2f steps/s" : "%.0f steps/s", per_s);
  return text;
}

}  // namespace

std::string Clock(double seconds) {
  const auto total = static_cast<int64_t>(std::max(0.0, seconds) + 0.5);
  char text[32];
  if (total >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", static_cast<long>(total / 3600),
                  static_cast<long>(total / 60 % 60), static_cast<long>(total % 60));
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", static_cast<long>(total / 60),
                  static_cast<long>(total % 60));
  }
  return text;
}

Progress::Progress()
    : bar_(WantsBar()), begin_s_(NowSeconds()), run_begin_s_(begin_s_), next_s_(begin_s_) {
  if (!bar_) next_s_ += kPlain_s;
}

Progress::~Progress() { Clear(); }

void Progress::StartRun(std::string prefix) {
  prefix_ = std::move(prefix);
  note_.clear();
  run_begin_s_ = NowSeconds();
}

void Progress::Step(int64_t done, int64_t total, double overall) {
  const double now = NowSeconds();
  // The first step, or that of another round of runs (a bracket's bisections follow its grid).
  if (overall >= 0 && (first_overall_ < 0 || overall < last_overall_)) {
    first_overall_ = overall;
    begin_s_ = now;
  }
  last_overall_ = overall;
  if (now < next_s_) return;
  next_s_ = now + (bar_ ? kRedraw_s : kPlain_s);
  Draw(done, total, overall, now);
}

void Progress::Draw(int64_t done, int64_t total, double overall, double now) {
  const double rate = static_cast<double>(done) / std::max(1e-9, now - run_begin_s_);
  double left_s = static_cast<double>(total - done) / std::max(1e-9, rate);
  // Of many runs, those finished here tell the pace; those found in the store took no time.
  if (overall > first_overall_)
    left_s = (now - begin_s_) * (1.0 - overall) / std::max(1e-9, overall - first_overall_);
  std::string text = (prefix_.empty() ? "" : prefix_ + ": ") + "step " + std::to_string(done) +
                     "/" + std::to_string(total) + ", " + Rate(rate) + ", ETA " + Clock(left_s) +
                     (note_.empty() ? "" : ", " + note_);
  if (!bar_) {
    std::fprintf(stderr, "batchmark: %s\n", text.c_str());
    return;
  }
  constexpr int kCells = 20;
  const double share =
      overall >= 0 ? overall : static_cast<double>(done) / static_cast<double>(total);
  const int full = std::clamp(static_cast<int>(share * kCells + 0.5), 0, kCells);
  text = "[" + std::string(full, '#') + std::string(kCells - full, '.') + "] " + text;
  text.resize(std::min(text.size(), Columns() - 1));
  std::fprintf(stderr, "\r%s\033[K", text.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::Clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

void Progress::Line(const std::string& text) {
  Clear();
  std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace batchmark
