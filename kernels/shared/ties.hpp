// Ties of a row, counted from its average ranks: each level of ties has a rank of its own.
#pragma once

#include <cmath>
#include <cstdint>

#include "portable.hpp"

namespace infonet {

// Twice the rank less 1, from (rank - 1/2) / n: a whole number from 1 to 2 n - 1. 0 for anything
// else, NaN say. Exact for n up to 2^21, where a float32 is off by at most a quarter.
INFONET_HD std::uint32_t tie_bin(float midrank, std::uint32_t n) {
  if (!(midrank > 0.0f && midrank < 1.0f)) return 0;
  return static_cast<std::uint32_t>(static_cast<double>(midrank) * (2.0 * n) + 0.5);
}

// Levels, and the sum over them of count log(count).
struct TieSums {
  double logs;
  std::uint32_t levels;
};

INFONET_HD TieSums joined(const TieSums& left, const TieSums& right) {
  return {left.logs + right.logs, left.levels + right.levels};
}

INFONET_HD TieSums tie_sums(std::uint32_t count) {
  if (count < 2) return {0.0, count};
  return {count * std::log(static_cast<double>(count)), 1};
}

// The entropy in nats of n values: the plug-in estimate with the correction of Miller and Madow.
INFONET_HD double tie_entropy(const TieSums& sums, std::uint32_t n) {
  if (sums.levels == 1) return 0.0;
  if (sums.levels == n) return static_cast<double>(INFINITY);
  const double size = n;
  return std::log(size) - sums.logs / size + (sums.levels - 1) / (2 * size);
}

}  // namespace infonet
