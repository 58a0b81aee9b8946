// How work reaches threads that are already awake: they poll for it, so a loop of a few
// microseconds is worth sharing. Knows nothing of who starts the threads (core/base/parallel.cc
// does).
//
// A loop is cut into one contiguous range of chunks a worker, since consecutive loops over one
// array then find it in the same worker's caches; a worker whose range is done takes chunks from
// the far end of another's. All that a worker reads and writes of a loop, but for what it takes
// from others, lies in one line, the only one that it polls: to pass a line between two cores takes
// as long as many a chunk.
//
// What is left of a range is one 64-bit word, (generation, begin, end), changed only by compare and
// swap. The other fields of a range are written before its word, and only when no chunk of the loop
// before is left, so whoever takes a chunk has read the fields that belong to it.
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

  explicit SpinTeam(int workers) : lines_(static_cast<size_t>(workers)) {}

  bool is_open() const { return open_.load(std::memory_order_relaxed); }
  void Open() { open_.store(true, std::memory_order_release); }
  void Lead(int leader) { leader_ = leader; }  // the caller's worker number, before any Run
  void Close() { open_.store(false, std::memory_order_release); }

  // A worker's life until Close.
  void Serve(int worker) {
    const Line& own = lines_[static_cast<size_t>(worker)];
    uint64_t served = 0;  // what a word that was never shared out tells
    Idle idle;
    while (open_.load(std::memory_order_acquire)) {
      const uint64_t generation = Generation(own.word.load(std::memory_order_acquire));
      if (generation == served) {
        idle.Pause();
        continue;
      }
      served = generation;
      Drain(worker);
      idle = {};
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
  // Of a worker: its range of the loop, and how many chunks it has done in all loops.
  struct alignas(64) Line {
    std::atomic<uint64_t> word{0};
    std::atomic<Trampoline> trampoline{nullptr};
    std::atomic<const void*> context{nullptr};
    std::atomic<size_t> base{0};
    std::atomic<uint64_t> done{0};
  };

  // Polls at first; then leaves the core to others between polls, as more threads than cores need.
  struct Idle {
    int polls = 0;
    void Pause() {
      constexpr int kPolls = 4000;  // some 50 to 200 us
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
    ++generation_;
    const size_t workers = lines_.size();
    const size_t own = static_cast<size_t>(leader_);
    // The others' first, who wait for it.
    for (size_t i = 1; i <= workers; ++i) {
      const size_t w = (own + i) % workers;
      const uint64_t begin = count * w / workers, end = count * (w + 1) / workers;
      Line& line = lines_[w];
      line.trampoline.store(trampoline, std::memory_order_relaxed);
      line.context.store(context, std::memory_order_relaxed);
      line.base.store(base, std::memory_order_relaxed);
      line.word.store(uint64_t{generation_} << 32 | begin << 16 | end, std::memory_order_release);
    }
    shared_ += count;
    Drain(leader_);
    Idle idle;
    while (Done() != shared_) idle.Pause();
  }

  uint64_t Done() const {
    uint64_t done = 0;
    for (const Line& line : lines_) done += line.done.load(std::memory_order_acquire);
    return done;
  }

  void Drain(int worker) {
    while (Take(lines_[static_cast<size_t>(worker)], worker)) continue;
    for (Line& line : lines_) {
      while (Take(line, worker)) continue;
    }
  }

  // One chunk, if any is left: the first of the worker's own range, the last of another's.
  bool Take(Line& from, int worker) {
    const bool first = &from == &lines_[static_cast<size_t>(worker)];
    uint64_t word = from.word.load(std::memory_order_acquire);
    while (Begin(word) != End(word)) {
      const uint64_t rest = first ? word + (uint64_t{1} << 16) : word - 1;
      if (Claim(from, word, rest, first ? Begin(word) : End(word) - 1, worker)) return true;
    }
    return false;
  }
  static uint64_t Generation(uint64_t word) { return word >> 32; }
  static size_t Begin(uint64_t word) { return word >> 16 & 0xffff; }
  static size_t End(uint64_t word) { return word & 0xffff; }

  // Runs chunk base + i if the range still is as `word` says; otherwise renews `word`.
  bool Claim(Line& from, uint64_t& word, uint64_t rest, size_t i, int worker) {
    const Trampoline trampoline = from.trampoline.load(std::memory_order_relaxed);
    const void* const context = from.context.load(std::memory_order_relaxed);
    const size_t chunk = from.base.load(std::memory_order_relaxed) + i;
    if (!from.word.compare_exchange_weak(word, rest, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
      return false;
    }
    try {
      trampoline(context, chunk, worker);
    } catch (...) {
      if (!failed_.exchange(true, std::memory_order_acq_rel)) error_ = std::current_exception();
    }
    std::atomic<uint64_t>& done = lines_[static_cast<size_t>(worker)].done;
    done.store(done.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    return true;
  }

  std::vector<Line> lines_;
  std::atomic<bool> open_{false}, failed_{false};
  std::exception_ptr error_;
  alignas(64) uint64_t shared_ = 0;  // chunks of all loops; this line is the leader's alone
  uint32_t generation_ = 0;
  int leader_ = 0;
};

}  // namespace batchmark
