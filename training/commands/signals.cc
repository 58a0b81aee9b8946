// The handler does one thing that a handler may do: it stores into a lock-free atomic.
#include "training/commands/signals.h"

#include <atomic>
#include <csignal>

namespace batchmark {
namespace {

std::atomic<int> stop_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void OnStopSignal(int number) { stop_signal.store(number, std::memory_order_relaxed); }

}  // namespace

void CatchStopSignals() {
  struct sigaction action {};
  action.sa_handler = OnStopSignal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool StopRequested() { return stop_signal.load(std::memory_order_relaxed) != 0; }

int StopExitCode() {
  const int number = stop_signal.load(std::memory_order_relaxed);
  return number == 0 ? 0 : 128 + number;
}

}  // namespace batchmark
