// Working memory that a thread keeps from call to call, up to a bound.
#pragma once

#include <cstddef>
#include <memory>

namespace infonet {

// Uninitialised storage for trivially copyable T; grows, never copies.
template <typename T>
class Buffer {
 public:
  T* reserve(std::size_t count) {
    if (count > capacity_) {
      release();
      data_.reset(new T[count]);
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
  std::unique_ptr<T[]> data_;
  std::size_t capacity_ = 0;
};

// Enough for a row of half a million values; longer rows pay for their memory on each call.
constexpr std::size_t kMostKeptBytes = std::size_t{4} << 20;

}  // namespace infonet
