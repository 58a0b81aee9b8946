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
  bool is_virtual = false;  // a virtual machine, as far as x86 tells
};
CpuInfo ReadCpuInfo();

// Bytes of the cache that all cores share, as far as they can be counted on; read once. 32 MiB where
// the machine does not tell. A virtual machine sees the whole cache of its host and shares it with
// others: no more than 32 MiB either (two cores of a host with 300 MiB, one thread: a copy of 22 MB
// in all that is then read takes 0.91 times as long through the caches as past them, of 38 MB 1.31,
// of 151 MB 1.39).
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
