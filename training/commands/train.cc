// batchmark train: one run. Its outcome goes to stdout, as JSON or for people; progress to stderr.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>

#include "core/base/check.h"
#include "core/base/text.h"
#include "reports/format.h"
#include "reports/results.h"
#include "training/commands/command.h"
#include "training/commands/output.h"
#include "training/commands/progress.h"
#include "training/commands/signals.h"
#include "training/data/dataset.h"
#include "training/experiment/runner.h"
#include "training/trainer/trainer.h"

namespace batchmark {
namespace {

struct TrainOptions {
  std::string spec_file, store;
  std::vector<std::string> sets;
  bool json = false;
  RunFiles files;
};

class TrainObserver : public RunObserver {
 public:
  void OnStep(int64_t step, int64_t total_steps, double) override {
    progress_.Step(step, total_steps);
  }
  void OnReading(const Reading& reading) override {
    char text[64];
    std::snprintf(text, sizeof text, "%.4f", reading.value);
    if (reading.name == "val_accuracy") progress_.Note(reading.name + " " + text);
  }
  bool StopRequested() override { return batchmark::StopRequested(); }

 private:
  Progress progress_;
};

RunSpec ReadSpec(const TrainOptions& options) {
  RunSpec spec;
  if (!options.spec_file.empty()) ApplySpecFile(spec, options.spec_file);
  for (const std::string& argument : options.sets) ApplySetArgument(spec, argument);
  return ResolveRunSpec(spec);
}

RunOutcome OutcomeOf(const RunRecord& record) {
  RunOutcome outcome;
  outcome.status = record.status == "reached"    ? RunStatus::kReached
                   : record.status == "diverged" ? RunStatus::kDiverged
                                                 : RunStatus::kCapped;
  outcome.steps = record.steps;
  outcome.steps_to_target = record.steps_to_target;
  outcome.time_to_target_s = record.time_to_target_s;
  outcome.train_s = record.train_s;
  outcome.eval_s = record.eval_s;
  outcome.wall_s = record.wall_s;
  outcome.ms_per_step = record.ms_per_step;
  outcome.ms_per_step_median = record.ms_per_step_median;
  outcome.samples_per_s = record.samples_per_s;
  outcome.train_loss = record.train_loss;
  outcome.val_accuracy = record.val_accuracy;
  outcome.test_accuracy = record.test_accuracy;
  outcome.diverged_step = record.diverged_step;
  outcome.diverged_place = record.diverged_place;
  outcome.state_hash = record.state_hash;
  outcome.backend = record.backend;
  outcome.threads = record.threads;
  return outcome;
}

// A finished run of this key, measured by this program on this machine.
std::optional<RunOutcome> FindFinished(const ResultStore& store, const RunSpec& spec,
                                       const Dataset& data) {
  const std::optional<RunRecord> record = store.Find(RunKeyHash(spec, data.hash));
  const RunRecord here = MakeRecord(spec, data, RunOutcome(), "", "", "");
  if (!record || record->binary_id != here.binary_id || record->host_id != here.host_id) return {};
  return OutcomeOf(*record);
}

std::string Format(const char* format, auto... values) {
  char text[256];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

std::string Score(double value) { return std::isfinite(value) ? Format("%.4f", value) : "-"; }

std::string StatusLine(const RunSpec& spec, const RunOutcome& outcome) {
  const std::string goal = spec.target_metric + " " + NumberText(spec.target);
  switch (outcome.status) {
    case RunStatus::kReached:
      return "reached " + goal + " at step " + std::to_string(*outcome.steps_to_target) +
             Format(", after %.2f s of training", *outcome.time_to_target_s);
    case RunStatus::kCapped:
      return "capped: " + goal + " not reached in " + std::to_string(outcome.steps) + " steps";
    case RunStatus::kDiverged:
      return "diverged at step " + std::to_string(outcome.diverged_step) + ", in " +
             outcome.diverged_place;
    case RunStatus::kInterrupted:
      break;
  }
  return "interrupted after step " + std::to_string(outcome.steps);
}

std::string Summary(const RunSpec& spec, const Dataset& data, const RunOutcome& outcome) {
  return "status    " + StatusLine(spec, outcome) + "\n" +
         Format("steps     %ld in %.2f s: %.3f ms a step (median %.3f), %.0f samples/s\n",
                static_cast<long>(outcome.steps), outcome.train_s, outcome.ms_per_step,
                outcome.ms_per_step_median, outcome.samples_per_s) +
         "scores    train loss " + Score(outcome.train_loss) + ", accuracy " +
         Score(outcome.val_accuracy) + " validation, " + Score(outcome.test_accuracy) + " test\n" +
         "data      " + data.name + " " + data.hash.substr(0, 12) + " (" + data.origin + ")\n" +  //
         "backend   " + outcome.backend + ", " + spec.compute + ", " +
         report::Plural(outcome.threads, "thread") + "\n" +  //
         "state     " + outcome.state_hash.substr(0, 16) + "\n";
}

// What an interrupted run has not measured is nothing, not 0.
void ForgetUnmeasured(RunOutcome& outcome) {
  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  outcome.test_accuracy = kNothing;
  if (outcome.readings.empty()) outcome.train_loss = outcome.val_accuracy = kNothing;
}

int RunTrain(const TrainOptions& options) {
  if (options.files.resume && options.files.checkpoint_dir.empty())
    throw UsageError("--resume needs --checkpoint DIR, where the run was kept");
  CheckStandardOutput();
  const RunSpec spec = ReadSpec(options);
  const Dataset data = LoadDataset(spec.data, spec.data_dir);
  // Made before any work, so that a place that cannot be written costs nothing.
  MakeFolder(options.files.checkpoint_dir);
  std::optional<ResultStore> store;
  if (!options.store.empty()) store.emplace(options.store);
  CatchStopSignals();

  const bool wants_files = !options.files.dump_dir.empty() || !options.files.checkpoint_dir.empty();
  std::optional<RunOutcome> outcome;
  if (store && !wants_files) outcome = FindFinished(*store, spec, data);
  if (outcome) {
    PrintNote("this run is in " + options.store + " already; not run again");
  } else {
    const std::string started_at = UtcNow();
    TrainObserver observer;
    outcome = RunTraining(spec, data, &observer, options.files);
    if (store && outcome->status != RunStatus::kInterrupted)
      store->Put(MakeRecord(spec, data, *outcome, "", "", started_at));
  }
  if (outcome->status == RunStatus::kInterrupted) ForgetUnmeasured(*outcome);
  if (!options.json) Print(Summary(spec, data, *outcome));
  if (options.json) Print(OutcomeJson(spec, data, *outcome) + "\n");
  if (outcome->status != RunStatus::kInterrupted) return 0;
  PrintNote(options.files.checkpoint_dir.empty()
                ? "stopped after step " + std::to_string(outcome->steps)
                : "stopped after step " + std::to_string(outcome->steps) +
                      "; --resume goes on from there");
  return StopExitCode();
}

std::string KeyTable() {
  constexpr size_t kHelpColumn = 27;
  const RunSpec defaults;
  std::string table = "Run keys, with their defaults:\n";
  for (const RunKey& key : RunKeys())
    table += WrapText("  " + key.name + "=" + key.get(defaults) + " ", kHelpColumn, key.help);
  return table;
}

}  // namespace

Command TrainCommand() {
  auto options = std::make_shared<TrainOptions>();
  Command command{
      "train", "Train one net once, and say how many steps and seconds it took.", {}, {}, "", {}};
  command.options = {
      {"--spec", "F.toml", "run keys from a file, at top level or under [parameters]",
       &options->spec_file},
      {"--set", "key=value", "one run key; a later one beats an earlier one and --spec",
       &options->sets},
      {"--json", "", "print one JSON object, on one line", &options->json},
      {"--dump", "DIR",
       "write initial and final weights, batches and losses as .npy, for a replay elsewhere",
       &options->files.dump_dir},
      {"--store", "F.db",
       "add the run to a results store; a run that is there already is not repeated",
       &options->store},
      {"--checkpoint", "DIR", "keep the state there every few seconds and when stopped",
       &options->files.checkpoint_dir},
      {"--resume", "", "go on from the checkpoint, to the same bits", &options->files.resume},
  };
  command.notes =
      KeyTable() +
      "\n"
      "Examples:\n"
      "  batchmark train --set bn.placement=none --set lr=0.1\n"
      "  batchmark train --spec run.toml --set seed=2 --json\n"
      "  batchmark train --set net='flatten, dense:100 tanh, dense:10' --set steps=500\n"
      "Ctrl-C finishes the step and prints what there is (exit 130); twice stops dead.\n";
  command.run = [options] { return RunTrain(*options); };
  return command;
}

}  // namespace batchmark
