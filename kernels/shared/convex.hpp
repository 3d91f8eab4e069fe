// Isotonic regression as a convex hull of whole numbers.
//
// The blocks of the non-decreasing least-squares fit of z_1 .. z_n lie between the vertices of the
// lower convex hull of the points (i, z_1 + ... + z_i), i from 0. Here z_i = values_i / eps - i, in
// fixed point, so the sums are exact and the hull is the same, bit for bit, in whatever order it is
// found: one value after the other (the CPU kernel), or in parts that are merged (CUDA).
#pragma once

#include <cstddef>
#include <cstdint>

#include "wide.hpp"

namespace infonet {

// Whether pooling puts all n values, scaled to [0, 1], into one block, so that soft ranks are
// values / eps plus a constant: it does if the mean of z over each prefix is at least the mean of
// all. For a prefix of k that asks mean(values) - mean(prefix) <= eps (n - k) / 2, and the left
// side is at most (n - k) / n times the range, which is 1.
inline bool is_one_block(std::size_t n, double eps) { return static_cast<double>(n) * eps >= 2.0; }

// Sums of z are whole numbers of 1 / unit. With n < 2^L, unit = 2^(63 - L): a step between
// neighbours takes 63 bits, a sum 63 + 2 L, at most 125.
struct FixedPoint {
  double eps;
  double longest;      // the longest step, n
  double unit;         // 2^(63 - L)
  std::int64_t whole;  // the same
};

INFONET_HD FixedPoint fixed_point(std::uint32_t n, double eps) {
  int bits = 0;
  while (n >> bits) ++bits;
  const std::int64_t whole = std::int64_t{1} << (63 - bits);
  return {eps, static_cast<double>(n), static_cast<double>(whole), whole};
}

// The step from a sorted value to the next one, divided by eps. Steps are cut off at n: already one
// of n / 2 is never inside a block, since a block of k values spans less than k eps.
INFONET_HD std::int64_t step(double from, double to, const FixedPoint& fixed) {
  const double steps = (to - from) / fixed.eps;
  return static_cast<std::int64_t>((steps < fixed.longest ? steps : fixed.longest) * fixed.unit);
}

struct Point {
  std::uint32_t at;
  Wide sum;
};

// Whether `middle` is no vertex of the hull of the three, from left to right: the mean of z before
// it is at least the mean after it.
INFONET_HD bool violates(const Point& left, const Point& middle, const Point& right) {
  return at_least(middle.sum - left.sum, right.at - middle.at, right.sum - middle.sum,
                  middle.at - left.at);
}

// The sum over a block of `count` values of (value - the first one) / eps, from the sums of z up to
// its begin, up to its second value and up to its end.
INFONET_HD double block_excess(Wide begin, Wide second, Wide end, std::uint32_t count,
                               const FixedPoint& fixed) {
  const std::int64_t pairs = static_cast<std::int64_t>(count) * (count - 1) / 2;
  const Wide ranks = Wide{static_cast<std::uint64_t>(fixed.whole), 0};
  // pairs * unit is below 2^(2 L - 1 + 63 - L).
  Wide sum = (end - begin) - (second - begin) * count;
  const std::uint32_t high = static_cast<std::uint32_t>(pairs >> 31);
  const std::uint32_t low = static_cast<std::uint32_t>(pairs & 0x7fffffff);
  const Wide upper = ranks * high;
  sum = sum + upper * 0x40000000u + upper * 0x40000000u + ranks * low;
  return to_double(sum) / fixed.unit;
}

// What is added to (value - first value) / eps for the soft rank of a value of a block.
INFONET_HD double block_offset(std::uint32_t first, std::uint32_t count, double excess) {
  const double size = static_cast<double>(count);
  return static_cast<double>(first) + (size + 1) / 2 - excess / size;
}

}  // namespace infonet
