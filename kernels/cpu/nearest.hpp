// Nearest neighbours in the maximum norm, by a k-d tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace infonet {

// A k-d tree (Bentley 1975) with the bounding box of each node. Points are those of `points`
// [n, dimensions], finite; they are copied.
class Tree {
 public:
  Tree(const double* points, std::size_t n, std::size_t dimensions);

  std::int64_t leaves() const { return static_cast<std::int64_t>(leaf_.size()); }

  // For every point of a leaf: the distance from its k-th neighbour, itself not counted.
  void distances(std::size_t leaf, std::size_t k, double* distance) const;

  // For every point i of a leaf: how many others are nearer than distance[i].
  void counts(std::size_t leaf, const double* distance, std::int64_t* counts) const;

 private:
  struct Node {
    std::size_t begin, end;  // of its points
    std::size_t left;        // child; the right one follows it. 0: a leaf
  };

  void build(std::size_t node, const double* points);
  double gap(std::size_t node, const double* point) const;
  double reach(std::size_t node, const double* point) const;
  void nearest(std::size_t node, const double* point, std::size_t k,
               std::vector<double>& found) const;
  std::int64_t within(std::size_t node, const double* point, double distance) const;

  std::size_t dimensions_;
  std::vector<std::size_t> order_;  // place in the tree -> row
  std::vector<double> points_;      // in the order of the tree
  std::vector<Node> nodes_;
  std::vector<double> boxes_;  // of each node: [2, dimensions], least and largest
  std::vector<std::size_t> leaf_;
};

}  // namespace infonet
