// A step allocates nothing: operator new is counted while steps run.
#include <atomic>
#include <cstdlib>
#include <map>
#include <new>
#include <string>

#include "tests/support/catch.h"
#include "training/trainer/session.h"

namespace {
std::atomic<long> allocations{0};
}

void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* p = std::malloc(bytes == 0 ? 1 : bytes)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes == 0 ? 1 : bytes);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace batchmark {
namespace {

TEST_CASE("Training steps allocate nothing", "[trainer][allocation]") {
  const Dataset data = LoadDataset("synth-digits", "");
  for (const char* placement : {"none", "pre", "post"}) {
    for (const char* net : {"seed-cnn", "ioffe-mlp", "conv3x3same:8 relu, maxpool2, dropout:0.2, flatten, dense:10"}) {
      RunSpec spec;
      SetRunKey(spec, "net", net);
      SetRunKey(spec, "bn.placement", placement);
      SetRunKey(spec, "bn.stats", "ghost:8");
      SetRunKey(spec, "momentum", "0.9");
      // One thread: what the scheduler allocates for its own tasks is not ours to count.
      SetRunKey(spec, "threads", "1");
      SetRunKey(spec, "steps", "8");
      TrainingSession session(ResolveRunSpec(spec), data, {});
      session.Step();
      session.Step();  // tile cuts of this batch size are made on first sight
      const long before = allocations;
      for (int i = 0; i < 5; ++i) session.Step();
      const long made = allocations - before;
      CAPTURE(placement, net);
      CHECK(made == 0);
    }
  }
}

}  // namespace
}  // namespace batchmark
