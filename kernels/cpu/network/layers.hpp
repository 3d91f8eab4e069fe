// The layers of the network, from images to images.
#pragma once

#include "convolution.hpp"
#include "images.hpp"
#include "parameters.hpp"
#include "products.hpp"
#include "vectors.hpp"

namespace infonet::network {
namespace {

// x -> ReLU(x + two convolutions of it), in place.
INFONET_INLINE void residual(const Images& x, const Images& between, int samples,
                             const ResidualPair& pair, float* points, float* products) {
  if (cells_of_tiles(x.channels) == 4) {
    convolve<4, false>(x, between, samples, pair.first, points, products);
    convolve<4, true>(between, x, samples, pair.second, points, products);
  } else {
    convolve<2, false>(x, between, samples, pair.first, points, products);
    convolve<2, true>(between, x, samples, pair.second, points, products);
  }
}

// ReLU(2 x 2 convolution in steps of 2): the next level, of half the side.
INFONET_INLINE void narrow(const Images& in, const Images& out, int samples, const Dense& layer) {
  for (int s = 0; s < samples; ++s) {
    for (int y = 0; y < out.side; ++y) {
      const int width = 2 * in.channels;
      const Segment rows[2] = {{in.cell(s, 2 * y, 0), width, width},
                               {in.cell(s, 2 * y + 1, 0), width, width}};
      multiply<true>(rows, 2, out.side, layer.weights, 2 * width, out.channels, layer.bias, 0,
                     out.cell(s, y, 0), out.channels);
    }
  }
}

// out -> ReLU(out + 1 x 1 convolution of the level below, each cell for 2 x 2), in place.
// line: in.side x out.channels numbers.
INFONET_INLINE void widen(const Images& in, const Images& out, int samples, const Dense& layer,
                          float* line) {
  for (int s = 0; s < samples; ++s) {
    for (int y = 0; y < in.side; ++y) {
      const Segment rows{in.cell(s, y, 0), in.channels, in.channels};
      multiply<false>(&rows, 1, in.side, layer.weights, in.channels, out.channels, layer.bias, 0,
                      line, out.channels);
      for (int half = 0; half < 2; ++half) {
        float* cell = out.cell(s, 2 * y + half, 0);
        for (int x = 0; x < out.side; ++x, cell += out.channels) {
          const float* below = line + x / 2 * out.channels;
          for (int c = 0; c < out.channels; c += kLanes) {
            store(cell + c, positive(load(below + c) + load(cell + c)));
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace infonet::network
