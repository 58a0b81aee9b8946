// The arithmetic of shares: which limit, which level, and when no share may be shown.
#include "bench/machine_limits.h"

#include "core/base/cpu.h"
#include "tests/support/catch.h"

namespace batchmark::bench {
namespace {

MachineLimits Limits() {
  MachineLimits limits;
  limits.backend = "avx3";
  limits.fma_gflops = 100;
  limits.fma_flop_per_cycle = 63;
  limits.fma_ceiling = 64;
  for (StreamRates& rates : limits.streams) rates = {20, 10, 16};  // GB/s: read, write, copy
  return limits;
}

TEST_CASE("shares are refused below 60 of 64 FLOP a cycle and core", "[machine_limits]") {
  MachineLimits limits = Limits();
  CHECK(limits.WhyNoShares().empty());
  limits.fma_flop_per_cycle = 60;
  CHECK(limits.WhyNoShares().empty());
  limits.fma_flop_per_cycle = 59.9;
  CHECK(limits.WhyNoShares().find("59.9 of 64") != std::string::npos);
  limits.fma_flop_per_cycle = 66;  // more than there is: the clock was read wrong
  CHECK(!limits.WhyNoShares().empty());
  limits = Limits();
  limits.fma_gflops = 0;  // no slice in which every thread had a core
  CHECK(!limits.WhyNoShares().empty());
  limits = Limits();
  limits.fma_ceiling = 0;  // a backend without FMA has no known ceiling
  CHECK(limits.WhyNoShares().empty());
}

TEST_CASE("a bound is the slower of products and traffic", "[machine_limits]") {
  const MachineLimits limits = Limits();
  CHECK(ComputeSeconds({2e9, 0, 0}, limits) == Approx(0.02));
  // Both directions go at the copy rate as far as they pair, the rest at its own rate.
  CHECK(TrafficSeconds({0, 4e9, 0}, limits, Level::kL2) == Approx(4.0 / 20));
  CHECK(TrafficSeconds({0, 0, 4e9}, limits, Level::kL2) == Approx(4.0 / 10));
  CHECK(TrafficSeconds({0, 4e9, 1e9}, limits, Level::kL2) == Approx(2.0 / 16 + 3.0 / 20));
  CHECK(TrafficSeconds({0, 1e9, 4e9}, limits, Level::kL2) == Approx(2.0 / 16 + 3.0 / 10));
}

TEST_CASE("the level is the fastest that could hold the data", "[machine_limits]") {
  const CpuInfo cpu = ReadCpuInfo();
  if (cpu.l1d_bytes == 0 || cpu.l2_bytes <= 2 * cpu.l1d_bytes || cpu.l3_bytes <= 2 * cpu.l2_bytes)
    return;
  const auto read = [](size_t bytes) { return Work{0, static_cast<double>(bytes), 0}; };
  CHECK(LevelOf(read(cpu.l1d_bytes), 1) == Level::kL1);
  CHECK(LevelOf(read(cpu.l1d_bytes + 1), 1) == Level::kL2);
  CHECK(LevelOf(read(2 * cpu.l1d_bytes), 2) == Level::kL1);
  CHECK(LevelOf(read(cpu.l2_bytes + 1), 1) == Level::kShared);
  CHECK(LevelOf(read(cpu.l3_bytes + 1), 1) == Level::kMemory);
  Work twice = read(2 * cpu.l1d_bytes);
  twice.footprint = static_cast<double>(cpu.l1d_bytes);  // one array, read twice
  CHECK(LevelOf(twice, 1) == Level::kL1);
}

}  // namespace
}  // namespace batchmark::bench
