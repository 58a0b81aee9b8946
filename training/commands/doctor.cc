// batchmark doctor: is this machine fit for measuring? Reads only, changes nothing; advice is
// printed as commands for the user to run.
#include <sched.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include "core/base/cpu.h"
#include "core/base/parallel.h"
#include "core/base/text.h"
#include "core/simd/backend.h"
#include "reports/format.h"
#include "training/commands/command.h"
#include "training/commands/output.h"
#include "training/data/dataset.h"

namespace batchmark {
namespace {

// One line of the report. Advice is empty when nothing is wrong; "unknown" is never wrong.
struct Finding {
  std::string name, value, advice;
};

std::optional<std::string> FirstLine(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  if (!std::getline(in, line)) return {};
  return line;
}

std::string Fixed(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

Finding Processor() {
  const CpuInfo cpu = ReadCpuInfo();
  auto kib = [](size_t bytes) { return std::to_string(bytes >> 10) + " KiB"; };
  return {"processor",
          cpu.model + "; L1d " + kib(cpu.l1d_bytes) + ", L2 " + kib(cpu.l2_bytes) + ", L3 " +
              kib(cpu.l3_bytes),
          ""};
}

Finding Threads() {
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  const int usable = AvailableThreads();
  std::string value =
      std::to_string(usable) + " of " + std::to_string(online) + " processors usable";
  if (usable < online)
    return {"threads", value,
            "the affinity mask (taskset, cpuset, Slurm) leaves some out; fine if meant"};
  return {"threads", value, ""};
}

Finding Simd() {
  return {"simd", ActiveBackend() + " in use; here: " + report::Joined(BackendNames(), ", "), ""};
}

Finding Denormals() {
  return {
      "denormals", FlushDenormalsIsSet() ? "flushed to zero (FTZ, DAZ)" : "kept",
      FlushDenormalsIsSet() ? "" : "this processor does not flush them; tiny values may be slow"};
}

Finding Governor() {
  const auto governor = FirstLine("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  if (!governor) return {"governor", "not shown (usual on virtual machines)", ""};
  if (*governor == "performance") return {"governor", *governor, ""};
  return {"governor", *governor,
          "clock follows load; for measuring: sudo cpupower frequency-set -g performance"};
}

Finding Boost() {
  if (const auto no_turbo = FirstLine("/sys/devices/system/cpu/intel_pstate/no_turbo")) {
    if (*no_turbo == "1") return {"boost", "off", ""};
    return {"boost", "on",
            "clock depends on heat; for steady times: echo 1 | sudo tee "
            "/sys/devices/system/cpu/intel_pstate/no_turbo"};
  }
  if (const auto boost = FirstLine("/sys/devices/system/cpu/cpufreq/boost")) {
    if (*boost == "0") return {"boost", "off", ""};
    return {"boost", "on",
            "clock depends on heat; for steady times: echo 0 | sudo tee "
            "/sys/devices/system/cpu/cpufreq/boost"};
  }
  return {"boost", "not shown", ""};
}

Finding Smt() {
  const auto active = FirstLine("/sys/devices/system/cpu/smt/active");
  if (!active) return {"smt", "not shown", ""};
  if (*active != "1") return {"smt", "off", ""};
  return {"smt", "on",
          "two threads share a core; try threads = number of cores (lscpu -e shows the pairs)"};
}

Finding Load() {
  double one = 0;
  std::ifstream("/proc/loadavg") >> one;
  const std::string value = Fixed(one, 2) + " over the last minute";
  if (one < 0.5) return {"load", value, ""};
  return {"load", value, "something else is running; wait, or look with: top"};
}

// Share of processor time that the hypervisor kept for others since boot.
Finding Steal() {
  std::ifstream in("/proc/stat");
  std::string label;
  in >> label;
  double total = 0, steal = 0, ticks = 0;
  for (int column = 0; column < 8 && in >> ticks; ++column) {
    total += ticks;
    if (column == 7) steal = ticks;
  }
  if (total == 0) return {"steal", "not shown", ""};
  const double percent = 100.0 * steal / total;
  return {"steal", Fixed(percent, 2) + " % since boot",
          percent < 1.0
              ? ""
              : "neighbours on this host take time; repeat measurements, compare interleaved"};
}

// cgroup v2 (cpu.max: "quota period" or "max period"), else v1.
Finding Quota() {
  double quota = -1, period = 0;
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string word;
  if (v2 >> word >> period) {
    quota = ParseNumber(word).value_or(-1);
  } else {
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
  }
  if (quota <= 0 || period <= 0) return {"cpu quota", "none", ""};
  const double cpus = quota / period;
  const std::string value = Fixed(cpus, 2) + " processors' worth";
  if (cpus >= AvailableThreads()) return {"cpu quota", value, ""};
  return {"cpu quota", value,
          "fewer than the threads in use: times will stutter; set threads=" +
              std::to_string(cpus < 1 ? 1 : static_cast<int>(cpus))};
}

Finding HugePages() {
  const auto line = FirstLine("/sys/kernel/mm/transparent_hugepage/enabled");
  if (!line) return {"huge pages", "not shown", ""};
  const size_t open = line->find('['), close = line->find(']');
  const bool marked = open != std::string::npos && close != std::string::npos;
  const std::string mode = marked ? line->substr(open + 1, close - open - 1) : *line;
  if (mode != "never") return {"huge pages", mode, ""};
  return {"huge pages", mode,
          "large buffers use small pages; echo madvise | sudo tee "
          "/sys/kernel/mm/transparent_hugepage/enabled"};
}

Finding Data() {
  std::string broken;
  for (const DataCandidate& candidate : ListDatasets("")) {
    if (candidate.usable) {
      const bool built_in = candidate.where == "built in";
      return {
          "data", candidate.verdict + " (" + candidate.where + ")",
          built_in ? "no image set was found" + broken + "; for MNIST: batchmark data fetch" : ""};
    }
    if (candidate.verdict.find(": ") != std::string::npos) broken += "; " + candidate.verdict;
  }
  return {"data", "none usable", "see: batchmark data list"};
}

Finding Store() {
  struct statvfs info {};
  if (access(".", W_OK) != 0 || statvfs(".", &info) != 0)
    return {"store", "this folder is not writable",
            "go to a writable folder, or name one with --store and --out"};
  const double gib =
      static_cast<double>(info.f_bavail) * static_cast<double>(info.f_frsize) / (1 << 30);
  return {"store", "this folder is writable, " + Fixed(gib, 1) + " GiB free",
          gib < 0.1 ? "nearly full: results may not fit" : ""};
}

int RunDoctor() {
  const Finding findings[] = {
      Processor(), Threads(),   Simd(), Denormals(), {"scheduler", ParallelBackend(), ""},
      Governor(),  Boost(),     Smt(),  Load(),      Steal(),
      Quota(),     HugePages(), Data(), Store()};
  std::string text, advice;
  for (const Finding& finding : findings) {
    std::string name = finding.name;
    name.resize(11, ' ');
    text += name + finding.value + "\n";
    if (!finding.advice.empty()) advice += "  " + finding.name + ": " + finding.advice + "\n";
  }
  Print(text + "\n" +
        (advice.empty() ? "Nothing stands in the way of steady measurements.\n"
                        : "Advice:\n" + advice));
  return 0;
}

}  // namespace

Command DoctorCommand() {
  return {
      "doctor", "Report whether this machine is fit for measuring; reads only, changes nothing.",
      {},       {},
      "",       RunDoctor};
}

}  // namespace batchmark
