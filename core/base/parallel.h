// The one seam to the thread scheduler (oneTBB; std::thread and serial builds exist for TSan and for
// proving that results do not depend on the scheduler).
//
// Determinism: callers cut work into chunks by the problem alone, give each chunk its own slot, and
// merge slots in index order. Nothing here hands a chunk count or a thread count to a sum.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/base/parts.h"

namespace batchmark {

// Fixed partition of [0, n) into chunks of `grain` (the last one shorter): a function of the problem only.
struct ChunkPlan {
  size_t n = 0;
  size_t grain = 1;
  bool brief = false;  // over before a sleeping worker would wake: shared out only inside a Region
  size_t chunks() const { return CeilDiv(n, grain); }
  size_t begin(size_t chunk) const { return chunk * grain; }
  size_t end(size_t chunk) const { return (chunk + 1) * grain < n ? (chunk + 1) * grain : n; }
};

// Owns `threads` workers (the caller is one of them) and a scratch arena for each. Two contexts can
// live side by side. Not itself thread-safe: one caller at a time.
class Parallel {
 public:
  explicit Parallel(int threads);  // CHECKs threads >= 1; may exceed the number of cores
  ~Parallel();
  Parallel(const Parallel&) = delete;
  Parallel& operator=(const Parallel&) = delete;

  int threads() const { return threads_; }

  // body(size_t chunk, int worker) once for each chunk in [0, chunks), any order, worker in
  // [0, threads). One chunk or one thread runs inline, without touching the scheduler.
  // An exception thrown by body reaches the caller.
  template <class Body>
  void For(size_t chunks, const Body& body) {
    if (chunks == 0) return;
    if (chunks == 1 || threads_ == 1) {
      for (size_t i = 0; i < chunks; ++i) body(i, 0);
      return;
    }
    Run(
        chunks,
        [](const void* context, size_t chunk, int worker) {
          (*static_cast<const Body*>(context))(chunk, worker);
        },
        &body);
  }

  template <class Body>
  void For(const ChunkPlan& plan, const Body& body) {
    if (plan.brief && !InRegion()) {
      for (size_t i = 0; i < plan.chunks(); ++i) body(i, 0);
    } else {
      For(plan.chunks(), body);
    }
  }

  // body() on the caller, while the other workers stay awake and poll for its loops: a For inside
  // costs well under a microsecond, where a sleeping worker takes several. For a training loop of
  // short steps. With more threads than cores, or inside another Region, body() and nothing else.
  template <class Body>
  void Region(const Body& body) {
    RunRegion([](const void* context) { (*static_cast<const Body*>(context))(); }, &body);
  }

  // Scratch of at least the largest size reserved so far, 64-byte aligned, private to the worker
  // during one body call. Reserve when an operation is built, never inside a step.
  void ReserveScratch(size_t bytes_per_worker);
  void* Scratch(int worker);

 private:
  using Trampoline = void (*)(const void* context, size_t chunk, int worker);
  bool InRegion() const;
  void Run(size_t chunks, Trampoline trampoline, const void* context);
  void Schedule(size_t chunks, Trampoline trampoline, const void* context);
  void RunRegion(void (*body)(const void* context), const void* context);

  int threads_;
  struct State;
  std::unique_ptr<State> state_;
};

// Name of the compiled scheduler: "tbb", "threads" or "serial".
const char* ParallelBackend();

}  // namespace batchmark
