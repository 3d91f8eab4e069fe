// Soft ranks where pooling puts a row into one block: values / eps plus a constant. No sort.
#pragma once

#include "float_key.hpp"
#include "ranks.hpp"

namespace infonet {

// The extreme keys of some values of a row and the sum of (value - the row's first value).
struct Extent {
  double sum;
  std::uint32_t lowest, highest;
};

INFONET_HD Extent extent_of(float value, float first) {
  const std::uint32_t key = float_key(value);
  return {static_cast<double>(value) - static_cast<double>(first), key, key};
}

INFONET_HD Extent joined(const Extent& a, const Extent& b) {
  return {a.sum + b.sum, smaller(a.lowest, b.lowest),
          a.highest < b.highest ? b.highest : a.highest};
}

// A rank is (value - low) / width * scale + shift.
struct Affine {
  double low, width, scale, shift;
  INFONET_HD float operator()(float value) const {
    return static_cast<float>((static_cast<double>(value) - low) / width * scale + shift);
  }
};

// `allowed` becomes false for a row with NaN or an infinity, all of whose ranks are NaN.
INFONET_HD Affine affine_of(const Extent& row, float first, std::uint32_t n,
                            const RankOptions& options, bool& allowed) {
  allowed = is_allowed(row.lowest, true) && is_allowed(row.highest, true);
  if (!allowed) return {0.0, 1.0, 0.0, static_cast<double>(float_of(0x7fc00000u))};
  const double size = static_cast<double>(n);
  if (row.lowest == row.highest) {
    const double low = static_cast<double>(first);
    return {low, 1.0, 0.0, options.normalize == INFONET_OVER_N ? (size + 1) / (2 * size) : 0.5};
  }
  const double low = static_cast<double>(key_value(row.lowest));
  const double width = static_cast<double>(key_value(row.highest)) - low;
  if (options.normalize == INFONET_MINMAX) return {low, width, 1.0, 0.0};
  const double mean = ((static_cast<double>(first) - low) + row.sum / size) / width;
  const double middle = options.normalize == INFONET_MIDRANK ? size / 2 : (size + 1) / 2;
  const double scale = 1.0 / (options.eps * size);
  return {low, width, scale, middle / size - mean * scale};
}

}  // namespace infonet
