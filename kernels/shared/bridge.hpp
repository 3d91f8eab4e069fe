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
