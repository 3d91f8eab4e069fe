// The `copula` network as its compiled versions read it: sizes, and parameters in the order of use.
#pragma once

namespace infonet::network {

constexpr int kMostLevels = 8;
constexpr int kPanel = 16;  // channels that lie side by side; every width is a multiple of it
constexpr int kQuantiles = 3;
constexpr int kSymmetries = 8;
constexpr int kTogether = 4;  // samples that share what is loaded of the weights

constexpr int kWide = 64;  // levels of fewer channels hold large images and few weights

// Results along a side of the tiles that a 3 x 3 convolution of so many channels works on.
constexpr int cells_of_tiles(int channels) { return channels < kWide ? 4 : 2; }
constexpr int points_of_tiles(int channels) {
  return (cells_of_tiles(channels) + 2) * (cells_of_tiles(channels) + 2);
}

// A product with a matrix [inputs, outputs] in panels: outputs / 16 times [inputs, 16].
struct Dense {
  const float* weights;
  const float* bias;
};

// Two convolutions, each a matrix [channels, channels] in panels for every point of a tile: the
// weights transformed.
struct ResidualPair {
  Dense first;
  Dense second;
};

// Three layers, from the features to `outputs` numbers.
struct Perceptron {
  Dense layers[2];
  const float* last;  // [hidden, outputs]
  const float* last_bias;
  int outputs;
};

struct Parameters {
  int grid;  // cells a side of the histogram
  int levels;
  int channels[kMostLevels];
  int hidden;
  int features;     // that the heads read
  int polynomials;  // of two variables
  int knots;        // of the factors of intervals
  float n_max;      // trained range of the number of samples

  const float* stem;        // [59, channels 0] in panels: 2 x 4 x 4 fine, 3 x 3 x 3 coarse
  const float* stem_start;  // [side, side, channels 0]: biases, and the position's share
  const float* stem_log_n;  // the same, to be multiplied by log n
  ResidualPair encoder[kMostLevels];
  ResidualPair decoder[kMostLevels];
  Dense down[kMostLevels];  // [4 x channels, channels of the next level]
  Dense up[kMostLevels];    // [channels of the next level, channels]
  const float* table;       // [channels 0, 2 x 2]
  float table_bias;
  Perceptron head;
  Perceptron test;
  const float* basis;         // [polynomials, side, side]
  const float* factor_knots;  // [knots]
  const float* factor_bends;  // [3, knots]
  const float* factor_start;  // [3]
  const float* patterns;      // [grid * grid / 64, 8, 16]

  int side() const { return grid / 4; }

  // The first levels, those that are not wide, run sample after sample, so that their images stay
  // in the cache. Deeper ones run for all samples at once: their weights are loaded once.
  int levels_alone() const {
    int alone = 0;
    while (alone < levels && channels[alone] < kWide) ++alone;
    return alone;
  }
};

// Where the answers go; table may be null.
struct Answers {
  float* mi;         // [count]
  float* quantiles;  // [count, 3]
  float* table;      // [count, grid / 2, grid / 2]
  float* score;      // [count]
};

// One compiled version. `scratch` floats are needed for as many samples at a time.
struct Version {
  int lanes;  // of 32 bits in a vector
  long long (*scratch)(const Parameters&, int samples);
  // histograms [count, grid, grid], count <= kTogether
  void (*run)(const Parameters&, const float* histograms, int count, float* scratch, Answers);
};

extern const Version kAvx2;
extern const Version kAvx512;
extern const Version kNeon;

}  // namespace infonet::network
