// Isotonic regression as a convex hull of whole numbers.
//
// The blocks of the non-decreasing least-squares fit of z_1 .. z_n lie between the vertices of the
// lower convex hull of the points (i, z_1 + ... + z_i), i from 0. Here z_i = values_i / eps - i, in
// fixed point, so the sums are exact and the hull is the same, bit for bit, in whatever order it is
// found: one value after the other (the CPU kernel), or in parts that are merged (CUDA).
#pragma once

#include <cstddef>
#include <cstdint>

#include "portable.hpp"

namespace infonet {

// Whole numbers of 128 bits, in two's complement: exact sums, in any order.
struct alignas(16) Wide {
  std::uint64_t low;
  std::int64_t high;
};

INFONET_HD Wide wide(std::int64_t value) {
  return {static_cast<std::uint64_t>(value), value < 0 ? -1 : 0};
}

INFONET_HD Wide operator+(Wide a, Wide b) {
  const std::uint64_t low = a.low + b.low;
  return {low, static_cast<std::int64_t>(static_cast<std::uint64_t>(a.high) +
                                         static_cast<std::uint64_t>(b.high) + (low < a.low))};
}

INFONET_HD Wide operator-(Wide a, Wide b) {
  return {a.low - b.low,
          static_cast<std::int64_t>(static_cast<std::uint64_t>(a.high) -
                                    static_cast<std::uint64_t>(b.high) - (a.low < b.low))};
}

// A Wide times a whole number from 0 to 2^31 - 1, in full: 160 bits.
struct Product {
  std::int64_t high;
  std::uint64_t middle;
  std::uint32_t low;
};

INFONET_HD Product product(Wide a, std::uint32_t factor) {
  const std::uint64_t k = factor;
  const std::uint64_t first = (a.low & 0xffffffffu) * k;
  const std::uint64_t second = (a.low >> 32) * k + (first >> 32);
  const std::uint64_t third =
      (static_cast<std::uint64_t>(a.high) & 0xffffffffu) * k + (second >> 32);
  const std::int64_t top = static_cast<std::int64_t>(static_cast<std::int32_t>(a.high >> 32)) *
                               static_cast<std::int64_t>(k) +
                           static_cast<std::int64_t>(third >> 32);
  return {top, (third << 32) | (second & 0xffffffffu), static_cast<std::uint32_t>(first)};
}

INFONET_HD bool at_least(const Product& a, const Product& b) {
  if (a.high != b.high) return a.high > b.high;
  if (a.middle != b.middle) return a.middle > b.middle;
  return a.low >= b.low;
}

// Whether a * i >= b * k, for factors below 2^31.
INFONET_HD bool at_least(Wide a, std::uint32_t i, Wide b, std::uint32_t k) {
#if defined(__SIZEOF_INT128__) && !defined(__CUDA_ARCH__)
  // The same in fewer instructions of a 64-bit processor.
  __extension__ typedef __int128 Int128;
  const Int128 a_low = static_cast<Int128>(a.low) * i, b_low = static_cast<Int128>(b.low) * k;
  const Int128 a_high = static_cast<Int128>(a.high) * i + (a_low >> 64);
  const Int128 b_high = static_cast<Int128>(b.high) * k + (b_low >> 64);
  if (a_high != b_high) return a_high > b_high;
  return static_cast<std::uint64_t>(a_low) >= static_cast<std::uint64_t>(b_low);
#else
  return at_least(product(a, i), product(b, k));
#endif
}

// The product where it is known to fit into 128 bits.
INFONET_HD Wide operator*(Wide a, std::uint32_t factor) {
  const Product p = product(a, factor);
  return {(p.middle << 32) | p.low,
          static_cast<std::int64_t>((static_cast<std::uint64_t>(p.high) << 32) | (p.middle >> 32))};
}

// For values from 0 up.
INFONET_HD double to_double(Wide a) {
  return static_cast<double>(a.high) * 18446744073709551616.0 + static_cast<double>(a.low);
}

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

// The lower hull of two hulls side by side has one edge that is new, a bridge.
//
// A hull is the list of its vertices from left to right, without the last one, which is the first
// of the next hull or the end of the row. `sums` are the sums of z, to be had for any point.
template <typename Index>
struct Hull {
  const Index* vertices;
  std::uint32_t count;
};

struct Bridge {
  std::uint32_t kept;     // vertices of the left hull, from its first on
  std::uint32_t dropped;  // vertices of the right hull, from its first on
};

template <typename Index>
struct BridgeSearch {
  Hull<Index> left, right;
  std::uint32_t end;     // of the right hull
  std::uint32_t origin;  // what is added to a vertex for its point
  const Wide* sums;

  INFONET_HD Point point(std::uint32_t at) const { return {at, sums[at]}; }
  INFONET_HD Point left_point(std::uint32_t i) const { return point(left.vertices[i] + origin); }
  INFONET_HD Point right_point(std::uint32_t i) const {
    return point(i < right.count ? right.vertices[i] + origin : end);
  }

  // How many vertices of the right hull lie on or above the tangent from a point left of it. From
  // the first on they do, then no more; mostly few do, so strides grow from one.
  INFONET_HD std::uint32_t hidden(const Point& from) const {
    std::uint32_t low = 0, high = right.count, stride = 1;
    bool near = true;
    INFONET_NO_UNROLL
    while (low < high) {
      const std::uint32_t middle = near ? smaller(low + stride - 1, high - 1) : (low + high) / 2;
      if (violates(from, right_point(middle), right_point(middle + 1))) {
        low = middle + 1;
        stride *= 2;
      } else {
        high = middle;
        near = false;
      }
    }
    return low;
  }

  // A vertex of the left hull is none of the joint hull if it lies on or above the tangent from it
  // to the right hull, continued to the left. From some vertex on they do.
  INFONET_HD Bridge find() const {
    std::uint32_t low = 0, high = left.count, stride = 1, dropped = 0;  // low <= kept <= high
    bool near = true;
    INFONET_NO_UNROLL
    while (low < high) {
      const std::uint32_t i = near ? high - smaller(stride, high - low) : (low + high) / 2;
      const Point at = left_point(i);
      const std::uint32_t beyond = hidden(at);
      if (i > 0 && violates(left_point(i - 1), at, right_point(beyond))) {
        high = i;
        stride *= 2;
      } else {
        low = i + 1;
        dropped = beyond;
        near = false;
      }
    }
    return {low, dropped};
  }
};

}  // namespace infonet
