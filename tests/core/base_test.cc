// Random numbers, hashes, the parallel seam.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <set>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/base/cpu.h"
#include "core/base/median.h"
#include "core/base/parallel.h"
#include "core/base/rng.h"
#include "core/base/sha256.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

TEST_CASE("Philox4x32-10 gives Random123's known answers", "[rng]") {
  CHECK(Philox4x32({0, 0, 0, 0}, {0, 0}) == PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("The middle value of an even number is between the two", "[median]") {
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK(MiddleValue({5, 1, 3}) == 3);
  CHECK(MiddleValue({4, 1, 3, 9}) == 3.5);
  CHECK(MiddleValue({infinite, 1, 2}) == 2);
  CHECK(MiddleValue({infinite, 1}) == infinite);
  CHECK(MiddleValue({}) == 0);
}

TEST_CASE("Draws have the moments of their distributions", "[rng]") {
  const Rng rng(42, RngStream::kStatistics);
  constexpr int kDraws = 100000;
  double uniform = 0, normal = 0, normal2 = 0, beyond2 = 0;
  for (int i = 0; i < kDraws; ++i) {
    uniform += rng.Uniform(i);
    const double z = rng.Normal(i);
    normal += z, normal2 += z * z, beyond2 += std::abs(z) > 1.959963985;
  }
  // Five standard errors of each mean.
  CHECK(std::abs(uniform / kDraws - 0.5) < 5 * 0.2887 / std::sqrt(kDraws));
  CHECK(std::abs(normal / kDraws) < 5 / std::sqrt(kDraws));
  CHECK(std::abs(normal2 / kDraws - 1) < 5 * std::sqrt(2.0 / kDraws));
  CHECK(std::abs(beyond2 / kDraws - 0.05) < 5 * std::sqrt(0.05 * 0.95 / kDraws));
}

TEST_CASE("Streams, sub-streams and seeds differ; the same address gives the same draw", "[rng]") {
  const Rng a(1, RngStream::kWeights), b(2, RngStream::kWeights), c(1, RngStream::kDropout),
      d(1, RngStream::kWeights, 1);
  CHECK(a.Bits(5) == Rng(1, RngStream::kWeights).Bits(5));
  CHECK(std::set<uint32_t>{a.Bits(5), b.Bits(5), c.Bits(5), d.Bits(5), a.Bits(6)}.size() == 5);
}

TEST_CASE("SHA-256 gives the answers of FIPS 180-4", "[sha256]") {
  CHECK(Sha256Hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(Sha256Hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  Sha256 million;
  for (int i = 0; i < 1000; ++i) million.Update(std::string(1000, 'a'));
  CHECK(million.HexDigest() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("Of a last cache that a virtual machine shares no more than 32 MiB are counted on", "[cpu]") {
  const CpuInfo cpu = ReadCpuInfo();
  const size_t usual = size_t{32} << 20, largest = std::max(cpu.l2_bytes, cpu.l3_bytes);
  if (largest == 0) {
    CHECK(LastCacheBytes() == usual);
  } else {
    CHECK(LastCacheBytes() == (cpu.is_virtual ? std::min(usual, largest) : largest));
  }
}

TEST_CASE("n threads really run at once", "[parallel]") {
  if (std::string(ParallelBackend()) == "serial") return;
  for (int threads : {2, 3, 8}) {
    Parallel parallel(threads);
    std::atomic<int> here{0};
    std::mutex mutex;
    std::set<std::thread::id> ids;
    std::set<int> workers;
    // Nobody leaves before all have come: only `threads` threads at once can finish this.
    parallel.For(static_cast<size_t>(threads), [&](size_t, int worker) {
      {
        std::lock_guard lock(mutex);
        ids.insert(std::this_thread::get_id());
        workers.insert(worker);
      }
      ++here;
      const double begin = NowSeconds();
      while (here < threads && NowSeconds() - begin < 30.0) std::this_thread::yield();
    });
    CHECK(here == threads);
    CHECK(ids.size() == static_cast<size_t>(threads));
    CHECK(workers.size() == static_cast<size_t>(threads));
    CHECK(*workers.rbegin() == threads - 1);
  }
}

TEST_CASE("Every chunk runs once, exceptions reach the caller, denormals are flushed in workers", "[parallel]") {
  Parallel parallel(3);
  std::vector<std::atomic<int>> count(1000);
  std::atomic<int> unflushed{0};
  parallel.For(count.size(), [&](size_t i, int) {
    ++count[i];
    if (!FlushDenormalsIsSet()) ++unflushed;
  });
  for (const auto& c : count) CHECK(c == 1);
  CHECK(unflushed == 0);
  CHECK_THROWS_AS(parallel.For(10, [](size_t i, int) {
    if (i == 7) throw std::runtime_error("seven");
  }), std::runtime_error);
  int after = 0;
  parallel.For(1, [&](size_t, int) { ++after; });
  CHECK(after == 1);
}

TEST_CASE("Inside a region loops reach awake workers, each chunk once, whatever comes before", "[parallel]") {
  const int threads = AvailableThreads();
  Parallel parallel(threads);
  std::vector<std::atomic<int>> count(70000);  // more than one loop of the team holds
  std::atomic<int> unflushed{0}, strangers{0};
  size_t loops = 0;
  const auto check = [&](size_t chunks) {
    for (auto& c : count) c = 0;
    parallel.For(chunks, [&](size_t i, int worker) {
      ++count[i];
      if (!FlushDenormalsIsSet()) ++unflushed;
      if (worker < 0 || worker >= threads) ++strangers;
    });
    size_t wrong = 0;
    for (size_t i = 0; i < count.size(); ++i) wrong += count[i] != (i < chunks ? 1 : 0);
    CHECK(wrong == 0);
    ++loops;
  };
  for (int again = 0; again < 3; ++again) {
    parallel.Region([&] {
      for (size_t chunks : {0, 1, 2, 3, 7, 70000, 1000}) check(chunks);
      parallel.Region([&] { check(5); });
      CHECK_THROWS_AS(parallel.For(10, [](size_t i, int) {
        if (i % 3 == 0) throw std::runtime_error("three");
      }), std::runtime_error);
      check(11);
    });
    check(100);
  }
  CHECK(loops == 30);
  CHECK(unflushed == 0);
  CHECK(strangers == 0);
  CHECK_THROWS_AS(parallel.Region([] { throw std::runtime_error("body"); }), std::runtime_error);
  check(4);
}

TEST_CASE("A region's workers run at once with its leader", "[parallel]") {
  const int threads = AvailableThreads();
  if (std::string(ParallelBackend()) == "serial" || threads < 2) return;
  Parallel parallel(threads);
  std::atomic<int> here{0};
  std::mutex mutex;
  std::set<int> workers;
  parallel.Region([&] {
    parallel.For(static_cast<size_t>(threads), [&](size_t, int worker) {
      {
        std::lock_guard lock(mutex);
        workers.insert(worker);
      }
      ++here;
      const double begin = NowSeconds();
      while (here < threads && NowSeconds() - begin < 30.0) std::this_thread::yield();
    });
  });
  CHECK(here == threads);
  CHECK(workers.size() == static_cast<size_t>(threads));
}

TEST_CASE("Scratch is private to a worker and keeps its size", "[parallel]") {
  Parallel parallel(2);
  parallel.ReserveScratch(1000);
  void* const first = parallel.Scratch(0);
  parallel.ReserveScratch(10);
  CHECK(parallel.Scratch(0) == first);
  CHECK(parallel.Scratch(0) != parallel.Scratch(1));
  CHECK(reinterpret_cast<uintptr_t>(parallel.Scratch(1)) % 64 == 0);
}

}  // namespace
}  // namespace batchmark
