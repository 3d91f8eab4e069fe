// Soft ranks where pooling puts a row into one block: values / eps plus a constant. No sort.
#pragma once

#include "keys.hpp"
#include "rank_formulas.hpp"

namespace infonet {

// The extreme keys of some values of a row and the sum of (value - the row's first value).
struct Extent {
  double sum;
  std::uint32_t lowest, highest;
};

INFONET_HD Extent extent_of(float value, float first) {
  const std::uint32_t key = ordered_key(value);
  return {static_cast<double>(value) - static_cast<double>(first), key, key};
}

INFONET_HD Extent joined(const Extent& a, const Extent& b) {
  return {a.sum + b.sum, smaller(a.lowest, b.lowest),
          a.highest < b.highest ? b.highest : a.highest};
}

// From a value to its rank.
struct Affine {
  Range range;
  AffineMap map;
  INFONET_HD float operator()(float value) const {
    return static_cast<float>(map(range.scaled(value)));
  }
};

// `allowed` becomes false for a row with NaN or an infinity, all of whose ranks are NaN.
INFONET_HD Affine affine_of(const Extent& row, float first, std::uint32_t n,
                            const RankOptions& options, bool& allowed) {
  allowed = is_allowed(row.lowest, true) && is_allowed(row.highest, true);
  if (!allowed) return {{0.0, 1.0}, {0.0, static_cast<double>(float_of(0x7fc00000u))}};
  const double size = static_cast<double>(n);
  if (row.lowest == row.highest) {
    return {{static_cast<double>(first), 1.0}, {0.0, constant_rank(size, options.normalize)}};
  }
  const Range range = range_of_keys(row.lowest, row.highest);
  const double mean = ((static_cast<double>(first) - range.low) + row.sum / size) / range.width;
  return {range, affine_map(mean, size, options)};
}

}  // namespace infonet
