// Sorting float32 values by their bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scratch.hpp"

namespace infonet {

// A value's place: the order-preserving key in the high half, the index in the low half. Sorting
// items as integers sorts values, with equal values in the order of their indices.
using Item = std::uint64_t;

inline std::uint32_t key_of(Item item) { return static_cast<std::uint32_t>(item >> 32); }
inline std::uint32_t index_of(Item item) { return static_cast<std::uint32_t>(item); }

struct SortScratch {
  Buffer<Item> front;
  Buffer<Item> back;

  void trim(std::size_t most_bytes) {
    front.trim(most_bytes);
    back.trim(most_bytes);
  }
};

// Sort n float32 values, `stride` floats apart. Equal values, -0.0 and 0.0 included, get equal
// keys. Denormals and infinities are ordinary values; there must be no NaN.
// Returns n sorted items inside `scratch`, valid until its next use. n is below 2^32.
const Item* sort_values(const float* values, std::ptrdiff_t stride, std::size_t n,
                        SortScratch& scratch);

}  // namespace infonet
