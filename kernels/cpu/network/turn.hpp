// The eight symmetries of the square: an answer must not depend on the order of the variables, nor
// on their signs, so each histogram is turned to the image that fits a fixed pattern best.
//
// Bit 0 of a symmetry flips the first axis, bit 1 the second, then bit 2 swaps them.
#pragma once

#include "parameters.hpp"
#include "vectors.hpp"

namespace infonet::network {
namespace {

// After a swap the flips act on the other axis.
INFONET_INLINE int inverse_of(int symmetry) {
  return symmetry < 4 ? symmetry : 4 | (symmetry & 1) << 1 | (symmetry & 2) >> 1;
}

INFONET_INLINE void turn(const float* image, int side, int symmetry, float* turned) {
  const bool first = symmetry & 1, second = symmetry & 2;
  if (symmetry & 4) {
    for (int block = 0; block < side; block += 16) {  // cache lines of the image
      for (int y = 0; y < side; ++y) {
        const float* column = image + (second ? side - 1 - y : y);
        const int end = block + 16 < side ? block + 16 : side;
        for (int x = block; x < end; ++x) {
          turned[y * side + x] = column[(first ? side - 1 - x : x) * side];
        }
      }
    }
    return;
  }
  for (int y = 0; y < side; ++y) {
    const float* row = image + (first ? side - 1 - y : y) * side;
    if (second) {
      for (int x = 0; x < side; ++x) turned[y * side + x] = row[side - 1 - x];
    } else {
      memcpy(turned + y * side, row, sizeof(float) * side);
    }
  }
}

// The symmetry whose pattern has the largest inner product with the histogram; the first one of
// equals. patterns: [half * half / 16, 8, 16] for half = side / 2. In double precision, so that
// images of one histogram are told apart by what they hold, not by the order of adding.
INFONET_INLINE int choose_symmetry(const float* histogram, int side, const float* patterns) {
  constexpr int kHalf = kLanes / 2;
  typedef float Few __attribute__((vector_size(kHalf * 4)));
  typedef double Doubles __attribute__((vector_size(kHalf * 8)));
  const int half = side / 2;
  Doubles sums[kSymmetries] = {};
  float coarse[16];
  for (int y = 0; y < half; ++y) {
    const float* upper = histogram + 2 * y * side;
    const float* lower = upper + side;
    for (int x = 0; x < half; x += 16, patterns += kSymmetries * 16) {
      for (int k = 0; k < 16; ++k) {
        const int at = 2 * (x + k);
        coarse[k] = (upper[at] + upper[at + 1]) + (lower[at] + lower[at + 1]);
      }
      for (int k = 0; k < 16; k += kHalf) {
        Few cells;
        memcpy(&cells, coarse + k, sizeof cells);
        const Doubles wide = __builtin_convertvector(cells, Doubles);
        for (int s = 0; s < kSymmetries; ++s) {
          Few pattern;
          memcpy(&pattern, patterns + 16 * s + k, sizeof pattern);
          sums[s] += wide * __builtin_convertvector(pattern, Doubles);
        }
      }
    }
  }
  int best = 0;
  double most = 0;
  for (int s = 0; s < kSymmetries; ++s) {
    double product = 0;
    for (int i = 0; i < kHalf; ++i) product += sums[s][i];
    if (s == 0 || product > most) {
      best = s;
      most = product;
    }
  }
  return best;
}

}  // namespace
}  // namespace infonet::network
