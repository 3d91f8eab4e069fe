// Working memory that a thread keeps from call to call, up to a bound.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace infonet {

// Sorting reads and writes all over large storage: huge pages, where the system has them, save it
// most of the look-ups of addresses, and of the faults when it is new.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

inline void* allocate(std::size_t bytes) {
#if defined(__linux__)
  if (bytes >= 2 * kHugePage) {
    void* const data =
        std::aligned_alloc(kHugePage, (bytes + kHugePage - 1) / kHugePage * kHugePage);
    if (data == nullptr) throw std::bad_alloc();
    madvise(data, bytes, MADV_HUGEPAGE);  // advice: that it is not taken is no error
    return data;
  }
#endif
  void* const data = std::malloc(bytes);
  if (data == nullptr && bytes != 0) throw std::bad_alloc();
  return data;
}

// Uninitialised storage for trivially copyable T; grows, never copies.
template <typename T>
class Buffer {
 public:
  T* reserve(std::size_t count) {
    if (count > capacity_) {
      release();
      data_.reset(static_cast<T*>(allocate(count * sizeof(T))));
      capacity_ = count;
    }
    return data_.get();
  }
  void trim(std::size_t most_bytes) {
    if (capacity_ * sizeof(T) > most_bytes) release();
  }

 private:
  void release() {
    data_.reset();
    capacity_ = 0;
  }
  struct Free {
    void operator()(T* data) const { std::free(data); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t capacity_ = 0;
};

// Enough for a row of half a million values; longer rows pay for their memory on each call.
constexpr std::size_t kMostKeptBytes = std::size_t{4} << 20;

}  // namespace infonet
