// From an outcome to the row that the store keeps, and the facts about this machine and program.
#include <ctime>
#include <nlohmann/json.hpp>

#include "core/base/build_info.h"
#include "core/base/cpu.h"
#include "core/base/parallel.h"
#include "core/base/text.h"
#include "core/simd/backend.h"
#include "training/experiment/runner.h"

namespace batchmark {

std::string UtcNow() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  (void)std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

RunRecord MakeRecord(const RunSpec& spec, const Dataset& data, const RunOutcome& o, const std::string& experiment,
                     const std::string& arm, const std::string& started_at) {
  RunRecord r;
  r.key = RunKeyHash(spec, data.hash);
  r.experiment = experiment;
  r.arm = arm;
  for (const RunKey& key : RunKeys()) {
    if (key.in_key) r.spec[key.name] = key.get(spec);
  }
  r.data_name = data.name, r.data_hash = data.hash;
  r.backend = o.backend, r.compute = spec.compute, r.threads = o.threads;
  r.binary_id = BinaryId(), r.host_id = HostId();
  r.status = ToText(o.status);
  r.steps = o.steps, r.steps_to_target = o.steps_to_target, r.time_to_target_s = o.time_to_target_s;
  r.train_s = o.train_s, r.eval_s = o.eval_s, r.wall_s = o.wall_s;
  r.ms_per_step = o.ms_per_step, r.ms_per_step_median = o.ms_per_step_median, r.samples_per_s = o.samples_per_s;
  r.train_loss = o.train_loss, r.val_accuracy = o.val_accuracy, r.test_accuracy = o.test_accuracy;
  r.diverged_step = o.diverged_step, r.diverged_place = o.diverged_place;
  r.state_hash = o.state_hash;
  r.started_at = started_at, r.finished_at = UtcNow();
  for (const Reading& reading : o.readings) r.readings.push_back({reading.step, reading.name, reading.value});
  return r;
}

std::string EnvironmentJson(const RunSpec& spec, const Dataset& data) {
  const CpuInfo cpu = ReadCpuInfo();
  const BuildInfo& build = GetBuildInfo();
  const auto kib = [](size_t bytes) { return std::to_string(bytes >> 10) + " KiB"; };
  return nlohmann::ordered_json{{"batchmark", build.version + " (" + build.revision + ")"},
                                {"compiler", build.compiler + ", " + build.build_type},
                                {"cpu", cpu.model},
                                {"caches", "L1d " + kib(cpu.l1d_bytes) + ", L2 " + kib(cpu.l2_bytes) + ", L3 " + kib(cpu.l3_bytes)},
                                {"cores available", AvailableThreads()},
                                {"threads", spec.threads},
                                {"SIMD backend", spec.simd},
                                {"compute", spec.compute},
                                {"scheduler", ParallelBackend()},
                                {"data", data.name},
                                {"data hash", data.hash},
                                {"binary id", BinaryId()},
                                {"host id", HostId()},
                                {"date", UtcNow()}}
      .dump(1);
}

}  // namespace batchmark
