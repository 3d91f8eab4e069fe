#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "average_rank.hpp"
#include "cells.hpp"
#include "halving.hpp"
#include "histogram.hpp"
#include "infonet/kernels.h"
#include "nearest.hpp"
#include "parallel.hpp"
#include "project.hpp"
#include "soft_rank.hpp"
#include "status.hpp"
#include "vine.hpp"

namespace infonet {
namespace {

Status check_shape(std::int64_t rows, std::int64_t n) {
  if (rows < 0) return Status::invalid("rows: got " + std::to_string(rows) + "; at least 0");
  return check_row_length(n);
}

Status check_points(const double* points, std::int64_t n, std::int64_t dimensions) {
  if (dimensions < 1) {
    return Status::invalid("dimensions: got " + std::to_string(dimensions) + "; at least 1");
  }
  if (Status status = check_row_length(n); !status.ok()) return status;
  for (std::int64_t i = 0; i < n * dimensions; ++i) {
    if (std::isfinite(points[i])) continue;
    return Status::invalid("points: got a value that is not finite at row " +
                           std::to_string(i / dimensions) + ", column " +
                           std::to_string(i % dimensions));
  }
  return {};
}

std::string in_row(const char* array, std::int64_t row) {
  return std::string(array) + std::to_string(row) + ", ";
}

template <typename Value>
int soft_rank(const Value* values, int64_t rows, int64_t n, double eps, int normalize, int threads,
              Value* ranks) {
  return outcome([&]() -> Status {
    const RankOptions options{eps, static_cast<InfonetNormalize>(normalize)};
    if (Status status = check_shape(rows, n); !status.ok()) return status;
    if (Status status = check_options(options); !status.ok()) return status;
    return parallel_for(rows, threads, [&](std::int64_t row) {
      return soft_rank_row(values + row * n, 1, static_cast<std::size_t>(n), options,
                           in_row("row ", row), ranks + row * n);
    });
  });
}

template <typename Value>
int soft_rank_backward(const Value* values, const Value* by, int64_t rows, int64_t n, double eps,
                       int normalize, int threads, Value* gradient) {
  return outcome([&]() -> Status {
    const RankOptions options{eps, static_cast<InfonetNormalize>(normalize)};
    if (Status status = check_shape(rows, n); !status.ok()) return status;
    if (Status status = check_options(options); !status.ok()) return status;
    return parallel_for(rows, threads, [&](std::int64_t row) {
      return soft_rank_backward_row(values + row * n, by + row * n, 1, static_cast<std::size_t>(n),
                                    options, in_row("row ", row), gradient + row * n);
    });
  });
}

template <typename Rank>
int joint_histograms(const Rank* x, const Rank* y, int64_t rows, int64_t n, int64_t grid,
                     int threads, Rank* histogram) {
  return outcome([&]() -> Status {
    if (Status status = check_shape(rows, n); !status.ok()) return status;
    if (Status status = check_grid(grid); !status.ok()) return status;
    return parallel_for(rows, threads, [&](std::int64_t row) {
      const std::size_t count = static_cast<std::size_t>(n);
      const Rank *x_row = x + row * n, *y_row = y + row * n;
      Status status = check_ranks(x_row, 1, count, in_row("x row ", row));
      if (status.ok()) status = check_ranks(y_row, 1, count, in_row("y row ", row));
      if (!status.ok()) return status;
      joint_histogram(x_row, y_row, 1, count, grid, histogram + row * grid * grid);
      return Status{};
    });
  });
}

}  // namespace
}  // namespace infonet

using namespace infonet;

extern "C" int infonet_soft_rank(const float* values, int64_t rows, int64_t n, double eps,
                                 int normalize, int threads, float* ranks) {
  return soft_rank(values, rows, n, eps, normalize, threads, ranks);
}

extern "C" int infonet_soft_rank_f64(const double* values, int64_t rows, int64_t n, double eps,
                                     int normalize, int threads, double* ranks) {
  return soft_rank(values, rows, n, eps, normalize, threads, ranks);
}

extern "C" int infonet_soft_rank_backward(const float* values, const float* by, int64_t rows,
                                          int64_t n, double eps, int normalize, int threads,
                                          float* gradient) {
  return soft_rank_backward(values, by, rows, n, eps, normalize, threads, gradient);
}

extern "C" int infonet_soft_rank_backward_f64(const double* values, const double* by, int64_t rows,
                                              int64_t n, double eps, int normalize, int threads,
                                              double* gradient) {
  return soft_rank_backward(values, by, rows, n, eps, normalize, threads, gradient);
}

