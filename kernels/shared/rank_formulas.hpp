// The formulas of ranks, and of their gradient, that the kernels for CPUs and for GPUs share.
#pragma once

#include <cstdint>

#include "infonet/kernels.h"
#include "keys.hpp"
#include "portable.hpp"

namespace infonet {

struct RankOptions {
  double eps = 0.0;  // 0: average ranks
  InfonetNormalize normalize = INFONET_MIDRANK;
};

// The rank of every value of a constant row of n values: that of (n + 1) / 2.
INFONET_HD double constant_rank(double n, InfonetNormalize normalize) {
  return normalize == INFONET_OVER_N ? (n + 1) / (2 * n) : 0.5;
}

// Twice the mean rank of sorted places [begin, end) is begin + end + 1, so that each normalised
// average rank is (begin + end + shift) / scale in exact integers, rounded once.
struct AverageScale {
  double shift, scale;
  template <typename Rank>
  INFONET_HD Rank rank(double begin, double end) const {
    return static_cast<Rank>((begin + end + shift) / scale);
  }
};

// Of n values that are not all equal, `lowest` of which are tied at the smallest one and `highest`
// at the largest; only "minmax" asks for those.
INFONET_HD AverageScale average_scale(double n, InfonetNormalize normalize, double lowest,
                                      double highest) {
  if (normalize == INFONET_MINMAX) return {-lowest, 2 * n - lowest - highest};
  return {normalize == INFONET_OVER_N ? 1.0 : 0.0, 2 * n};
}

// The smallest value of a row and the largest less the smallest: scales values to [0, 1].
struct Range {
  double low, width;
  template <typename Value>
  INFONET_HD double scaled(Value value) const {
    return (static_cast<double>(value) - low) / width;
  }
};

// Of the values of a row, from its extreme keys.
INFONET_HD Range range_of_keys(std::uint32_t lowest, std::uint32_t highest) {
  const double low = static_cast<double>(key_value(lowest));
  return {low, static_cast<double>(key_value(highest)) - low};
}

// Soft ranks where pooling puts a row into one block: scaled values / eps plus a constant.
struct AffineMap {
  double scale, shift;
  INFONET_HD double operator()(double scaled) const { return scaled * scale + shift; }
};

// `mean` is that of the n scaled values; "minmax" does not ask for it.
INFONET_HD AffineMap affine_map(double mean, double n, const RankOptions& options) {
  if (options.normalize == INFONET_MINMAX) return {1.0, 0.0};
  const double middle = options.normalize == INFONET_MIDRANK ? n / 2 : (n + 1) / 2;
  const double scale = 1.0 / (options.eps * n);
  return {scale, middle / n - mean * scale};
}

// Soft ranks where it does not: a rank r is normalised as (r + shift) / scale.
struct Normalizer {
  double shift, scale;
  INFONET_HD double operator()(double rank) const { return (rank + shift) / scale; }
};

// `least` and `most` are the extreme ranks of the row.
INFONET_HD Normalizer normalizer(InfonetNormalize normalize, double n, double least, double most) {
  if (normalize == INFONET_MINMAX) return {-least, most - least};
  return {normalize == INFONET_MIDRANK ? -0.5 : 0.0, n};
}

// The gradient of min-max scaling, from sums that may be taken in parts: over scaled values with
// their gradients, those by the smallest and the largest value, but for a division by the width,
// and how many values are tied there.
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
