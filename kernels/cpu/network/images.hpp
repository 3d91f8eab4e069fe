// The images that layers read and write.
#pragma once

#include "vectors.hpp"

namespace infonet::network {
namespace {

// Images [side + 2, side + 2, channels] of several samples, one after the other. The border cells
// are zero: what convolutions find beyond the edge.
struct Images {
  float* data;
  int side;
  int channels;

  long row() const { return static_cast<long>(side + 2) * channels; }
  long size() const { return row() * (side + 2); }
  float* cell(int sample, int y, int x) const {
    return data + sample * size() + (y + 1) * row() + (x + 1) * channels;
  }
  void clear_border(int samples) const {
    for (int s = 0; s < samples; ++s) {
      float* image = data + s * size();
      memset(image, 0, sizeof(float) * row());
      memset(image + (side + 1) * row(), 0, sizeof(float) * row());
      for (int y = 1; y <= side; ++y) {
        memset(image + y * row(), 0, sizeof(float) * channels);
        memset(image + (y + 1) * row() - channels, 0, sizeof(float) * channels);
      }
    }
  }
};

}  // namespace
}  // namespace infonet::network
