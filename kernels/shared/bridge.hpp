// The lower hull of two hulls side by side: the one edge, a bridge, that is new.
#pragma once

#include "convex.hpp"

namespace infonet {

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

  // Whether vertex i > 0 of the left hull, after those behind it, is none of the joint hull.
  INFONET_HD bool is_hidden(std::uint32_t i) const {
    const Point at = left_point(i);
    return violates(left_point(i - 1), at, right_point(hidden(at)));
  }

  INFONET_HD Bridge find() const {
    std::uint32_t low = 1, high = left.count, stride = 1;  // kept lies between them
    bool near = true;
    while (low < high) {
      const std::uint32_t reach = smaller(stride, high - low);
      const std::uint32_t i = near ? high - reach : (low + high) / 2;
      if (is_hidden(i)) {
        high = i;
        stride *= 2;
      } else {
        low = i + 1;
        near = false;
      }
    }
    return {low, hidden(left_point(low - 1))};
  }
};

}  // namespace infonet
