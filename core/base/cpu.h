// What the machine is: cores we may use, cache sizes, floating-point mode, wall clock. Reads only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace batchmark {

// Processors in the affinity mask (what `nproc` prints), bounded by $SLURM_CPUS_PER_TASK if set.
int AvailableThreads();

struct CpuInfo {
  std::string model;  // "Intel(R) Xeon(R) Processor", or "unknown"
  size_t l1d_bytes = 0;
  size_t l2_bytes = 0;
  size_t l3_bytes = 0;
};
CpuInfo ReadCpuInfo();

// Bytes of the cache that all cores share, read once; 32 MiB where the machine does not tell.
size_t LastCacheBytes();

// Flush-to-zero and denormals-are-zero for the calling thread. Set in main before the first
// scheduler call; Parallel hands it to its workers.
void SetFlushDenormals();
bool FlushDenormalsIsSet();

// Seconds on a steady clock.
double NowSeconds();

// Stable identity of this machine for wall times: SHA-256 (first 16 hex digits) of CPU model, core
// count and host name.
std::string HostId();

}  // namespace batchmark
