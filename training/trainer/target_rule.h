// Steps to target: the first evaluation at which the metric meets the target and stays met for `confirm`
// further evaluations. A crossing that is not confirmed before the run ends is censored.
#pragma once

#include <cstdint>
#include <optional>

namespace batchmark {

class TargetRule {
 public:
  // larger_is_better: accuracies; false: losses.
  TargetRule(double target, int confirm, bool larger_is_better)
      : target_(target), confirm_(confirm), larger_(larger_is_better) {}

  // One evaluation, in order of steps. Returns true when the target has been confirmed (now or before).
  bool Observe(int64_t step, double train_s, double metric) {
    if (confirmed_) return true;
    const bool met = larger_ ? metric >= target_ : metric <= target_;  // NaN meets nothing
    if (!met) {
      met_in_a_row_ = 0;
      return false;
    }
    if (met_in_a_row_++ == 0) first_step_ = step, first_train_s_ = train_s;
    confirmed_ = met_in_a_row_ > confirm_;
    return confirmed_;
  }

  bool confirmed() const { return confirmed_; }
  std::optional<int64_t> steps() const { return confirmed_ ? std::optional(first_step_) : std::nullopt; }
  std::optional<double> seconds() const { return confirmed_ ? std::optional(first_train_s_) : std::nullopt; }

  // Plain state, for checkpoints.
  struct Snapshot {
    int met_in_a_row;
    int64_t first_step;
    double first_train_s;
    bool confirmed;
  };
  Snapshot Save() const { return {met_in_a_row_, first_step_, first_train_s_, confirmed_}; }
  void Restore(const Snapshot& s) {
    met_in_a_row_ = s.met_in_a_row, first_step_ = s.first_step;
    first_train_s_ = s.first_train_s, confirmed_ = s.confirmed;
  }

 private:
  double target_;
  int confirm_;
  bool larger_;
  int met_in_a_row_ = 0;
  int64_t first_step_ = 0;
  double first_train_s_ = 0;
  bool confirmed_ = false;
};

}  // namespace batchmark
