// Joint histograms of ranks by bilinear splatting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "status.hpp"

namespace infonet {

constexpr std::int64_t kSmallestGrid = 2;
constexpr std::int64_t kLargestGrid = 4096;  // 128 MiB of working memory a thread

inline Status check_grid(std::int64_t grid) {
  if (grid >= kSmallestGrid && grid <= kLargestGrid) return {};
  return Status::invalid("grid: got " + std::to_string(grid) + "; allowed are " +
                         std::to_string(kSmallestGrid) + " to " + std::to_string(kLargestGrid));
}

// Every rank must be in [0, 1]; `where` names the row in the error. Rank is float or double, here
// and below.
template <typename Rank>
Status check_ranks(const Rank* ranks, std::ptrdiff_t stride, std::size_t n,
                   const std::string& where);

// Splat the n points (x[i * stride], y[i * stride]), already checked, onto grid x grid cells,
// x along the first axis. A coordinate u lies at p = u * grid - 1/2, clamped to [0, grid - 1]:
// cell centres are whole numbers. Accumulates in double; the cells sum to n.
template <typename Rank>
void joint_histogram(const Rank* x, const Rank* y, std::ptrdiff_t stride, std::size_t n,
                     std::int64_t grid, Rank* histogram);

}  // namespace infonet
