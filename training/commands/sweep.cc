// batchmark sweep: every run of a spec file into a store, once each; a table of what the arms came to.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <numeric>
#include <optional>

#include "core/base/check.h"
#include "core/base/cpu.h"
#include "core/base/text.h"
#include "reports/format.h"
#include "reports/results.h"
#include "training/commands/command.h"
#include "training/commands/output.h"
#include "training/commands/progress.h"
#include "training/commands/signals.h"
#include "training/data/dataset.h"
#include "training/experiment/probe.h"
#include "training/experiment/sweep_summary.h"

namespace batchmark {
namespace {

namespace fs = std::filesystem;

struct SweepFlags {
  std::string spec, store, shard, jobs;
  std::vector<std::string> sets;
  bool dry_run = false, convergence_only = false;
};

// Progress of all runs, weighed by what each is expected to take.
class SweepObserver : public ExperimentObserver {
 public:
  SweepObserver(const std::vector<double>& seconds, bool parallel) : parallel_(parallel) {
    total_s_ = std::accumulate(seconds.begin(), seconds.end(), 0.0);
    seconds_ = seconds;
    count_ = seconds.size();
  }

  void OnRunStart(size_t index, size_t count, const std::string& arm, uint64_t seed) override {
    run_s_ = seconds_[index];
    started_[{arm, seed}] = run_s_;
    if (!parallel_) {
      progress_.StartRun("run " + std::to_string(index + 1) + "/" + std::to_string(count) + ", " + arm + ", seed " +
                         std::to_string(seed));
    }
  }
  void OnStep(int64_t step, int64_t total, double) override {
    const double share = static_cast<double>(step) / static_cast<double>(total);
    progress_.Step(step, total, total_s_ > 0 ? (done_s_ + share * run_s_) / total_s_ : -1.0);
  }
  void OnRunDone(const RunRecord& record, bool from_store) override {
    records_.push_back(record);
    ++finished_;
    if (from_store) return;
    done_s_ += started_[{record.arm, std::stoull(record.spec.at("seed"))}];
    if (parallel_) TellPace();
  }
  void OnWarning(const std::string& sentence) override { progress_.Line("batchmark: warning: " + sentence); }
  bool StopRequested() override { return batchmark::StopRequested(); }

  const std::vector<RunRecord>& records() const { return records_; }

 private:
  // Runs side by side have no common step: a line every few seconds.
  void TellPace() {
    constexpr double kEvery_s = 5.0;
    const double now = NowSeconds();
    if (now < next_s_ && finished_ < count_) return;
    next_s_ = now + kEvery_s;
    const double left = done_s_ > 0 ? (now - begin_s_) * (total_s_ - done_s_) / done_s_ : 0.0;
    progress_.Line("batchmark: " + std::to_string(finished_) + "/" + std::to_string(count_) + " runs, ETA " +
                   Clock(left));
  }

