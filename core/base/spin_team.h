// How work reaches threads that are already awake: they poll for it, so a loop of a few
// microseconds is worth sharing. Knows nothing of who starts the threads (core/base/parallel.cc
// does).
//
// A loop is cut into one contiguous range of chunks a worker, since consecutive loops over one
// array then find it in the same worker's caches; a worker whose range is empty takes chunks from
// the far end of another's. A range is one 64-bit word, (generation, begin, end), changed only by
// compare and swap. The fields of a loop are written before its words, and only when no chunk of
// the loop before is left, so whoever takes a chunk has read the fields that belong to it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

namespace batchmark {

class SpinTeam {
 public:
  using Trampoline = void (*)(const void* context, size_t chunk, int worker);

  explicit SpinTeam(int workers) : ranges_(static_cast<size_t>(workers)) {}

  bool is_open() const { return open_.load(std::memory_order_relaxed); }
  void Open() { open_.store(true, std::memory_order_release); }
  void Lead(int leader) { leader_ = leader; }  // the caller's worker number, before any Run
  void Close() { open_.store(false, std::memory_order_release); }

  // A worker's life until Close.
  void Serve(int worker) {
    Idle idle;
    while (open_.load(std::memory_order_acquire)) {
      if (Drain(worker)) {
        idle = {};
      } else {
        idle.Pause();
      }
    }
  }

  // The leader's loop; returns when every chunk is done. Rethrows the first exception of a chunk.
  void Run(size_t chunks, Trampoline trampoline, const void* context) {
    constexpr size_t kMost = 0xffff;  // that a word can tell
    for (size_t base = 0; base < chunks; base += kMost) {
      Share(base, chunks - base < kMost ? chunks - base : kMost, trampoline, context);
    }
    if (failed_.load(std::memory_order_acquire)) {
      failed_.store(false, std::memory_order_relaxed);
      std::rethrow_exception(std::exchange(error_, nullptr));
    }
  }

 private:
  struct alignas(64) Range {
    std::atomic<uint64_t> word{0};
  };

  // Polls at first; then leaves the core to others between polls, as more threads than cores need.
  struct Idle {
    int polls = 0;
    void Pause() {
      constexpr int kPolls = 4000;  // some 50 us
      if (++polls > kPolls) {
        std::this_thread::yield();
        return;
      }
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      asm volatile("yield");
#endif
    }
  };

  // Chunks [base, base + count).
  void Share(size_t base, size_t count, Trampoline trampoline, const void* context) {
    trampoline_.store(trampoline, std::memory_order_relaxed);
    context_.store(context, std::memory_order_relaxed);
    base_.store(base, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    ++generation_;
    const size_t workers = ranges_.size();
    for (size_t w = 0; w < workers; ++w) {
      const uint64_t begin = count * w / workers, end = count * (w + 1) / workers;
      ranges_[w].word.store(uint64_t{generation_} << 32 | begin << 16 | end,
                            std::memory_order_release);
    }
    Drain(leader_);
    Idle idle;
    while (done_.load(std::memory_order_acquire) != count) idle.Pause();
  }

  bool Drain(int worker) {
    bool any = false;
    const size_t own = static_cast<size_t>(worker);
    while (TakeFirst(ranges_[own].word, worker)) any = true;
    for (size_t other = 0; other < ranges_.size(); ++other) {
      while (other != own && TakeLast(ranges_[other].word, worker)) any = true;
    }
    return any;
  }

  bool TakeFirst(std::atomic<uint64_t>& range, int worker) {
    uint64_t word = range.load(std::memory_order_acquire);
    while (Begin(word) != End(word)) {
      if (Claim(range, word, word + (uint64_t{1} << 16), Begin(word), worker)) return true;
    }
    return false;
  }
  bool TakeLast(std::atomic<uint64_t>& range, int worker) {
    uint64_t word = range.load(std::memory_order_acquire);
    while (Begin(word) != End(word)) {
      if (Claim(range, word, word - 1, End(word) - 1, worker)) return true;
    }
    return false;
  }
  static size_t Begin(uint64_t word) { return word >> 16 & 0xffff; }
  static size_t End(uint64_t word) { return word & 0xffff; }

  // Runs chunk base + i if the range still is as `word` says; otherwise renews `word`.
  bool Claim(std::atomic<uint64_t>& range, uint64_t& word, uint64_t next, size_t i, int worker) {
    const Trampoline trampoline = trampoline_.load(std::memory_order_relaxed);
    const void* const context = context_.load(std::memory_order_relaxed);
    const size_t chunk = base_.load(std::memory_order_relaxed) + i;
    if (!range.compare_exchange_weak(word, next, std::memory_order_acq_rel,
                                     std::memory_order_acquire)) {
      return false;
    }
    try {
      trampoline(context, chunk, worker);
    } catch (...) {
      if (!failed_.exchange(true, std::memory_order_acq_rel)) error_ = std::current_exception();
    }
    done_.fetch_add(1, std::memory_order_acq_rel);
    return true;
  }

  std::vector<Range> ranges_;
  std::atomic<Trampoline> trampoline_{nullptr};
  std::atomic<const void*> context_{nullptr};
  std::atomic<size_t> base_{0};
  alignas(64) std::atomic<size_t> done_{0};
  std::atomic<bool> open_{false}, failed_{false};
  std::exception_ptr error_;
  uint32_t generation_ = 0;
  int leader_ = 0;
};

}  // namespace batchmark
