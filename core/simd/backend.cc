// Names for Highway's targets; the dispatch itself stays Highway's.
#include "core/simd/backend.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>

#include "core/base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/backend.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace batchmark {
namespace HWY_NAMESPACE {

size_t VectorBytes() {
  return hwy::HWY_NAMESPACE::Lanes(hwy::HWY_NAMESPACE::ScalableTag<float>()) * sizeof(float);
}
int64_t Target() { return HWY_TARGET; }

}  // namespace HWY_NAMESPACE
}  // namespace batchmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace batchmark {
namespace {

HWY_EXPORT(VectorBytes);
HWY_EXPORT(Target);

std::string LowerName(int64_t target) {
  std::string name = hwy::TargetName(target);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

// Asked once, before any forcing, because Highway's list follows the forced target.
const std::vector<int64_t>& Targets() {
  static const std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  return targets;
}

}  // namespace

std::vector<std::string> BackendNames() {
  std::vector<std::string> names;
  for (const int64_t target : Targets()) names.push_back(LowerName(target));
  return names;
}

std::string ActiveBackend() { return LowerName(HWY_DYNAMIC_DISPATCH(Target)()); }

void ForceBackend(std::string_view name) {
  const std::vector<int64_t>& targets = Targets();
  if (name == "auto") return hwy::SetSupportedTargetsForTest(0);
  std::string known;
  for (const int64_t target : targets) {
    const std::string candidate = LowerName(target);
    if (candidate == name) {
      if (candidate != ActiveBackend()) hwy::SetSupportedTargetsForTest(target);
      return;
    }
    known += candidate + ", ";
  }
  throw UsageError("unknown backend \"" + std::string(name) + "\": this machine has " + known +
                   "and auto");
}

void ForceBackendFromEnvironment() {
  const char* name = std::getenv("BATCHMARK_BACKEND");
  if (name != nullptr && *name != '\0') ForceBackend(name);
}

size_t ActiveVectorBytes() { return HWY_DYNAMIC_DISPATCH(VectorBytes)(); }

}  // namespace batchmark
#endif  // HWY_ONCE
