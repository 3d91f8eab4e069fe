#include "joint_histogram.hpp"

namespace infonet {

Status check_grid(std::int64_t grid) {
  if (grid >= kSmallestGrid && grid <= kLargestGrid) return {};
  return Status::invalid("grid: got " + std::to_string(grid) + "; allowed are " +
                         std::to_string(kSmallestGrid) + " to " + std::to_string(kLargestGrid));
}

}  // namespace infonet
