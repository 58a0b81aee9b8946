#include "core/base/cpu.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>

#include "core/base/sha256.h"

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#define BATCHMARK_HAVE_MXCSR 1
#endif

namespace batchmark {
namespace {

constexpr unsigned kFlushDenormals = 0x8040;  // MXCSR: FTZ (bit 15) and DAZ (bit 6)

size_t ReadCacheBytes(const std::string& index) {
  std::ifstream file("/sys/devices/system/cpu/cpu0/cache/" + index + "/size");
  size_t value = 0;
  char unit = 0;
  if (!(file >> value)) return 0;
  file >> unit;
  return unit == 'K' ? value << 10 : unit == 'M' ? value << 20 : value;
}

}  // namespace

int AvailableThreads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int threads = 1;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) threads = std::max(1, CPU_COUNT(&set));
  if (const char* slurm = std::getenv("SLURM_CPUS_PER_TASK")) {
    const int limit = std::atoi(slurm);
    if (limit > 0) threads = std::min(threads, limit);
  }
  return threads;
}

size_t LastCacheBytes() {
  static const size_t bytes = [] {
    constexpr size_t kUsual = size_t{32} << 20;
    const CpuInfo cpu = ReadCpuInfo();
    const size_t largest = std::max(cpu.l2_bytes, cpu.l3_bytes);
    if (largest == 0) return kUsual;
    return cpu.is_virtual ? std::min(largest, kUsual) : largest;
  }();
  return bytes;
}

CpuInfo ReadCpuInfo() {
  CpuInfo info;
  info.model = "unknown";
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) {
      const size_t colon = line.find(": ");
      if (colon != std::string::npos) info.model = line.substr(colon + 2);
    }
    if (line.rfind("flags", 0) == 0) {
      info.is_virtual = (line + ' ').find(" hypervisor ") != std::string::npos;
      break;
    }
  }
  info.l1d_bytes = ReadCacheBytes("index0");
  info.l2_bytes = ReadCacheBytes("index2");
  info.l3_bytes = ReadCacheBytes("index3");
  return info;
}

void SetFlushDenormals() {
#ifdef BATCHMARK_HAVE_MXCSR
  _mm_setcsr(_mm_getcsr() | kFlushDenormals);
#endif
}

bool FlushDenormalsIsSet() {
#ifdef BATCHMARK_HAVE_MXCSR
  return (_mm_getcsr() & kFlushDenormals) == kFlushDenormals;
#else
  return true;
#endif
}

double NowSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string HostId() {
  char name[256] = {};
  (void)gethostname(name, sizeof(name) - 1);
  return Sha256Hex(ReadCpuInfo().model + "\n" + std::to_string(AvailableThreads()) + "\n" + name)
      .substr(0, 16);
}

}  // namespace batchmark
