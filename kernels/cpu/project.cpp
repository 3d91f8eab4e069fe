#include "project.hpp"

#include <algorithm>
#include <cstring>

#include "dispatch.hpp"
#include "scratch.hpp"

namespace infonet {
namespace {

constexpr std::size_t kTile = 6;       // rows at a time: 6 x 8 sums stay in registers
constexpr std::size_t kDepth = 256;    // columns at a time: that much of a panel fits the L1 cache
constexpr std::size_t kRows = 16 * 6;  // rows at a time: kDepth columns of them fit the L2 cache

// The sums of kTile rows along the directions of one panel, continued over `columns` columns.
INFONET_VECTOR_CLONES
void add_tile(const double* const* row, const double* panel, std::size_t columns, double* sums) {
#if defined(__GNUC__)
  typedef double Lanes __attribute__((vector_size(kPanel * sizeof(double))));
  Lanes sum[kTile], direction;
  std::memcpy(sum, sums, sizeof sum);
  for (std::size_t j = 0; j < columns; ++j) {
    std::memcpy(&direction, panel + kPanel * j, sizeof direction);
#pragma GCC unroll 6
    for (std::size_t i = 0; i < kTile; ++i) sum[i] += row[i][j] * direction;
  }
  std::memcpy(sums, sum, sizeof sum);
#else
  for (std::size_t i = 0; i < kTile; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      for (std::size_t p = 0; p < kPanel; ++p) {
        sums[kPanel * i + p] += row[i][j] * panel[kPanel * j + p];
      }
    }
  }
#endif
}

// Between out[p * stride + i] and the order of the sums: panel, row, direction within the panel.
template <bool kLoad>
inline void exchange(double* sums, std::size_t padded, std::size_t rows, std::size_t count,
                     std::size_t stride, double* out) {
  for (std::size_t p = 0; p < count; ++p) {
    double* const line = out + p * stride;
    double* const from = sums + (p / kPanel) * padded * kPanel + p % kPanel;
    for (std::size_t i = 0; i < rows; ++i) {
      if (kLoad) from[i * kPanel] = line[i];
      if (!kLoad) line[i] = from[i * kPanel];
    }
  }
}

}  // namespace

void project(const double* values, std::size_t rows, std::size_t columns, const double* panels,
             std::size_t panel_stride, std::size_t count, std::size_t stride, bool resume,
             double* out) {
  thread_local Buffer<double> buffer;
  const std::size_t panel_count = (count + kPanel - 1) / kPanel;
  double* const sums = buffer.reserve(panel_count * kPanel * kRows);
  for (std::size_t begin = 0; begin < rows; begin += kRows) {
    const std::size_t size = std::min(kRows, rows - begin);
    const std::size_t padded = (size + kTile - 1) / kTile * kTile;  // repeats of the last row
    std::fill_n(sums, panel_count * kPanel * padded, 0.0);
    if (resume) exchange<true>(sums, padded, size, count, stride, out + begin);
    for (std::size_t start = 0; start < columns; start += kDepth) {
      const std::size_t depth = std::min(kDepth, columns - start);
      for (std::size_t panel = 0; panel < panel_count; ++panel) {
        const double* const directions = panels + panel * panel_stride + kPanel * start;
        for (std::size_t i = 0; i < padded; i += kTile) {
          const double* row[kTile];
          for (std::size_t k = 0; k < kTile; ++k) {
            row[k] = values + (begin + std::min(i + k, size - 1)) * columns + start;
          }
          add_tile(row, directions, depth, sums + (panel * padded + i) * kPanel);
        }
      }
    }
    exchange<false>(sums, padded, size, count, stride, out + begin);
  }
  buffer.trim(kMostKeptBytes);
}

}  // namespace infonet