  Progress progress_;
  bool parallel_;
  std::vector<double> seconds_;
  std::map<std::pair<std::string, uint64_t>, double> started_;
  double total_s_ = 0, done_s_ = 0, run_s_ = 0, next_s_ = 0;
  const double begin_s_ = NowSeconds();
  size_t count_ = 0, finished_ = 0;
  std::vector<RunRecord> records_;
};

int ReadCount(const std::string& text, const std::string& flag) {
  const std::optional<int64_t> count = ParseInteger(text);
  if (!count || *count < 1 || *count > 1024)
    throw UsageError(flag + " needs a whole number from 1 to 1024, not \"" + text + "\"");
  return static_cast<int>(*count);
}

SweepOptions ReadOptions(const SweepFlags& flags) {
  SweepOptions options{.convergence_only = flags.convergence_only};
  if (!flags.shard.empty()) {
    const size_t slash = flags.shard.find('/');
    if (slash == std::string::npos) throw UsageError("--shard needs i/n, as in 1/4, not \"" + flags.shard + "\"");
    options.shard = ReadCount(flags.shard.substr(0, slash), "--shard");
    options.shards = ReadCount(flags.shard.substr(slash + 1), "--shard");
    if (options.shard > options.shards)
      throw UsageError("--shard " + flags.shard + ": there is no part " + std::to_string(options.shard));
  }
  if (!flags.jobs.empty()) {
    if (!flags.convergence_only)
      throw UsageError("-j runs side by side and spoils wall times: it needs --convergence-only");
    options.jobs = ReadCount(flags.jobs, "-j");
  }
  options.command = "batchmark sweep " + flags.spec;
  for (const std::string& set : flags.sets) options.command += " --set '" + set + "'";
  if (!flags.shard.empty()) options.command += " --shard " + flags.shard;
  if (!flags.jobs.empty()) options.command += " -j " + flags.jobs;
  if (flags.convergence_only) options.command += " --convergence-only";
  return options;
}

Dataset LoadFor(const SweepSpec& sweep) {
  RunSpec spec;
  for (const SweepAxis& axis : sweep.axes) {
    if (axis.key != "data" && axis.key != "data_dir") continue;
    if (axis.values.size() != 1) throw InputError(axis.where + ": a sweep has one data set; run it once for each");
    SetRunKey(spec, axis.key, axis.values.front());
  }
  return LoadDataset(spec.data, spec.data_dir);
}

std::string Padded(std::string text, size_t width, bool right = false) {
  if (text.size() < width) text.insert(right ? 0 : text.size(), width - text.size(), ' ');
  return text;
}

size_t ArmWidth(const SweepPlan& plan) {
  size_t width = 3;
  for (const Arm& arm : plan.study.arms) width = std::max(width, arm.name.size());
  return width;
}

// "48 runs in 16 arms, 3 in the store already; about 12:30."
std::string PlanSentence(const SweepPlan& plan, const SweepOptions& options, const std::vector<bool>& done,
                         const std::vector<double>& seconds) {
  std::string text = report::Plural(plan.runs.size(), "run") + " in " + std::to_string(plan.study.arms.size()) + " arms";
  if (options.shards > 1) {
    text = "part " + std::to_string(options.shard) + " of " + std::to_string(options.shards) + ": " +
           std::to_string(plan.runs.size()) + " of " + report::Plural(plan.all_runs, "run");
  }
  const auto finished = static_cast<size_t>(std::count(done.begin(), done.end(), true));
  if (finished > 0) text += ", " + std::to_string(finished) + " in the store already";
  if (plan.repeated > 0)
    text += ", " + std::to_string(plan.repeated) + " points left out that would repeat an earlier run";
  const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0) / options.jobs;
  return text + "; about " + Clock(total) + " by measured ms a step" +
         (options.jobs > 1 ? ", " + std::to_string(options.jobs) + " at a time" : "");
}

std::string RunTable(const SweepPlan& plan, const Dataset& data, const std::vector<bool>& done,
                     const std::vector<double>& seconds) {
  const size_t width = ArmWidth(plan);
  std::string text = "  run  " + Padded("arm", width) + "  " + Padded("seed", 6, true) + Padded("steps", 9, true) +
                     Padded("about", 10, true) + "\n";
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    const PlannedRun& run = plan.runs[i];
    text += Padded(std::to_string(i + 1), 5, true) + "  " + Padded(plan.study.arms[run.arm].name, width) + "  " +
            Padded(std::to_string(run.seed), 6, true) + Padded(std::to_string(TotalSteps(run.spec, data)), 9, true) +
            Padded(done[i] ? "in store" : Clock(seconds[i]), 10, true) + "\n";
  }
  return text;
}

std::string Shown(const std::optional<double>& value) {
  if (!value) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", *value);
  return text;
}

std::string ResultTable(const SweepPlan& plan, const SweepMetric& metric, const std::vector<RunRecord>& records) {
  const size_t width = ArmWidth(plan);
  std::string text = Padded("arm", width) + "  runs  reached  diverged  pruned  median " + metric.name + "\n";
  for (const ArmSummary& arm : SummarizeSweep(plan, metric, records)) {
    text += Padded(arm.arm, width) + Padded(std::to_string(arm.runs), 6, true) +
            Padded(std::to_string(arm.reached), 9, true) + Padded(std::to_string(arm.diverged), 10, true) +
            Padded(std::to_string(arm.pruned), 8, true) + "  " + Shown(arm.metric) + "\n";
  }
  return text;
}

