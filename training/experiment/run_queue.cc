#include "training/experiment/run_queue.h"

#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "core/base/build_info.h"
#include "core/base/check.h"
#include "core/base/cpu.h"
#include "core/simd/backend.h"
#include "training/experiment/runner.h"

namespace batchmark {
namespace {

// State shared by the workers; every call to the store or the observer is made under the lock.
class Queue {
 public:
  Queue(const std::vector<PlannedRun>& runs, const RunQueueOptions& options, const Dataset& data, ResultStore& store,
        ExperimentObserver& observer)
      : runs_(runs), options_(options), data_(data), store_(store), observer_(observer) {
    result_.planned = runs.size();
  }

  ExperimentResult Run() {
    if (options_.jobs <= 1) {
      Work(observer_);
    } else {
      std::vector<std::thread> workers;
      for (int i = 0; i < options_.jobs; ++i) {
        workers.emplace_back([this] {
          SetFlushDenormals();
          StopOnly quiet(*this);
          Work(quiet);
        });
      }
      for (std::thread& worker : workers) worker.join();
    }
    if (store_failure_) std::rethrow_exception(store_failure_);
    return result_;
  }

 private:
  // What a run among others tells: nothing. It asks whether to stop.
  class StopOnly : public RunObserver {
   public:
    explicit StopOnly(Queue& queue) : queue_(queue) {}
    bool StopRequested() override { return queue_.Stopping(); }

   private:
    Queue& queue_;
  };

  bool Stopping() {
    const std::lock_guard lock(mutex_);
    return store_failure_ || observer_.StopRequested();
  }

  void Work(RunObserver& seen) {
    while (const std::optional<size_t> index = Take()) {
      const PlannedRun& run = runs_[*index];
      const std::string started_at = UtcNow();
      std::optional<RunOutcome> outcome;
      std::string failure;
      try {
        outcome = RunTraining(run.spec, data_, &seen);
      } catch (const std::bad_alloc&) {
        failure = "not enough memory";
      } catch (const std::exception& error) {
        failure = error.what();
      }
      if (!Finish(run, outcome, failure, started_at)) return;
    }
  }

  const std::string& ArmOf(const PlannedRun& run) const { return options_.arms[run.arm]; }

  std::string Title(const PlannedRun& run) const {
    return "arm '" + ArmOf(run) + "' seed " + std::to_string(run.seed);
  }

  // The next run that is not in the store; nothing: all are done, or a stop was asked for.
  std::optional<size_t> Take() {
    const std::lock_guard lock(mutex_);
    try {
      while (next_ < runs_.size() && !store_failure_) {
        const size_t index = next_;
        const PlannedRun& run = runs_[index];
        auto stored = store_.Find(RunKeyHash(run.spec, data_.hash));
        if (stored && IsReusable(*stored, options_.convergence_only)) {
          ++next_;
          store_.Attach(stored->key, options_.experiment, ArmOf(run));
          stored->experiment = options_.experiment, stored->arm = ArmOf(run);
          ++result_.reused;
          observer_.OnRunDone(*stored, /*from_store=*/true);
          continue;
        }
        if (result_.executed + result_.failed > 0 && observer_.StopRequested()) result_.interrupted = true;
        if (result_.interrupted) return std::nullopt;
        ++next_;
        // Each session names its target itself; the first of several workers changes it here, under the lock.
        // Runs at one time share one (checked by the planner).
        ForceBackend(run.spec.simd);
        observer_.OnRunStart(index, runs_.size(), ArmOf(run), run.seed);
        return index;
      }
    } catch (...) {
      store_failure_ = std::current_exception();
    }
    return std::nullopt;
  }

  // False: no further run.
  bool Finish(const PlannedRun& run, const std::optional<RunOutcome>& outcome, const std::string& failure,
              const std::string& started_at) {
    const std::lock_guard lock(mutex_);
    try {
      if (!outcome) {
        ++result_.failed;
        observer_.OnWarning(Title(run) + " could not be carried out: " + failure);
        return true;
      }
      if (outcome->status == RunStatus::kInterrupted) {
        result_.interrupted = true;
        return false;
      }
      RunRecord record = MakeRecord(run.spec, data_, *outcome, options_.experiment, ArmOf(run), started_at);
      if (options_.convergence_only) record.host_id = kSharedHostPrefix + record.host_id;
      const auto stored = store_.Find(record.key);
      if (stored && stored->state_hash != record.state_hash) {
        observer_.OnWarning(Title(run) + " gave other bits than the stored run of the same key (another binary "
                            "or machine)");
      }
      store_.Put(record);
      ++result_.executed;
      observer_.OnRunDone(record, /*from_store=*/false);
      return true;
    } catch (...) {
      store_failure_ = std::current_exception();
      return false;
    }
  }

  const std::vector<PlannedRun>& runs_;
  const RunQueueOptions& options_;
  const Dataset& data_;
  ResultStore& store_;
  ExperimentObserver& observer_;
  std::mutex mutex_;
  size_t next_ = 0;
  ExperimentResult result_;
  std::exception_ptr store_failure_;
};

}  // namespace

bool IsReusable(const RunRecord& stored, bool convergence_only) {
  return convergence_only || (stored.binary_id == BinaryId() && stored.host_id == HostId());
}

ExperimentResult RunAll(const std::vector<PlannedRun>& runs, const RunQueueOptions& options, const Dataset& data,
                        ResultStore& store, ExperimentObserver& observer) {
  BATCHMARK_CHECK(options.jobs >= 1 && (options.jobs == 1 || options.convergence_only));
  return Queue(runs, options, data, store, observer).Run();
}

}  // namespace batchmark
