// 3 x 3 convolutions by fewer products: Winograd's minimal filtering (Lavin & Gray, CVPR 2016).
//
// A tile of Cells x Cells results needs (Cells + 2)^2 products for each pair of channels, 16 for 4
// and 36 for 16, instead of 9 for each result. Larger tiles round more, and their transformed
// weights are larger: they are for the images of many cells and few channels.
#pragma once

#include "images.hpp"
#include "parameters.hpp"
#include "products.hpp"
#include "vectors.hpp"

namespace infonet::network {
namespace {

constexpr int kTiles = 32;  // at a time

// Numbers from one point of all tiles to the next: a cache line more than they fill, or all points
// of a tile would want the same places of the cache.
INFONET_INLINE long points_apart(int channels) { return static_cast<long>(kTiles) * channels + 16; }

// The transforms of one line of a tile: B^T of the cells, A^T of the products.
template <int Cells>
struct Line;

template <>
struct Line<2> {
  static INFONET_INLINE void before(const Vector in[4], Vector out[4]) {
    out[0] = in[0] - in[2];
    out[1] = in[1] + in[2];
    out[2] = in[2] - in[1];
    out[3] = in[1] - in[3];
  }
  static INFONET_INLINE void after(const Vector in[4], Vector out[2]) {
    out[0] = (in[0] + in[1]) + in[2];
    out[1] = (in[1] - in[2]) - in[3];
  }
};

template <>
struct Line<4> {
  static INFONET_INLINE void before(const Vector in[6], Vector out[6]) {
    const Vector even = in[4] - 4.0f * in[2], odd = in[3] - 4.0f * in[1];
    const Vector near = in[4] - in[2], far = 2.0f * (in[3] - in[1]);
    out[0] = 4.0f * in[0] + (in[4] - 5.0f * in[2]);
    out[1] = even + odd;
    out[2] = even - odd;
    out[3] = near + far;
    out[4] = near - far;
    out[5] = 4.0f * in[1] + (in[5] - 5.0f * in[3]);
  }
  static INFONET_INLINE void after(const Vector in[6], Vector out[4]) {
    const Vector sum = in[1] + in[2], difference = in[1] - in[2];
    const Vector sum2 = in[3] + in[4], difference2 = in[3] - in[4];
    out[0] = (in[0] + sum) + sum2;
    out[1] = difference + 2.0f * difference2;
    out[2] = sum + 4.0f * sum2;
    out[3] = (difference + 8.0f * difference2) + in[5];
  }
};

// A tile among those of some samples, and the next one.
struct Tile {
  int across;
  int sample = 0, y = 0, x = 0;

  INFONET_INLINE void advance() {
    if (++x < across) return;
    x = 0;
    if (++y < across) return;
    y = 0;
    ++sample;
  }
};

// The points of one tile, `block` numbers from one to the next, from its cells and their border.
template <int Cells>
INFONET_INLINE void write_points(const float* corner, long row, int channels, float* points,
                                 long block) {
  constexpr int width = Cells + 2;
  for (int c = 0; c < channels; c += kLanes) {
    Vector columns[width][width];
    for (int x = 0; x < width; ++x) {
      Vector cells[width];
      for (int y = 0; y < width; ++y) cells[y] = load(corner + y * row + x * channels + c);
      Line<Cells>::before(cells, columns[x]);
    }
    for (int y = 0; y < width; ++y) {
      Vector line[width], found[width];
      for (int x = 0; x < width; ++x) line[x] = columns[x][y];
      Line<Cells>::before(line, found);
      for (int x = 0; x < width; ++x) store(points + (width * y + x) * block + c, found[x]);
    }
  }
}

// The cells of one tile from its products: ReLU(products + bias), or that plus the cells.
template <int Cells, bool Add>
INFONET_INLINE void write_cells(const float* points, long block, int channels, const float* bias,
                                float* cells, long row) {
  constexpr int width = Cells + 2;
  for (int c = 0; c < channels; c += kLanes) {
    Vector columns[width][Cells];
    for (int x = 0; x < width; ++x) {
      Vector products[width];
      for (int y = 0; y < width; ++y) products[y] = load(points + (width * y + x) * block + c);
      Line<Cells>::after(products, columns[x]);
    }
    for (int y = 0; y < Cells; ++y) {
      Vector line[width], found[Cells];
      for (int x = 0; x < width; ++x) line[x] = columns[x][y];
      Line<Cells>::after(line, found);
      for (int x = 0; x < Cells; ++x) {
        float* cell = cells + y * row + x * channels + c;
        Vector value = found[x] + load(bias + c);
        if (Add) value += load(cell);
        store(cell, positive(value));
      }
    }
  }
}

// out = ReLU(bias + convolution of in), or with Add ReLU(out + ...), for some samples.
// points, products: (Cells + 2)^2 x points_apart numbers each.
template <int Cells, bool Add>
void convolve(const Images& in, const Images& out, int samples, const Dense& layer, float* points,
              float* products) {
  constexpr int width = Cells + 2;
  const int channels = in.channels, across = in.side / Cells;
  const long block = points_apart(channels), matrix = static_cast<long>(channels) * channels;
  Tile from{across}, to{across};
  for (int left = samples * across * across; left > 0; left -= kTiles) {
    const int some = left < kTiles ? left : kTiles;
    for (int i = 0; i < some; ++i, from.advance()) {
      write_points<Cells>(in.cell(from.sample, Cells * from.y - 1, Cells * from.x - 1), in.row(),
                          channels, points + static_cast<long>(i) * channels, block);
    }
    for (int p = 0; p < width * width; ++p) {
      const Segment rows{points + p * block, channels, channels};
      multiply<false>(&rows, 1, some, layer.weights + p * matrix, channels, channels, nullptr, 0,
                      products + p * block, channels);
    }
    for (int i = 0; i < some; ++i, to.advance()) {
      write_cells<Cells, Add>(products + static_cast<long>(i) * channels, block, channels,
                              layer.bias, out.cell(to.sample, Cells * to.y, Cells * to.x),
                              out.row());
    }
  }
}

}  // namespace
}  // namespace infonet::network