fs::path StorePath(const SweepFlags& flags, const SweepSpec& sweep) {
  if (!flags.store.empty()) return flags.store;
  return fs::path("out") / ("sweep-" + sweep.name) / "results.db";
}

int RunSweepCommand(const SweepFlags& flags) {
  const SweepOptions options = ReadOptions(flags);
  CheckStandardOutput();
  const SweepSpec sweep = ReadSweepFile(flags.spec, flags.sets);
  const Dataset data = LoadFor(sweep);
  const SweepPlan plan = PlanSweep(sweep, options, data);
  const fs::path path = StorePath(flags, sweep);

  // Everything that can be wrong with a run is found here, before anything is written.
  std::vector<bool> done(plan.runs.size(), false);
  if (fs::exists(path)) done = FinishedRuns(plan, options, ResultStore(path.string(), ResultStore::Mode::kReadOnly));
  const std::vector<double> seconds = EstimateSweep(plan, done, data);
  PrintNote("data: " + data.name + " " + data.hash.substr(0, 12) + " (" + data.origin + ")");
  PrintNote(PlanSentence(plan, options, done, seconds));
  if (flags.dry_run) {
    Print(RunTable(plan, data, done, seconds));
    return 0;
  }

  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (error) throw IoError("cannot create " + path.parent_path().string() + ": " + error.message());
  ResultStore store(path.string());
  CatchStopSignals();
  ExperimentResult result;
  std::string table;
  {
    SweepObserver observer(seconds, options.jobs > 1);
    result = RunSweep(plan, options, data, store, observer);
    table = ResultTable(plan, sweep.metric, observer.records());
  }
  if (result.executed + result.reused > 0) Print(table);
  PrintNote(report::Plural(result.executed, "run") + " made, " + std::to_string(result.reused) + " taken from the store, " +
            std::to_string(result.planned - result.executed - result.reused) + " missing; results in " +
            path.string() + (result.interrupted ? ", and the same command goes on" : ""));
  if (result.interrupted) return StopExitCode();
  return result.failed > 0 ? static_cast<int>(ExitCode::kIo) : 0;
}

}  // namespace

Command SweepCommand() {
  auto flags = std::make_shared<SweepFlags>();
  Command command{"sweep", "Run every point of a spec file, once each, into a store.", {}, {}, "", {}};
  command.options = {
      {"SPEC.toml", "", "method, parameters; ready ones in training/sweeps", &flags->spec, true},
      {"--store", "F.db", "results store; without it out/sweep-NAME/results.db", &flags->store},
      {"--set", "key=[...]", "values of one key, in place of the file's", &flags->sets},
      {"--dry-run", "", "show the runs and what they would cost here, and stop", &flags->dry_run},
      {"--shard", "i/n", "only part i of n; the parts make up the whole", &flags->shard},
      {"--convergence-only", "", "steps count, wall times do not: they are marked unusable, one thread a run",
       &flags->convergence_only},
      {"-j", "N", "N runs at a time; needs --convergence-only", &flags->jobs},
  };
  command.notes =
      "Finished runs are in the store: repeating the command, also after Ctrl-C or a\n"
      "crash, does only what is missing. Without --convergence-only one run at a time\n"
      "has the whole machine, and its times can be compared.\n"
      "\n"
      "A spec:\n"
      "  method = \"grid\"                  # grid | random | quasi (these need run_cap)\n"
      "  metric = { name = \"val_accuracy\", goal = \"maximize\" }\n"
      "  early_terminate = { type = \"floor\", step = 500, min = 0.3 }\n"
      "  [parameters]\n"
      "  batch = 64                       # fixed\n"
      "  bn.placement = { values = [\"none\", \"pre\"] }\n"
      "  lr = { min = 1e-3, max = 1.0, distribution = \"log_uniform\", count = 7 }\n"
      "  seed = { values = [1, 2, 3] }\n"
      "\n"
      "Examples:\n"
      "  batchmark sweep training/sweeps/lr.toml --dry-run\n"
      "  batchmark sweep training/sweeps/lr.toml --set seed=[1,2,3,4,5,6]\n"
      "  batchmark sweep my.toml --convergence-only -j 2 --shard 1/4 --store part1.db\n";
  command.run = [flags] { return RunSweepCommand(*flags); };
  return command;
}

}  // namespace batchmark
