#include "core/base/aligned.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "core/base/parts.h"

namespace batchmark {
namespace {
constexpr size_t kHugePage = size_t{2} << 20;
// From so many bytes on, whole huge pages: a worker's scratch of 1.2 MB is written by Winograd's
// maps in 36 streams, each in another small page (a convolution takes 2 to 7 % longer so).
constexpr size_t kLarge = kHugePage / 2;
}  // namespace

void* AllocateAligned(size_t bytes) {
  if (bytes == 0) return nullptr;
  const size_t alignment = bytes >= kLarge ? kHugePage : kAlignment;
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