extern "C" int infonet_rank_columns(const InfonetColumn* columns, int64_t count, int64_t n,
                                    int normalize, int threads, float* ranks, uint8_t* ties,
                                    double* entropy) {
  return outcome([&]() -> Status {
    const RankOptions options{0.0, static_cast<InfonetNormalize>(normalize)};
    if (Status status = check_shape(count, n); !status.ok()) return status;
    if (Status status = check_options(options); !status.ok()) return status;
    for (std::int64_t row = 0; row < count; ++row) {
      if (columns[row].type >= INFONET_FLOAT32 && columns[row].type <= INFONET_UINT64) continue;
      return Status::invalid("type: got " + std::to_string(columns[row].type) + " at " +
                             in_row("row ", row) + "allowed are 0 (float32) to 3 (uint64)");
    }
    return parallel_for(count, threads, [&](std::int64_t row) {
      return average_rank(columns[row], static_cast<std::size_t>(n), options.normalize,
                          in_row("row ", row), ranks + row * n, 1, ties[row], entropy[row]);
    });
  });
}

extern "C" int infonet_joint_histogram(const float* x, const float* y, int64_t rows, int64_t n,
                                       int64_t grid, int threads, float* histogram) {
  return joint_histograms(x, y, rows, n, grid, threads, histogram);
}

extern "C" int infonet_joint_histogram_f64(const double* x, const double* y, int64_t rows,
                                           int64_t n, int64_t grid, int threads,
                                           double* histogram) {
  return joint_histograms(x, y, rows, n, grid, threads, histogram);
}

extern "C" int infonet_pair_histograms(const float* ranks, int64_t columns, int64_t n,
                                       const int64_t* pairs, int64_t count, int64_t grid,
                                       int threads, float* histogram) {
  return outcome([&]() -> Status {
    if (Status status = check_shape(columns, n); !status.ok()) return status;
    if (Status status = check_grid(grid); !status.ok()) return status;
    for (std::int64_t i = 0; i < 2 * count; ++i) {
      if (pairs[i] >= 0 && pairs[i] < columns) continue;
      return Status::invalid("pairs: column " + std::to_string(pairs[i]) + " at pair " +
                             std::to_string(i / 2) + "; there are " + std::to_string(columns) +
                             " columns, counted from 0");
    }
    const std::size_t size = static_cast<std::size_t>(n);
    Status status = parallel_for(columns, threads, [&](std::int64_t column) {
      return check_ranks(ranks + column * n, 1, size, in_row("column ", column));
    });
    if (!status.ok()) return status;
    return parallel_for(count, threads, [&](std::int64_t pair) {
      joint_histogram(ranks + pairs[2 * pair] * n, ranks + pairs[2 * pair + 1] * n, 1, size, grid,
                      histogram + pair * grid * grid);
      return Status{};
    });
  });
}

extern "C" int infonet_project(const double* values, int64_t rows, int64_t columns,
                               const double* panels, int64_t panel_stride, int64_t count,
                               int64_t stride, int resume, double* out) {
  return outcome([&]() -> Status {
    if (rows < 0 || columns < 0 || count < 0) {
      return Status::invalid("rows, columns, count: got " + std::to_string(rows) + ", " +
                             std::to_string(columns) + ", " + std::to_string(count) +
                             "; at least 0");
    }
    project(values, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns), panels,
            static_cast<std::size_t>(panel_stride), static_cast<std::size_t>(count),
            static_cast<std::size_t>(stride), resume != 0, out);
    return {};
  });
}

extern "C" int infonet_ranks_within(const float* const* rows, int64_t count, int64_t n,
                                    const int64_t* inside, int64_t m, float* ranks) {
  return outcome([&]() -> Status {
    if (Status status = check_shape(count, n); !status.ok()) return status;
    if (n > static_cast<int64_t>(kMostCounted)) {
      return Status::invalid("rows: got rows of " + std::to_string(n) + " ranks; at most " +
                             std::to_string(kMostCounted) + ": rank longer ones");
    }
    for (int64_t i = 0; i < m; ++i) {
      if (inside[i] >= 0 && inside[i] < n) continue;
      return Status::invalid("inside: got sample " + std::to_string(inside[i]) + "; there are " +
                             std::to_string(n) + ", counted from 0");
    }
    const std::size_t size = static_cast<std::size_t>(n), some = static_cast<std::size_t>(m);
    std::vector<std::uint32_t> counts(2 * size);
    for (int64_t row = 0; row < count; ++row) {
      Status status = ranks_within(rows[row], size, inside, some, in_row("row ", row),
                                   counts.data(), ranks + static_cast<std::size_t>(row) * some);
      if (!status.ok()) return status;
    }
    return {};
  });
}

extern "C" int infonet_normal_scores(const float* ranks, int64_t n, double* scores) {
  return outcome([&]() -> Status {
    if (Status status = check_row_length(n); !status.ok()) return status;
    const std::size_t size = static_cast<std::size_t>(n);
    if (Status status = check_ranks(ranks, 1, size, ""); !status.ok()) return status;
    normal_scores(ranks, size, scores);
    return {};
  });
}

