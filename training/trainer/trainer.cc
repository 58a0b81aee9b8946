#include "training/trainer/trainer.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/base/check.h"
#include "core/base/cpu.h"
#include "core/base/median.h"
#include "core/simd/backend.h"
#include "training/data/input.h"
#include "training/trainer/session.h"

namespace batchmark {
namespace {

// Until the last step, divergence, a confirmed target that ends the run, pruning, or a stop asked for:
// true only for this last.
bool RunSteps(const RunSpec& spec, TrainingSession& session, RunObserver& seen) {
  RunOutcome& outcome = session.outcome();
  double last_checkpoint = NowSeconds();
  constexpr double kCheckpointEvery_s = 5.0;
  if (outcome.steps == 0) session.Probe();
  while (outcome.steps < session.total_steps()) {
    if (!session.Step()) return false;  // diverged
    seen.OnStep(outcome.steps, session.total_steps(), outcome.train_s);
    session.Probe();
    const bool last = outcome.steps == session.total_steps();
    if (last || outcome.steps % spec.eval_every == 0) {
      const size_t before = outcome.readings.size();
      session.Evaluate();
      for (size_t i = before; i < outcome.readings.size(); ++i) seen.OnReading(outcome.readings[i]);
      if (spec.stop_at_target && session.target().confirmed()) return false;
      if (!session.target().confirmed() && spec.prune.Ends(outcome.steps, outcome.val_accuracy)) {
        outcome.readings.push_back({outcome.steps, "pruned", outcome.val_accuracy});
        return false;
      }
    }
    const bool stopped = seen.StopRequested();
    if (stopped || NowSeconds() - last_checkpoint > kCheckpointEvery_s) {
      session.SaveCheckpoint();
      last_checkpoint = NowSeconds();
    }
    if (stopped) return true;
  }
  return false;
}

}  // namespace

const char* ToText(RunStatus status) {
  switch (status) {
    case RunStatus::kReached: return "reached";
    case RunStatus::kCapped: return "capped";
    case RunStatus::kDiverged: return "diverged";
    case RunStatus::kInterrupted: break;
  }
  return "interrupted";
}

RunOutcome RunTraining(const RunSpec& spec, const Dataset& data, RunObserver* observer, const RunFiles& files) {
  const double start = NowSeconds();
  RunObserver silent;
  RunObserver& seen = observer != nullptr ? *observer : silent;
  TrainingSession session(spec, data, files);
  RunOutcome& outcome = session.outcome();
  outcome.setup_s = NowSeconds() - start;

  // Steps of a small net are shorter than waking a thread a few dozen times: one region for all.
  bool stopped = false;
  session.parallel().Region([&] { stopped = RunSteps(spec, session, seen); });

  outcome.steps_to_target = session.target().steps();
  outcome.time_to_target_s = session.target().seconds();
  const bool diverged = outcome.status == RunStatus::kDiverged;
  if (!diverged) {
    outcome.status = outcome.steps_to_target ? RunStatus::kReached : RunStatus::kCapped;
    if (stopped && outcome.steps < session.total_steps()) outcome.status = RunStatus::kInterrupted;
  }
  if (outcome.status != RunStatus::kInterrupted) {
    session.FinalScores();
    session.FinishProbes();
  }
  session.FinishDump();
  outcome.state_hash = session.StateHash();
  const double trained = static_cast<double>(std::max<int64_t>(1, outcome.steps));
  outcome.ms_per_step = 1000.0 * outcome.train_s / trained;
  outcome.ms_per_step_median = 1000.0 * MiddleValue(session.step_seconds());
  outcome.samples_per_s =
      outcome.train_s > 0 ? trained * static_cast<double>(spec.batch) / outcome.train_s : 0.0;
  outcome.backend = ActiveBackend();
  outcome.threads = spec.threads;
  outcome.wall_s = NowSeconds() - start;
  return outcome;
}

}  // namespace batchmark
