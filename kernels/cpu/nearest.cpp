#include "nearest.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace infonet {
namespace {

constexpr std::size_t kLeaf = 16;  // points that are compared one by one

double distance_of(const double* a, const double* b, std::size_t dimensions) {
  double largest = 0.0;
  for (std::size_t d = 0; d < dimensions; ++d) largest = std::max(largest, std::fabs(a[d] - b[d]));
  return largest;
}

}  // namespace

Tree::Tree(const double* points, std::size_t n, std::size_t dimensions)
    : dimensions_(dimensions), order_(n), points_(n * dimensions) {
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  nodes_.push_back({0, n, 0});
  for (std::size_t node = 0; node < nodes_.size(); ++node) build(node, points);
  for (std::size_t place = 0; place < n; ++place) {
    std::copy_n(points + order_[place] * dimensions, dimensions, &points_[place * dimensions]);
  }
}

void Tree::build(std::size_t node, const double* points) {
  const std::size_t begin = nodes_[node].begin, end = nodes_[node].end;
  boxes_.resize((node + 1) * 2 * dimensions_);
  double* const least = &boxes_[node * 2 * dimensions_];
  double* const largest = least + dimensions_;
  std::fill_n(least, dimensions_, std::numeric_limits<double>::infinity());
  std::fill_n(largest, dimensions_, -std::numeric_limits<double>::infinity());
  for (std::size_t place = begin; place < end; ++place) {
    const double* const point = points + order_[place] * dimensions_;
    for (std::size_t d = 0; d < dimensions_; ++d) {
      least[d] = std::min(least[d], point[d]);
      largest[d] = std::max(largest[d], point[d]);
    }
  }
  std::size_t widest = 0;
  for (std::size_t d = 1; d < dimensions_; ++d) {
    if (largest[d] - least[d] > largest[widest] - least[widest]) widest = d;
  }
  // Points that are all equal make one leaf, however many they are: nothing divides them.
  if (end - begin <= kLeaf || !(largest[widest] > least[widest])) {
    leaf_.push_back(node);
    return;
  }
  const std::size_t middle = begin + (end - begin) / 2;
  const auto at = [&](std::size_t place) {
    return order_.begin() + static_cast<std::ptrdiff_t>(place);
  };
  std::nth_element(at(begin), at(middle), at(end), [&](std::size_t a, std::size_t b) {
    const double x = points[a * dimensions_ + widest], y = points[b * dimensions_ + widest];
    return x != y ? x < y : a < b;
  });
  nodes_[node].left = nodes_.size();
  nodes_.push_back({begin, middle, 0});
  nodes_.push_back({middle, end, 0});
}

// Least distance of a point from the box of a node.
double Tree::gap(std::size_t node, const double* point) const {
  const double* const least = &boxes_[node * 2 * dimensions_];
  const double* const largest = least + dimensions_;
  double found = 0.0;
  for (std::size_t d = 0; d < dimensions_; ++d) {
    found = std::max(found, std::max(least[d] - point[d], point[d] - largest[d]));
  }
  return found;
}

// Largest distance of a point from the box of a node.
double Tree::reach(std::size_t node, const double* point) const {
  const double* const least = &boxes_[node * 2 * dimensions_];
  const double* const largest = least + dimensions_;
  double found = 0.0;
  for (std::size_t d = 0; d < dimensions_; ++d) {
    found = std::max(found, std::max(point[d] - least[d], largest[d] - point[d]));
  }
  return found;
}

// `found` is a heap of the k smallest distances so far, the largest first.
void Tree::nearest(std::size_t node, const double* point, std::size_t k,
                   std::vector<double>& found) const {
  if (nodes_[node].left == 0) {
    for (std::size_t place = nodes_[node].begin; place < nodes_[node].end; ++place) {
      const double* const other = &points_[place * dimensions_];
      if (other == point) continue;
      const double distance = distance_of(point, other, dimensions_);
      if (found.size() == k) {
        if (!(distance < found.front())) continue;
        std::pop_heap(found.begin(), found.end());
        found.pop_back();
      }
      found.push_back(distance);
      std::push_heap(found.begin(), found.end());
    }
    return;
  }
  std::size_t near = nodes_[node].left, far = near + 1;
  double near_gap = gap(near, point), far_gap = gap(far, point);
  if (far_gap < near_gap) {
    std::swap(near, far);
    std::swap(near_gap, far_gap);
  }
  if (found.size() < k || near_gap < found.front()) nearest(near, point, k, found);
  if (found.size() < k || far_gap < found.front()) nearest(far, point, k, found);
}

std::int64_t Tree::within(std::size_t node, const double* point, double distance) const {
  if (!(gap(node, point) < distance)) return 0;
  if (reach(node, point) < distance) {
    return static_cast<std::int64_t>(nodes_[node].end - nodes_[node].begin);
  }
  if (nodes_[node].left != 0) {
    const std::size_t left = nodes_[node].left;
    return within(left, point, distance) + within(left + 1, point, distance);
  }
  std::int64_t count = 0;
  for (std::size_t place = nodes_[node].begin; place < nodes_[node].end; ++place) {
    count += distance_of(point, &points_[place * dimensions_], dimensions_) < distance;
  }
  return count;
}

void Tree::distances(std::size_t leaf, std::size_t k, double* distance) const {
  std::vector<double> found;
  found.reserve(k + 1);
  const Node& node = nodes_[leaf_[leaf]];
  for (std::size_t place = node.begin; place < node.end; ++place) {
    found.clear();
    nearest(0, &points_[place * dimensions_], k, found);
    distance[order_[place]] = found.front();
  }
}

void Tree::counts(std::size_t leaf, const double* distance, std::int64_t* counts) const {
  const Node& node = nodes_[leaf_[leaf]];
  for (std::size_t place = node.begin; place < node.end; ++place) {
    const std::int64_t count = within(0, &points_[place * dimensions_], distance[order_[place]]);
    // The point itself is nearer than any distance above 0.
    counts[order_[place]] = count - (distance[order_[place]] > 0);
  }
}

}  // namespace infonet
