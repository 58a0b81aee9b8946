// n threads that do the same slice of work at the same time, so that shared caches, memory and
// clock are measured under the load that n threads make. For probes; timed operations use
// core/base/parallel.
#pragma once

#include <time.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "core/base/aligned.h"
#include "core/base/cpu.h"

namespace batchmark::bench {

// CPU time of the calling thread.
inline double ThreadCpuSeconds() {
  timespec t = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// One thread's slice of work, or Together, that of all.
struct alignas(kAlignment) Span {
  double begin = 0, end = 0, amount = 0, waited_s = 0;

  template <class Work>
  void Measure(const Work& work) {
    const double cpu_begin = ThreadCpuSeconds();
    begin = NowSeconds();
    amount = work();
    end = NowSeconds();
    waited_s = end - begin - (ThreadCpuSeconds() - cpu_begin);
  }
  double Rate() const { return amount / (end - begin); }
};

// From the first start to the last end: the sum of the amounts, the longest wait.
inline Span Together(const std::vector<Span>& spans) {
  Span whole = spans[0];
  whole.amount = 0, whole.waited_s = 0;
  for (const Span& span : spans) {
    whole.begin = std::min(whole.begin, span.begin);
    whole.end = std::max(whole.end, span.end);
    whole.amount += span.amount;
    whole.waited_s = std::max(whole.waited_s, span.waited_s);
  }
  return whole;
}

class Team {
 public:
  explicit Team(int threads) : threads_(threads), spans_(static_cast<size_t>(threads)) {}

  // Does the work of one slice and returns its amount.
  using Body = std::function<double(int worker, size_t slice)>;

  // For each slice, the bodies by turns, each in lock-step on every thread. Then, on the caller,
  // go_on(slice, rates): for each body the sum of amounts over the span from the first start to the
  // last end, or 0 when the threads did not all run side by side (somebody waited for a core).
  template <class GoOn>
  void Run(const std::vector<Body>& bodies, const GoOn& go_on) {
    std::vector<double> rates(bodies.size());
    bool done = false;  // written by the caller while the others stand at the barrier
    RunOnAll([&](int worker) {
      for (size_t slice = 0;; ++slice) {
        for (size_t i = 0; i < bodies.size(); ++i) {
          Barrier();
          if (done) return;
          spans_[static_cast<size_t>(worker)].Measure([&] { return bodies[i](worker, slice); });
          Barrier();
          if (worker == 0) rates[i] = Rate();
        }
        if (worker == 0) done = !go_on(slice, rates);
      }
    });
  }

  // The rate of the best slice: what disturbs a slice only ever makes it slower. Ends when
  // `patience` slices in a row brought nothing better by 0.5 %, or after 6 x patience.
  double BestRate(size_t patience, const Body& body) {
    double best = 0;
    size_t last_better = 0;
    Run({body}, [&](size_t slice, const std::vector<double>& rates) {
      if (rates[0] > best * 1.005) last_better = slice;
      best = std::max(best, rates[0]);
      return slice - last_better < patience && slice < 6 * patience;
    });
    return best;
  }

  void RunOnAll(const std::function<void(int)>& body) {
    std::vector<std::thread> others;
    for (int worker = 1; worker < threads_; ++worker) others.emplace_back(body, worker);
    body(0);
    for (std::thread& thread : others) thread.join();
  }

 private:
  double Rate() const {
    const Span whole = Together(spans_);
    double last_begin = whole.begin;
    for (const Span& span : spans_) last_begin = std::max(last_begin, span.begin);
    const double tolerated = 0.05 * (whole.end - whole.begin);
    return last_begin - whole.begin > tolerated || whole.waited_s > tolerated ? 0 : whole.Rate();
  }

  // Spins, so that all leave within a fraction of a microsecond; yields when somebody is late (more
  // threads than free cores).
  void Barrier() {
    const size_t generation = generation_.load();
    if (arrived_.fetch_add(1) + 1 == static_cast<size_t>(threads_)) {
      arrived_ = 0;
      generation_.fetch_add(1);
      return;
    }
    for (size_t spin = 0; generation_.load() == generation; ++spin) {
      if (spin > 10000) std::this_thread::yield();
    }
  }

  int threads_;
  std::vector<Span> spans_;
  std::atomic<size_t> arrived_{0}, generation_{0};
};

}  // namespace batchmark::bench