extern "C" int infonet_conditionals(const float* table, int64_t grid, const float* u,
                                    const float* v, int64_t n, float* of_u, float* of_v,
                                    float* log_density) {
  return outcome([&]() -> Status {
    const std::size_t size = static_cast<std::size_t>(n);
    Status status = check_row_length(n);
    if (status.ok()) status = check_grid(grid);
    if (status.ok()) status = check_ranks(u, 1, size, "u, ");
    if (status.ok()) status = check_ranks(v, 1, size, "v, ");
    if (!status.ok()) return status;
    conditionals(table, static_cast<std::size_t>(grid), u, v, size, of_u, of_v, log_density);
    return {};
  });
}

extern "C" int infonet_moments(const float* u, const float* v, const float* const* w, int64_t count,
                               int64_t n, double* pair, double* square, double* triple) {
  return outcome([&]() -> Status {
    if (Status status = check_shape(count, n); !status.ok()) return status;
    moments(u, v, w, static_cast<std::size_t>(count), static_cast<std::size_t>(n), pair, square,
            triple);
    return {};
  });
}

extern "C" int infonet_products(const double* rows, int64_t count, int64_t n, double* sums) {
  return outcome([&]() -> Status {
    if (Status status = check_shape(count, n); !status.ok()) return status;
    products(rows, static_cast<std::size_t>(count), static_cast<std::size_t>(n), sums);
    return {};
  });
}

extern "C" int infonet_chi_squared(const float* u, const float* v, int64_t n, const int64_t* shapes,
                                   int64_t count, double* statistics) {
  return outcome([&]() -> Status {
    const std::size_t size = static_cast<std::size_t>(n), grids = static_cast<std::size_t>(count);
    Status status = check_shape(count, n);
    if (status.ok()) status = check_ranks(u, 1, size, "u, ");
    if (status.ok()) status = check_ranks(v, 1, size, "v, ");
    if (status.ok()) status = check_shapes(shapes, grids);
    if (!status.ok()) return status;
    chi_squared(u, v, size, shapes, grids, statistics);
    return {};
  });
}

extern "C" int infonet_neighbour_distances(const double* points, int64_t n, int64_t dimensions,
                                           int64_t k, int threads, double* distance) {
  return outcome([&]() -> Status {
    if (Status status = check_points(points, n, dimensions); !status.ok()) return status;
    if (k < 1 || k >= n) {
      return Status::invalid("k: got " + std::to_string(k) + "; allowed are 1 to " +
                             std::to_string(n - 1));
    }
    const Tree tree(points, static_cast<std::size_t>(n), static_cast<std::size_t>(dimensions));
    return parallel_for(tree.leaves(), threads, [&](std::int64_t leaf) {
      tree.distances(static_cast<std::size_t>(leaf), static_cast<std::size_t>(k), distance);
      return Status{};
    });
  });
}

extern "C" int infonet_neighbour_counts(const double* points, int64_t n, int64_t dimensions,
                                        const double* distance, int threads, int64_t* counts) {
  return outcome([&]() -> Status {
    if (Status status = check_points(points, n, dimensions); !status.ok()) return status;
    const Tree tree(points, static_cast<std::size_t>(n), static_cast<std::size_t>(dimensions));
    return parallel_for(tree.leaves(), threads, [&](std::int64_t leaf) {
      tree.counts(static_cast<std::size_t>(leaf), distance, counts);
      return Status{};
    });
  });
}

extern "C" int infonet_kernels_version(void) { return INFONET_KERNELS_VERSION; }

extern "C" int infonet_cell_information(const float* x, const float* y, int64_t n, int64_t fewest,
                                        int64_t divisions, double* information) {
  return outcome([&]() -> Status {
    if (Status status = check_row_length(n); !status.ok()) return status;
    if (n == 0) return Status::invalid("n: got 0; at least 1");
    if (fewest < 2) {
      return Status::invalid("fewest: got " + std::to_string(fewest) + "; at least 2");
    }
    if (divisions < 1 || divisions > static_cast<std::int64_t>(kMostDivisions)) {
      return Status::invalid("divisions: got " + std::to_string(divisions) + "; allowed are 1 to " +
                             std::to_string(kMostDivisions));
    }
    const std::size_t size = static_cast<std::size_t>(n);
    Status status = check_ranks(x, 1, size, "x, ");
    if (status.ok()) status = check_ranks(y, 1, size, "y, ");
    if (status.ok()) {
      cell_information(x, y, size, static_cast<std::size_t>(fewest),
                       static_cast<std::size_t>(divisions), information);
    }
    return status;
  });
}

extern "C" const char* infonet_last_error(void) { return last_error().c_str(); }
