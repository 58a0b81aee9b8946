// The only file that knows the scheduler.
#include "core/base/parallel.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "core/base/aligned.h"
#include "core/base/check.h"
#include "core/base/cpu.h"
#include "core/base/spin_team.h"

#if defined(BATCHMARK_PARALLEL_TBB)
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#elif defined(BATCHMARK_PARALLEL_THREADS)
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#endif

namespace batchmark {

#if defined(BATCHMARK_PARALLEL_TBB)

const char* ParallelBackend() { return "tbb"; }

// An arena of exactly `threads` slots. TBB creates no more workers than cores unless global_control
// allows them, so oversubscribed runs (the determinism tests) ask for it.
struct Parallel::State {
  explicit State(int threads)
      : control(oneapi::tbb::global_control::max_allowed_parallelism,
                std::max<size_t>(static_cast<size_t>(threads),
                                 oneapi::tbb::global_control::active_value(
                                     oneapi::tbb::global_control::max_allowed_parallelism))),
        arena(threads, /*reserved_for_masters=*/1),
        scratch(static_cast<size_t>(threads)),
        team(threads) {}

  // body(leader's worker number) on the caller while all other slots run serve(worker).
  template <class Serve, class Body>
  void WithAll(const Serve& serve, const Body& body) {
    const auto slot = [] { return oneapi::tbb::this_task_arena::current_thread_index(); };
    arena.execute([&] {
      oneapi::tbb::task_group others;
      for (size_t i = 1; i < scratch.size(); ++i) others.run([&] { serve(slot()); });
      body(slot());
      others.wait();
    });
  }

  oneapi::tbb::global_control control;
  oneapi::tbb::task_arena arena;
  std::vector<AlignedBuffer<unsigned char>> scratch;
  SpinTeam team;
};

void Parallel::Schedule(size_t chunks, Trampoline trampoline, const void* context) {
  state_->arena.execute([&] {
    oneapi::tbb::parallel_for(
        oneapi::tbb::blocked_range<size_t>(0, chunks, 1),
        [&](const oneapi::tbb::blocked_range<size_t>& range) {
          const int worker = oneapi::tbb::this_task_arena::current_thread_index();
          for (size_t i = range.begin(); i != range.end(); ++i) trampoline(context, i, worker);
        },
        oneapi::tbb::simple_partitioner());
  });
}

#elif defined(BATCHMARK_PARALLEL_THREADS)

const char* ParallelBackend() { return "threads"; }

// A plain pool that thread sanitizers understand: workers take chunk numbers from a counter.
struct Parallel::State {
  explicit State(int threads) : scratch(static_cast<size_t>(threads)), team(threads) {
    for (int worker = 1; worker < threads; ++worker) {
      pool.emplace_back([this, worker] { Serve(worker); });
    }
  }
  ~State() {
    {
      std::lock_guard lock(mutex);
      stop = true;
    }
    start.notify_all();
    for (std::thread& thread : pool) thread.join();
  }
  void Serve(int worker) {
    SetFlushDenormals();
    size_t seen = 0;
    for (;;) {
      {
        std::unique_lock lock(mutex);
        start.wait(lock, [&] { return stop || generation != seen; });
        if (stop) return;
        seen = generation;
      }
      if (serve) {
        serve(worker);
      } else {
        Drain(worker);
      }
      {
        std::lock_guard lock(mutex);
        if (--busy == 0) done.notify_one();
      }
    }
  }
  void Start() {
    {
      std::lock_guard lock(mutex);
      next = 0;
      busy = pool.size();
      ++generation;
    }
    start.notify_all();
  }
  void Finish() {
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return busy == 0; });
  }
  template <class Body>
  void WithAll(std::function<void(int)> serve_all, const Body& body) {
    serve = std::move(serve_all);
    Start();
    body(0);
    Finish();
    serve = nullptr;
  }
  void Drain(int worker) {
    for (size_t i; (i = next.fetch_add(1)) < chunks;) {
      try {
        trampoline(context, i, worker);
      } catch (...) {
        std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
      }
    }
  }
  std::vector<AlignedBuffer<unsigned char>> scratch;
  SpinTeam team;
  std::function<void(int)> serve;  // what the pool does instead of chunks
  std::mutex mutex;
  std::condition_variable start, done;
  std::atomic<size_t> next{0};
  size_t chunks = 0, generation = 0, busy = 0;
  bool stop = false;
  Trampoline trampoline = nullptr;
  const void* context = nullptr;
  std::exception_ptr error;
  std::vector<std::thread> pool;
};

void Parallel::Schedule(size_t chunks, Trampoline trampoline, const void* context) {
  State& s = *state_;
  s.chunks = chunks, s.trampoline = trampoline, s.context = context;
  s.Start();
  s.Drain(0);
  s.Finish();
  if (s.error) std::rethrow_exception(std::exchange(s.error, nullptr));
}

#else

const char* ParallelBackend() { return "serial"; }

struct Parallel::State {
  explicit State(int threads) : scratch(static_cast<size_t>(threads)), team(1) {}
  template <class Serve, class Body>
  void WithAll(const Serve&, const Body& body) {
    body(0);
  }
  std::vector<AlignedBuffer<unsigned char>> scratch;
  SpinTeam team;
};

void Parallel::Schedule(size_t chunks, Trampoline trampoline, const void* context) {
  for (size_t i = 0; i < chunks; ++i) trampoline(context, i, 0);
}

#endif

Parallel::Parallel(int threads) : threads_(threads) {
  BATCHMARK_CHECK_MSG(threads >= 1, "threads=" + std::to_string(threads));
  SetFlushDenormals();  // before the arena is made: TBB hands the caller's mode to its workers
  state_ = std::make_unique<State>(threads);
}

Parallel::~Parallel() = default;

bool Parallel::InRegion() const { return state_->team.is_open(); }

void Parallel::Run(size_t chunks, Trampoline trampoline, const void* context) {
  if (InRegion()) {
    state_->team.Run(chunks, trampoline, context);
  } else {
    Schedule(chunks, trampoline, context);
  }
}

void Parallel::RunRegion(void (*body)(const void* context), const void* context) {
  SpinTeam& team = state_->team;
  if (threads_ == 1 || threads_ > AvailableThreads() || InRegion()) {
    body(context);
    return;
  }
  std::exception_ptr error;
  const auto serve = [&](int worker) {
    SetFlushDenormals();
    team.Serve(worker);
  };
  team.Open();
  state_->WithAll(serve, [&](int leader) {
    team.Lead(leader);
    try {
      body(context);
    } catch (...) {
      error = std::current_exception();
    }
    team.Close();
  });
  if (error) std::rethrow_exception(error);
}

void Parallel::ReserveScratch(size_t bytes_per_worker) {
  for (auto& buffer : state_->scratch) {
    if (buffer.size() < bytes_per_worker) buffer = AlignedBuffer<unsigned char>(bytes_per_worker);
  }
}

void* Parallel::Scratch(int worker) { return state_->scratch[static_cast<size_t>(worker)].data(); }

}  // namespace batchmark
