// Products with the matrices of weights, as many rows at a time as registers hold.
//
// A number of the result is one chain of multiply-adds whatever is computed beside it, so it does
// not depend on the batch.
#pragma once

#include "parameters.hpp"
#include "vectors.hpp"

namespace infonet::network {
namespace {

// Rows of a matrix, by where row 0 begins, the distance of rows and how many numbers each has.
// Several segments stand side by side: together they are the rows that are multiplied.
struct Segment {
  const float* first;
  int stride;
  int length;
};

// As many rows at a time as registers hold.
constexpr int kRows = kLanes == 16 ? 12 : 6;

template <int Rows, bool Rectify>
INFONET_INLINE void multiply_rows(const Segment* segments, int count, int row, const float* weights,
                                  const float* start, int start_stride, float* out,
                                  int out_stride) {
  Vector sums[Rows][kVectors];
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      sums[r][v] = start ? load(start + r * start_stride + v * kLanes) : Vector{};
    }
  }
  for (int s = 0; s < count; ++s) {
    const int stride = segments[s].stride, length = segments[s].length;
    const float* a = segments[s].first + static_cast<long>(row) * stride;
    for (int k = 0; k < length; ++k, weights += kPanel) {
      Vector w[kVectors];
      for (int v = 0; v < kVectors; ++v) w[v] = load(weights + v * kLanes);
      for (int r = 0; r < Rows; ++r) {
        const float value = a[r * stride + k];
        for (int v = 0; v < kVectors; ++v) sums[r][v] += value * w[v];
      }
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      const Vector y = Rectify ? positive(sums[r][v]) : sums[r][v];
      store(out + r * out_stride + v * kLanes, y);
    }
  }
}

// What is left below kRows rows.
template <int Rows, bool Rectify>
INFONET_INLINE void multiply_rest(int rows, const Segment* segments, int count, int row,
                                  const float* weights, const float* start, int start_stride,
                                  float* out, int out_stride) {
  if constexpr (Rows > 0) {
    if (rows == Rows) {
      multiply_rows<Rows, Rectify>(segments, count, row, weights, start, start_stride, out,
                                   out_stride);
    } else {
      multiply_rest<Rows - 1, Rectify>(rows, segments, count, row, weights, start, start_stride,
                                       out, out_stride);
    }
  }
}

// out[row, :] = start[row, :] + segments[row, :] * weights, cut off at 0 where asked.
template <bool Rectify>
void multiply(const Segment* segments, int count, int rows, const float* weights, int inputs,
              int outputs, const float* start, int start_stride, float* out, int out_stride) {
  for (int c = 0; c < outputs; c += kPanel, weights += inputs * kPanel) {
    const float* begin = start ? start + c : nullptr;
    int row = 0;
    for (; row + kRows <= rows; row += kRows) {
      multiply_rows<kRows, Rectify>(segments, count, row, weights,
                                    begin ? begin + row * start_stride : nullptr, start_stride,
                                    out + c + row * out_stride, out_stride);
    }
    multiply_rest<kRows - 1, Rectify>(rows - row, segments, count, row, weights,
                                      begin ? begin + row * start_stride : nullptr, start_stride,
                                      out + c + row * out_stride, out_stride);
  }
}

}  // namespace
}  // namespace infonet::network
