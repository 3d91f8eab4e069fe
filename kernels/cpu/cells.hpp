// Counts of points in coarse grids of the unit square, and what they say of independence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "status.hpp"

namespace infonet {

constexpr std::int64_t kFinestCells = 32;  // a side

// `shapes` [count, 2]: rows and columns of grids, each 1, 2, 4 .. kFinestCells.
Status check_shapes(const std::int64_t* shapes, std::size_t count);

// Pearson's chi-squared of independence of the n points (u, v), in [0, 1], for each of `count`
// grids of equal cells, u along the rows. The counts of rows and columns are those of the points,
// and a row or column without any adds nothing.
void chi_squared(const float* u, const float* v, std::size_t n, const std::int64_t* shapes,
                 std::size_t count, double* statistics);

}  // namespace infonet
