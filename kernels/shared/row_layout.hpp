// Where the rows to be ranked lie in memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "portable.hpp"

namespace infonet {

// Rows of n values in an array [rows / columns, n, columns] that is ranked along its middle axis:
// row r is column r % columns of matrix r / columns. With one column, rows one after the other.
struct RowLayout {
  std::uint32_t n, columns;

  INFONET_HD std::int64_t begin(std::int64_t row) const {
    return row / columns * (static_cast<std::int64_t>(n) * columns) + row % columns;
  }
};

// Place i of a row whose values lie `stride` apart.
INFONET_HD std::size_t strided(std::uint32_t i, std::uint32_t stride) {
  return static_cast<std::size_t>(i) * stride;
}

}  // namespace infonet
