// batchmark experiment: list, show and run named experiments.
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "core/base/check.h"
#include "core/base/temporary_folder.h"
#include "core/base/text.h"
#include "reports/format.h"
#include "reports/report.h"
#include "reports/results.h"
#include "training/commands/command.h"
#include "training/commands/duration.h"
#include "training/commands/output.h"
#include "training/commands/progress.h"
#include "training/commands/signals.h"
#include "training/data/dataset.h"
#include "training/experiment/definition.h"
#include "training/experiment/judge.h"
#include "training/experiment/procedure.h"
#include "training/experiment/runner.h"

namespace batchmark {
namespace {

namespace fs = std::filesystem;

struct RunOptions {
  std::string name, budget, store;
  bool quick = false, cheap = false, dry_run = false;
};

// Where the full form is cheap already there is no other.
std::string FormOf(const RunOptions& options, const Experiment& e) {
  return options.quick ? "quick" : options.cheap && e.cheap ? "cheap" : "full";
}

std::string Padded(std::string text, size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

std::string Paragraph(const std::string& label, const std::string& text) {
  return text.empty() ? "" : WrapText(Padded(label, 10), 10, text);
}

std::string SizeText(const ExperimentSize& size) {
  std::string text = report::Plural(size.seeds, "seed");
  if (size.budget_s > 0) text += " within " + Clock(size.budget_s);
  return text + ", " + SizeSettingsText(size);
}

int ListExperiments() {
  size_t width = 0;
  for (const Experiment& e : Experiments()) width = std::max(width, e.name.size());
  std::string text;
  for (const Experiment& e : Experiments())
    text += WrapText(Padded(e.name, width + 2), width + 2, e.title);
  Print(text);
  return 0;
}

// "test_accuracy of "before" greater than of "after"", "... falls along "4", "8", "16"".
std::string ContrastText(const Contrast& c) {
  if (c.arms.empty()) {
    return c.measure + " of \"" + c.a + "\" " + c.direction +
           (c.b.empty() ? " than " + NumberText(c.margin)
                        : (c.direction == "equal" ? " to that of \"" : " than of \"") + c.b + "\"");
  }
  return c.measure + (c.direction == "less" ? " falls along \"" : " rises along \"") +
         report::Joined(c.arms, "\", \"") + "\"";
}

int Show(const std::string& name) {
  const Experiment& e = FindExperiment(name);
  std::string text = e.name + "\n" + WrapText("", 0, e.title) + "\n" + Paragraph("claim", e.claim) +
                     Paragraph("source", e.source) + Paragraph("base", SettingsText(e.base));
  for (const Arm& arm : e.arms) text += Paragraph("arm", arm.name + ": " + SettingsText(arm.set));
  for (const Contrast& c : e.contrasts)
    text += Paragraph("contrast", c.name + ": " + ContrastText(c) + " (" + c.test + ")");
  text += Paragraph("full", SizeText(e.full));
  if (e.cheap) text += Paragraph("cheap", SizeText(*e.cheap) + " (--cheap, or a --budget that the full form exceeds)");
  Print(text + Paragraph("quick", SizeText(e.quick)));
  return 0;
}

// Progress of all runs, and what each arm came to.
class RunObserverOnTerminal : public ExperimentObserver {
 public:
  explicit RunObserverOnTerminal(const Experiment& experiment) : experiment_(experiment) {}

  void OnPlan(const std::vector<PlannedRun>& runs, const ExperimentSizing& sizing,
              double estimated_s) override {
    count_ = runs.size();
    form_ = sizing.form;
    if (!sizing.sentence.empty()) progress_.Line(sizing.sentence);
    const Experiment in_form = InForm(experiment_, form_);
    const size_t trials = TuningRuns(in_form);
    progress_.Line(std::to_string(count_) + " runs, " +
                   (trials > 0 ? std::to_string(trials) + " tuning runs before them, " : "") +
                   std::to_string(sizing.seeds) + " seeds" +
                   (estimated_s > 0 ? ", about " + Clock(estimated_s) : ""));
    for (const std::string& sentence : RequiredRuns(in_form, sizing.seeds)) progress_.Line(sentence);
  }
  void OnRunStart(size_t index, size_t count, const std::string& arm, uint64_t seed) override {
    index_ = index;
    count_ = count;
    progress_.StartRun("run " + std::to_string(index + 1) + "/" + std::to_string(count) + ", " +
                       arm + ", seed " + std::to_string(seed));
  }
  void OnStep(int64_t step, int64_t total, double) override {
    const double run_share = static_cast<double>(step) / static_cast<double>(total);
    progress_.Step(step, total,
                   (static_cast<double>(index_) + run_share) / static_cast<double>(count_));
  }
  void OnReading(const Reading& reading) override {
    if (reading.name == "val_accuracy")
      progress_.Note(
          reading.name + " " +
          NumberText(static_cast<double>(static_cast<int64_t>(reading.value * 1e4 + 0.5)) / 1e4));
  }
  bool StopRequested() override { return batchmark::StopRequested(); }
  void OnRunDone(const RunRecord& record, bool) override { records_.push_back(record); }
  void OnWarning(const std::string& sentence) override {
    progress_.Line("batchmark: warning: " + sentence);
  }

  const std::vector<RunRecord>& records() const { return records_; }
  const std::string& form() const { return form_; }

 private:
  const Experiment& experiment_;
  Progress progress_;
  size_t index_ = 0, count_ = 1;
  std::vector<RunRecord> records_;
  std::string form_;
};

// Steps to target of the seeds, in their order: "120, 140, > 600".
std::string StepsText(const std::vector<const RunRecord*>& runs) {
  std::string text;
  for (const RunRecord* run : runs) {
    text += text.empty() ? "" : ", ";
    if (run->status == "diverged") {
      text += "diverged";
    } else {
      text += run->steps_to_target ? std::to_string(*run->steps_to_target)
                                   : "> " + std::to_string(run->steps);
    }
  }
  return text;
}

std::string ArmTable(const Experiment& e, const std::vector<RunRecord>& records) {
  size_t width = 4;
  for (const Arm& arm : e.arms) width = std::max(width, arm.name.size());
  std::string text = Padded("arm", width + 2) + "steps to target, by seed\n";
  for (const Arm& arm : e.arms) {
    std::map<std::pair<size_t, std::string>, const RunRecord*> by_seed;  // shorter numbers first
    for (const RunRecord& record : records) {
      if (record.arm != arm.name) continue;
      const std::string& seed = record.spec.at("seed");
      by_seed[{seed.size(), seed}] = &record;
    }
    std::vector<const RunRecord*> runs;
    for (const auto& [seed, record] : by_seed) runs.push_back(record);
    text += WrapText(Padded(arm.name, width + 2), width + 2, StepsText(runs));
  }
  return text;
}

std::string PlanTable(const Experiment& e, const ExperimentSize& size) {
  std::string text;
  for (const Arm& arm : e.arms) text += WrapText("  " + arm.name + ": ", 4, SettingsText(arm.set));
  return text + WrapText("  common: ", 4, SettingsText(e.base) + " " + SettingsText(size.set));
}

// A folder for all that belongs to one experiment; the report of a store named by the user lies
// beside it.
struct Places {
  fs::path store, report;
};

Places FindPlaces(const RunOptions& options) {
  if (!options.store.empty()) {
    const fs::path store = options.store;
    return {store, store.parent_path() / (store.stem().string() + "-report")};
  }
  const fs::path folder = fs::path("out") / (options.name + (options.quick ? "-quick" : ""));
  return {folder / "results.db", folder};
}

Dataset LoadFor(const Experiment& e, const ExperimentOptions& options) {
  const RunSpec spec = ArmSpec(e, e.Size(options.form), 0, 1, 0, options.overrides);
  Dataset data = LoadDataset(spec.data, spec.data_dir);
  PrintNote("data: " + data.name + " " + data.hash.substr(0, 12) + " (" + data.origin + ")");
  return data;
}

int DryRun(const RunOptions& options, const Experiment& e,
           const ExperimentOptions& experiment_options) {
  const Dataset data = LoadFor(e, experiment_options);
  // Nothing that stays is written: the store is read if there is one, else a passing one serves.
  const TemporaryFolder passing("dry-run");
  const Places places = FindPlaces(options);
  std::optional<ResultStore> store;
  if (fs::exists(places.store)) {
    store.emplace(places.store.string(), ResultStore::Mode::kReadOnly);
  } else {
    store.emplace(passing / "results.db");
  }
  RunObserverOnTerminal observer(e);
  RunExperiment(e, experiment_options, data, *store, observer);
  Print(PlanTable(InForm(e, observer.form()), e.Size(observer.form())));
  return 0;
}

int Run(const RunOptions& options) {
  const Experiment& e = FindExperiment(options.name);
  ExperimentOptions experiment_options;
  if (options.quick && options.cheap) throw UsageError("--quick and --cheap name two forms: give one");
  experiment_options.form = FormOf(options, e);
  experiment_options.dry_run = options.dry_run;
  if (!options.budget.empty()) experiment_options.budget_s = ParseDuration(options.budget);
  experiment_options.command = "batchmark experiment run " + e.name +
                               (options.quick ? " --quick" : options.cheap ? " --cheap" : "") +
                               (options.budget.empty() ? "" : " --budget " + options.budget);
  CheckStandardOutput();
  if (options.dry_run) return DryRun(options, e, experiment_options);

  const Dataset data = LoadFor(e, experiment_options);  // first: without data nothing is left behind
  const Places places = FindPlaces(options);
  MakeFolder(places.store.parent_path().string());
  ResultStore store(places.store.string());
  CatchStopSignals();
  ExperimentResult result;
  std::vector<RunRecord> records;
  {
    RunObserverOnTerminal observer(e);
    result = RunExperiment(e, experiment_options, data, store, observer);
    records = observer.records();
  }
  if (result.interrupted) {
    PrintNote("stopped; " + std::to_string(result.executed + result.reused) +
              (result.more_may_follow ? " of at least " : " of ") + std::to_string(result.planned) +
              " runs are kept in " + places.store.string() + ", and the same command goes on");
    return StopExitCode();
  }
  if (result.reused > 0)
    PrintNote(std::to_string(result.reused) + " of " + std::to_string(result.planned) +
              " runs were in " + places.store.string() + " already");
  const Judgement judgement = JudgeRuns(result.as_run, records);
  Print(ArmTable(result.as_run, records));
  for (const std::string& sentence : judgement.sentences) Print(WrapText("", 2, sentence));
  Print("report: " + WriteReport({places.store.string()}, places.report.string()) + "\n");
  return result.failed > 0 ? static_cast<int>(ExitCode::kIo) : judgement.exit_code;
}

Command RunCommand() {
  auto options = std::make_shared<RunOptions>();
  Command command{"run", "Run an experiment into a store and write its report.", {}, {}, "", {}};
  command.options = {
      {"NAME", "", "one of `batchmark experiment list`", &options->name, true},
      {"--quick", "", "the small form, for a first look", &options->quick},
      {"--cheap", "", "at most 2 epochs or 2,000 steps a run, enough seeds to decide", &options->cheap},
      {"--budget", "TIME", "fit seeds, form and steps to a time (90s, 30m, 2h); says what was cut",
       &options->budget},
      {"--dry-run", "", "show the runs and what they would cost, and stop", &options->dry_run},
      {"--store", "F.db", "results store; without it out/NAME/results.db", &options->store},
  };
  command.notes =
      "Exit code 1: the claim is refuted; 0: supported, or inconclusive.\n"
      "Finished runs are in the store: repeating the command, also after Ctrl-C,\n"
      "does only what is missing.\n"
      "\n"
      "Examples:\n"
      "  batchmark experiment run seed-keras-mnist --quick\n"
      "  batchmark experiment run seed-keras-mnist --budget 30m --store long.db\n";
  command.run = [options] { return Run(*options); };
  return command;
}

Command ShowCommand() {
  auto name = std::make_shared<std::string>();
  Command command{"show", "Show claim, arms, contrasts and sizes of an experiment.", {}, {}, "",
                  {}};
  command.options = {{"NAME", "", "one of `batchmark experiment list`", name.get(), true}};
  command.run = [name] { return Show(*name); };
  return command;
}

}  // namespace

Command ExperimentCommand() {
  Command command{
      "experiment", "Run a named experiment: a published claim, its arms and its report.",
      {},           {},
      "",           {}};
  command.subcommands = {
      {"list", "List the named experiments.", {}, {}, "", ListExperiments},
      ShowCommand(),
      RunCommand()};
  command.notes = "Example:\n  batchmark experiment run seed-keras-mnist --quick\n";
  return command;
}

}  // namespace batchmark
