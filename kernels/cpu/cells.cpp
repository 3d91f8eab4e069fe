#include "cells.hpp"

#include <algorithm>

namespace infonet {
namespace {

constexpr std::size_t kSide = static_cast<std::size_t>(kFinestCells);

std::size_t cell(float rank) {
  const std::size_t found = static_cast<std::size_t>(rank * static_cast<float>(kSide));
  return std::min(found, kSide - 1);
}

double statistic(const std::int64_t* finest, std::size_t rows, std::size_t columns, std::size_t n) {
  std::int64_t counts[kSide * kSide] = {}, of_row[kSide] = {}, of_column[kSide] = {};
  for (std::size_t i = 0; i < kSide; ++i) {
    const std::size_t row = i * rows / kSide;
    for (std::size_t j = 0; j < kSide; ++j) {
      counts[row * columns + j * columns / kSide] += finest[i * kSide + j];
    }
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      of_row[i] += counts[i * columns + j];
      of_column[j] += counts[i * columns + j];
    }
  }
  double sum = 0.0;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      if (of_row[i] == 0 || of_column[j] == 0) continue;
      const double found = static_cast<double>(counts[i * columns + j]);
      sum += found * found / (static_cast<double>(of_row[i]) * static_cast<double>(of_column[j]));
    }
  }
  return static_cast<double>(n) * (sum - 1.0);
}

}  // namespace

Status check_shapes(const std::int64_t* shapes, std::size_t count) {
  for (std::size_t k = 0; k < 2 * count; ++k) {
    const std::int64_t size = shapes[k];
    if (size >= 1 && size <= kFinestCells && (size & (size - 1)) == 0) continue;
    return Status::invalid("shapes: got " + std::to_string(size) +
                           "; allowed are powers of two from 1 to " + std::to_string(kFinestCells));
  }
  return {};
}

void chi_squared(const float* u, const float* v, std::size_t n, const std::int64_t* shapes,
                 std::size_t count, double* statistics) {
  std::int64_t finest[kSide * kSide] = {};
  for (std::size_t i = 0; i < n; ++i) ++finest[cell(u[i]) * kSide + cell(v[i])];
  for (std::size_t k = 0; k < count; ++k) {
    statistics[k] = statistic(finest, static_cast<std::size_t>(shapes[2 * k]),
                              static_cast<std::size_t>(shapes[2 * k + 1]), n);
  }
}

}  // namespace infonet
