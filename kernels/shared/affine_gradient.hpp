// The gradient of soft ranks where pooling puts a row into one block (affine.hpp): no sort.
#pragma once

#include "affine.hpp"

namespace infonet {

// Of some values of a row: their extremes, and the sum of the gradients by their ranks.
struct GradientExtent {
  double by;
  std::uint32_t lowest, highest;
};

INFONET_HD GradientExtent gradient_extent_of(float value, float by) {
  const std::uint32_t key = ordered_key(value);
  return {static_cast<double>(by), key, key};
}

INFONET_HD GradientExtent joined(const GradientExtent& a, const GradientExtent& b) {
  return {a.by + b.by, smaller(a.lowest, b.lowest), a.highest < b.highest ? b.highest : a.highest};
}

// The gradient by a scaled value is (by - mean) / divisor: the constant that ranks have in common
// keeps their mean, so the gradient loses its own. Min-max normalisation undoes both.
struct AffineGradient {
  Range range;
  double mean, divisor;

  INFONET_HD double by_scaled(float by) const { return (static_cast<double>(by) - mean) / divisor; }
  INFONET_HD double scaled(float value) const { return range.scaled(value); }
};

INFONET_HD AffineGradient affine_gradient_of(const GradientExtent& row, std::uint32_t n,
                                             const RankOptions& options) {
  const Range range = range_of_keys(row.lowest, row.highest);
  if (options.normalize == INFONET_MINMAX) return {range, 0.0, 1.0};
  const double size = static_cast<double>(n);
  return {range, row.by / size, options.eps * size};
}

// The gradient of every value where it is not that of the sums: NaN for a row with NaN or an
// infinity, which is not `allowed`, and 0 for a row of equal values.
INFONET_HD bool has_gradient(std::uint32_t lowest, std::uint32_t highest, bool& allowed,
                             float& otherwise) {
  allowed = is_allowed(lowest, true) && is_allowed(highest, true);
  otherwise = allowed ? 0.0f : float_of(0x7fc00000u);
  return allowed && lowest != highest;
}

}  // namespace infonet
