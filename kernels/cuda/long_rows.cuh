// What the kernels for long rows share.
#pragma once

#include "device.cuh"
#include "row_batch.hpp"

namespace infonet::cuda {

// How many rows are worked on side by side; this bounds the workspace.
std::int64_t rows_at_a_time(std::int64_t rows, std::int64_t n);

// Sort `rows` rows; returns the buffer that it ended in.
int sort_rows(const Rows& all, unsigned rows, cudaStream_t stream);

// The buffers that sorting and joining ended in.
struct Ended {
  int sorted, pooled;
};
// Sort `rows` rows and pool them.
Ended sort_and_pool(const Rows& all, unsigned rows, double eps, cudaStream_t stream);

#define INFONET_TILE_KERNEL __global__ void __launch_bounds__(kTileThreads)

}  // namespace infonet::cuda
