// The probe loops do the work they claim, on every backend. (How fast is never a test's business.)
#include "core/simd/peak_probe.h"

#include "core/base/aligned.h"
#include "core/simd/backend.h"
#include "tests/support/catch.h"

namespace batchmark {
namespace {

constexpr size_t kSize = 3 * 4 * kPeakBlock;

TEST_CASE("peak probes count their work", "[peak_probe]") {
  for (const std::string& backend : BackendNames()) {
    INFO(backend);
    ForceBackend(backend);
    const double lanes = static_cast<double>(ActiveVectorBytes()) / sizeof(float);
    // 12 chains, unrolled four times, two operations a lane.
    CHECK(PeakFmaLoop(10) == 10 * 12 * 4 * 2 * lanes);
    const double ceiling = PeakFmaCeiling();
    CHECK((ceiling == 0 || ceiling == 4 * lanes));
  }
  ForceBackend("auto");
  const double cycles = PeakAddChain(10);
  CHECK((cycles == 0 || cycles == 640));
}

TEST_CASE("peak streams touch every element", "[peak_probe]") {
  AlignedBuffer<float> src(kSize), dst(kSize);
  for (size_t i = 0; i < kSize; ++i) src[i] = static_cast<float>(i % 7);
  double sum = 0;
  for (const float value : src) sum += value;
  for (const std::string& backend : BackendNames()) {
    ForceBackend(backend);
    for (const StreamStore store : {StreamStore::kCached, StreamStore::kPast}) {
      INFO(backend << (store == StreamStore::kPast ? " past the caches" : " cached"));
      PeakWrite(dst.data(), kSize, 0.5f, store);
      size_t wrong = 0;
      for (const float value : dst) wrong += value != 0.5f;
      CHECK(wrong == 0);
      PeakCopy(src.data(), dst.data(), kSize, store);
      for (size_t i = 0; i < kSize; ++i) wrong += dst[i] != src[i];
      CHECK(wrong == 0);
    }
    // Sums of small integers are exact in any order.
    CHECK(PeakRead(src.data(), kSize, 1) == static_cast<float>(sum));
    CHECK(PeakRead(src.data(), kSize, 4) == static_cast<float>(sum));
  }
  ForceBackend("auto");
  EvictFromCaches(src.data(), kSize);  // changes where the data is, not what it is
  CHECK(src[kSize - 1] == static_cast<float>((kSize - 1) % 7));
}

}  // namespace
}  // namespace batchmark
