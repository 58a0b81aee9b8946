#include "core/base/aligned.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "core/base/parts.h"

namespace batchmark {
namespace {
constexpr size_t kHugePage = size_t{2} << 20;
}

void* AllocateAligned(size_t bytes) {
  if (bytes == 0) return nullptr;
  const size_t alignment = bytes >= 2 * kHugePage ? kHugePage : kAlignment;
  const size_t rounded = RoundUp(bytes, alignment);
  void* pointer = std::aligned_alloc(alignment, rounded);
  if (pointer == nullptr) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  if (alignment == kHugePage) (void)madvise(pointer, rounded, MADV_HUGEPAGE);
#endif
  std::memset(pointer, 0, rounded);
  return pointer;
}

void FreeAligned(void* pointer) { std::free(pointer); }

}  // namespace batchmark
