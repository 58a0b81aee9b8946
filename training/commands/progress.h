// Progress on stderr: one line that redraws itself on a terminal, else a plain line every few
// seconds. Plain also with CI or NO_COLOR set and with TERM=dumb.
#pragma once

#include <cstdint>
#include <string>

namespace batchmark {

class Progress {
 public:
  Progress();
  ~Progress();  // clears the bar

  // The run under way. `prefix` ("run 3/12, BN, lr 0.01, seed 1") may be empty.
  void StartRun(std::string prefix);
  // done of total steps of this run; cheap enough for every step. overall: share of all work done,
  // in [0, 1], for the time left; negative: this run is all.
  void Step(int64_t done, int64_t total, double overall = -1.0);
  void Note(std::string text) {
    note_ = std::move(text);
  }  // "val_accuracy 0.91", shown from now on
  // A line that stays, above the bar.
  void Line(const std::string& text);

 private:
  void Draw(int64_t done, int64_t total, double overall, double now);
  void Clear();

  bool bar_;
  bool drawn_ = false;
  double begin_s_, run_begin_s_, next_s_;
  double first_overall_ = -1.0;
  double last_overall_ = -1;
  std::string prefix_, note_;
};

// "0:07", "12:34", "1:02:03".
std::string Clock(double seconds);

}  // namespace batchmark
