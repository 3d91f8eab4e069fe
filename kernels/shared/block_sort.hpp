// Stable merge sort of keys with their indices in shared memory, by a block of threads.
#pragma once

#include "block.hpp"

namespace infonet {

// How many of the first `diagonal` entries of the stable merge of two ascending runs are of `a`.
template <typename Keys>
INFONET_HD std::uint32_t merge_split(Keys a, std::uint32_t a_count, Keys b, std::uint32_t b_count,
                                     std::uint32_t diagonal) {
  std::uint32_t low = diagonal > b_count ? diagonal - b_count : 0;
  std::uint32_t high = smaller(diagonal, a_count);
  while (low < high) {
    const std::uint32_t middle = (low + high) / 2;
    if (a[middle] <= b[diagonal - 1 - middle]) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// kItems entries of the merge of a and b from `diagonal` on, into registers; past the end anything.
template <typename Index>
INFONET_HD void merge_items(const std::uint32_t* keys, const Index* index, std::uint32_t a,
                            std::uint32_t a_end, std::uint32_t b, std::uint32_t b_end,
                            Registers& r) {
  INFONET_UNROLL
  for (int k = 0; k < kItems; ++k) {
    const bool of_a = a < a_end && (b >= b_end || keys[a] <= keys[b]);
    const std::uint32_t from = of_a ? a : smaller(b, b_end - 1);
    r.key[k] = keys[from];
    r.index[k] = index[from];
    a += of_a;
    b += !of_a;
  }
}

// kItems neighbours by odd-even transposition, which is stable.
INFONET_HD void sort_items(Registers& r) {
  INFONET_UNROLL
  for (int round = 0; round < kItems; ++round) {
    INFONET_UNROLL
    for (int k = round & 1; k + 1 < kItems; k += 2) {
      const bool swap = r.key[k] > r.key[k + 1];
      const std::uint32_t key = r.key[k], index = r.index[k];
      r.key[k] = swap ? r.key[k + 1] : key;
      r.key[k + 1] = swap ? key : r.key[k + 1];
      r.index[k] = swap ? r.index[k + 1] : index;
      r.index[k + 1] = swap ? index : r.index[k + 1];
    }
  }
}

template <typename Index>
INFONET_HD void write_items(std::uint32_t* keys, Index* index, int thread, const Registers& r) {
  INFONET_UNROLL
  for (int k = 0; k < kItems; ++k) {
    keys[thread * kItems + k] = r.key[k];
    index[thread * kItems + k] = static_cast<Index>(r.index[k]);
  }
}

// Sort keys[0, kItems * threads), the rest filled with the largest key; index[i] becomes the place
// where the i-th key was.
template <typename Team, typename Index>
INFONET_HD void block_sort(Team& team, std::uint32_t* keys, Index* index) {
  const std::uint32_t size = static_cast<std::uint32_t>(team.threads()) * kItems;
  team.each([&](int thread, Registers& r) {
    INFONET_UNROLL
    for (int k = 0; k < kItems; ++k) {
      r.key[k] = keys[thread * kItems + k];
      r.index[k] = static_cast<std::uint32_t>(thread * kItems + k);
    }
    sort_items(r);
    write_items(keys, index, thread, r);
  });
  INFONET_NO_UNROLL
  for (std::uint32_t run = kItems; run < size; run *= 2) {
    team.each([&](int thread, Registers& r) {
      const std::uint32_t out = static_cast<std::uint32_t>(thread) * kItems;
      const std::uint32_t begin = out / (2 * run) * (2 * run);
      const std::uint32_t middle = smaller(begin + run, size), end = smaller(begin + 2 * run, size);
      const std::uint32_t diagonal = out - begin;
      const std::uint32_t split =
          merge_split(static_cast<const std::uint32_t*>(keys + begin), middle - begin,
                      static_cast<const std::uint32_t*>(keys + middle), end - middle, diagonal);
      merge_items(keys, index, begin + split, middle, middle + diagonal - split, end, r);
    });
    team.each([&](int thread, Registers& r) { write_items(keys, index, thread, r); });
  }
}

}  // namespace infonet
