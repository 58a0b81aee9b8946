// AlignedBuffer<T>: owned, 64-byte aligned, zero-filled storage. The only owner of bulk memory.
// Zero-filling touches every page at construction, so that a training step never pays a page fault.
// Large buffers ask the kernel for huge pages (advice only; results never depend on it).
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace batchmark {

inline constexpr size_t kAlignment = 64;  // one cache line, one AVX-512 vector
inline constexpr size_t kLineFloats = kAlignment / sizeof(float);

// 64-byte aligned, zero-filled; throws std::bad_alloc. FreeAligned(nullptr) is allowed.
void* AllocateAligned(size_t bytes);
void FreeAligned(void* pointer);

template <class T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t size)
      : size_(size), data_(static_cast<T*>(AllocateAligned(size * sizeof(T)))) {}
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : size_(std::exchange(other.size_, 0)), data_(std::move(other.data_)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    size_ = std::exchange(other.size_, 0);
    data_ = std::move(other.data_);
    return *this;
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](size_t i) { return data_.get()[i]; }
  const T& operator[](size_t i) const { return data_.get()[i]; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

 private:
  struct Free {
    void operator()(T* p) const { FreeAligned(p); }
  };
  size_t size_ = 0;
  std::unique_ptr<T[], Free> data_;
};

}  // namespace batchmark
