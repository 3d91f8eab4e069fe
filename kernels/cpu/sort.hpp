// Sorting by 32-bit keys, or longer ones where indices are short.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scratch.hpp"

namespace infonet {

// A value's place: an order-preserving key in the high half, the index in the low half. Sorting
// items as integers sorts values, with equal values in the order of their indices.
using Item = std::uint64_t;

inline Item make_item(std::uint32_t key, std::uint32_t index) {
  return (static_cast<Item>(key) << 32) | index;
}
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

// How the bits of an item are shared out: the key above, the index below.
struct Layout {
  int index_bits = 32;
  int key_bits = 32;
};

// Items of short keys and few indices, which a sort moves in half of the time.
using ShortItem = std::uint32_t;

constexpr int kDigitBits = 11;  // that one pass of a sort puts in order
constexpr int kMostDigits = 4;

// Bits of a whole number: 0 for 0.
inline int bits_of_number(std::uint64_t number) {
  int bits = 0;
  while (bits < 64 && number >> bits) ++bits;
  return bits;
}

// Sort the n items in scratch.front, made with the indices 0 to n - 1 in this order. Returns them
// inside `scratch`, valid until its next use. n is below 2^32.
Item* sort_items(std::size_t n, SortScratch& scratch, Layout layout = {});

// The same for n items in `front`; `back` is for as many, and one of the two is returned.
ShortItem* sort_short_items(std::size_t n, ShortItem* front, ShortItem* back, Layout layout);

}  // namespace infonet
