// The gradient of min-max scaling, from sums that are taken in parts.
#pragma once

#include <cstdint>

#include "portable.hpp"

namespace infonet {

// Over values scaled to [0, 1] with their gradients: the gradients by the smallest and the largest
// value, but for a division by the width, and how many values are tied there. As minmax_backward of
// cpu/soft_rank_backward.cpp.
struct EndSums {
  double low, high;
  std::uint32_t lowest, highest;

  INFONET_HD void add(double gradient, double scaled) {
    low += gradient * (scaled - 1.0);
    high -= gradient * scaled;
    lowest += scaled == 0.0;
    highest += scaled == 1.0;
  }
};

INFONET_HD EndSums joined(const EndSums& a, const EndSums& b) {
  return {a.low + b.low, a.high + b.high, a.lowest + b.lowest, a.highest + b.highest};
}

// What each of the values tied at an end adds to its gradient: they share its part evenly.
struct EndShares {
  double low, high;
};

INFONET_HD EndShares shares_of(const EndSums& row) {
  return {row.low / static_cast<double>(row.lowest), row.high / static_cast<double>(row.highest)};
}

// The gradient by a value from that by the scaled one.
INFONET_HD double unscaled(double gradient, double scaled, const EndShares& row, double width) {
  if (scaled == 0.0) gradient += row.low;
  if (scaled == 1.0) gradient += row.high;
  return gradient / width;
}

}  // namespace infonet
