// Bilinear splatting in whole numbers: the sums of a histogram are exact and the same in any order.
#pragma once

#include <cstdint>

#include "portable.hpp"

namespace infonet {

constexpr std::uint32_t kWholePoint = 0x80000000u;  // the weight of one point, 2^31

// A coordinate u in [0, 1] lies at u * grid - 1/2, clamped to [0, grid - 1], as in
// cpu/histogram.hpp: the lower of its two cells, and what the upper one gets, of 2^31.
struct Located {
  std::uint32_t cell, weight;
};

INFONET_HD bool in_unit_interval(float u) { return u >= 0.0f && u <= 1.0f; }

INFONET_HD Located locate(float u, std::uint32_t grid) {
  const std::int64_t half = std::int64_t{1} << 39;
  // Exact for u from 2^-17 up, and within 2^-40 below.
  const std::int64_t scaled = static_cast<std::int64_t>(u * 1099511627776.0f);  // 2^40
  std::int64_t position = scaled * grid - half;
  const std::int64_t last = static_cast<std::int64_t>(grid - 1) << 40;
  position = position < 0 ? 0 : smaller(position, last);
  const std::uint32_t cell = smaller(static_cast<std::uint32_t>(position >> 40), grid - 2);
  return {cell,
          static_cast<std::uint32_t>((position - (static_cast<std::int64_t>(cell) << 40)) >> 9)};
}

// add(cell, weight) for the four cells around a point; the weights sum to 2^31.
template <typename Add>
INFONET_HD void splat(const Located& x, const Located& y, std::uint32_t grid, const Add& add) {
  const std::uint32_t both =
      static_cast<std::uint32_t>((static_cast<std::uint64_t>(x.weight) * y.weight) >> 31);
  const std::uint32_t cell = x.cell * grid + y.cell;
  add(cell, kWholePoint - x.weight - y.weight + both);
  add(cell + 1, y.weight - both);
  add(cell + grid, x.weight - both);
  add(cell + grid + 1, both);
}

INFONET_HD float points(std::uint64_t weight) {
  return static_cast<float>(static_cast<double>(weight) / 2147483648.0);
}

}  // namespace infonet
