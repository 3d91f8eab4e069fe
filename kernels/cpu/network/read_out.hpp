// From the table and the images to quantiles of MI and the test statistic.
//
// With densities relative to the uniform one, every expectation is a mean over cells.
#pragma once

#include <math.h>

#include "layers.hpp"
#include "parameters.hpp"
#include "vectors.hpp"

namespace infonet::network {
namespace {

constexpr float kTiny = 1e-12f;  // far below the density of any cell

struct ReadOutSpace {
  float* half;     // densities on grid / 2 cells a side
  float* quarter;  // and on grid / 4
  float* table;    // of the turned histogram
  float* margins;  // of rows, then of columns
  float* features;
  float* hidden;
  float n;  // at most the largest trained number of samples
  float log_n;
  float scaled_log_n;
};

// Means of rows and of columns of a density.
INFONET_INLINE void margins_of(const float* density, int side, float* rows, float* columns) {
  const float share = 1.0f / static_cast<float>(side);
  memset(columns, 0, sizeof(float) * side);
  for (int y = 0; y < side; ++y) {
    Vector total = {};
    for (int x = 0; x < side; x += kLanes) {
      const Vector value = load(density + y * side + x);
      total += value;
      store(columns + x, load(columns + x) + value);
    }
    rows[y] = sum(total) * share;
  }
  for (int x = 0; x < side; x += kLanes) store(columns + x, load(columns + x) * share);
}

INFONET_INLINE void dense(const float* in, int inputs, const float* weights, const float* bias,
                          int outputs, float* out) {
  const Segment row{in, inputs, inputs};
  multiply<true>(&row, 1, 1, weights, inputs, outputs, bias, 0, out, outputs);
}

INFONET_INLINE void perceive(const Perceptron& layers, const float* features, int inputs,
                             int hidden, float* space, float* out) {
  dense(features, inputs, layers.layers[0].weights, layers.layers[0].bias, hidden, space);
  dense(space, hidden, layers.layers[1].weights, layers.layers[1].bias, hidden, space + hidden);
  for (int k = 0; k < layers.outputs; ++k) {
    float total = layers.last_bias[k];
    for (int h = 0; h < hidden; ++h)
      total += space[hidden + h] * layers.last[h * layers.outputs + k];
    out[k] = total;
  }
}

INFONET_INLINE float softplus(float x) { return x > 20 ? x : log1pf(expf(x)); }

// Three statistics, each about -log of its p-value: the inverse p-values are added.
INFONET_INLINE float combined(float n, float mi, float score, float correlation) {
  const float root = 2 * sqrtf(n * mi + 0.25f) - 1, trained = score + 0.5f;
  const float linear = 0.5f * n * correlation * correlation;
  float top = root > trained ? root : trained;
  if (linear > top) top = linear;
  return top + logf(expf(root - top) + expf(trained - top) + expf(linear - top));
}

// Returns what the table has too much for pointwise mutual information.
INFONET_INLINE float read_out(const Parameters& net, const Images& fine, const Images& bottom,
                              const ReadOutSpace& space, float* mi, float* quantiles,
                              float* score) {
  const int half = net.grid / 2, side = net.side(), cells = half * half;
  const float* joint = space.half;
  const float* table = space.table;
  float* rows = space.margins;
  float* columns = rows + half;
  margins_of(joint, half, rows, columns);
  Vector weighted = {}, most = load(table);
  for (int i = 0; i < cells; i += kLanes) {
    const Vector value = load(table + i);
    weighted += load(joint + i) * value;
    most = larger(most, value);
  }
  const float mean = sum(weighted) / static_cast<float>(cells);
  float top = most[0];
  for (int i = 1; i < kLanes; ++i) top = most[i] > top ? most[i] : top;
  Vector partition = {}, squares = {}, centred = {};
  for (int y = 0; y < half; ++y) {
    for (int x = 0; x < half; x += kLanes) {
      const Vector value = load(table + y * half + x), density = load(joint + y * half + x);
      const Vector product = rows[y] * load(columns + x);
      partition += product * exp_of(value - top);
      squares += density * density / larger(product, all(kTiny));
      centred += density * ((value - mean) * (value - mean));
    }
  }
  const auto tail = [](float value) { return value < kTiny ? kTiny : value; };  // NaN stays
  const float share = 1.0f / static_cast<float>(cells);
  const float dv = mean - (logf(tail(sum(partition) * share)) + top);

  margins_of(space.quarter, side, rows, columns);
  const float few = 1.0f / static_cast<float>(side * side);
  Vector plug_in = {};
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; x += kLanes) {
      const Vector density = load(space.quarter + y * side + x);
      const Vector product = larger(rows[y] * load(columns + x), all(kTiny));
      plug_in += density * log_of(larger(density, all(kTiny)) / product);
    }
  }
  float* feature = space.features;
  *feature++ = dv;
  *feature++ = mean;
  *feature++ = sqrtf(tail(sum(centred) * share));
  *feature++ = sum(plug_in) * few;
  *feature++ = logf(tail(sum(squares) * share));
  *feature++ = space.scaled_log_n;
  for (int c = 0; c < fine.channels; c += kLanes) {
    Vector dense_mean = {}, plain_mean = {};
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        const Vector value = load(fine.cell(0, y, x) + c);
        dense_mean += space.quarter[y * side + x] * value;
        plain_mean += value;
      }
    }
    store(feature + c, dense_mean * few);
    store(feature + fine.channels + c, plain_mean * few);
  }
  feature += 2 * fine.channels;
  const float deep = 1.0f / static_cast<float>(bottom.side * bottom.side);
  for (int c = 0; c < bottom.channels; c += kLanes) {
    Vector total = {};
    for (int y = 0; y < bottom.side; ++y) {
      for (int x = 0; x < bottom.side; ++x) total += load(bottom.cell(0, y, x) + c);
    }
    store(feature + c, total * deep);
  }
  feature += bottom.channels;
  float correlation = 0;  // of ranks: the first polynomials of both
  for (int k = 0; k < net.polynomials; ++k) {
    const float* basis = net.basis + static_cast<long>(k) * side * side;
    Vector total = {};
    for (int i = 0; i < side * side; i += kLanes) {
      total += load(space.quarter + i) * load(basis + i);
    }
    const float moment = sum(total);
    if (k == 0) correlation = moment;
    *feature++ = log1pf(space.n * (moment * moment));
  }

  float raw[kQuantiles], trained;
  perceive(net.head, space.features, net.features, net.hidden, space.hidden, raw);
  perceive(net.test, space.features, net.features, net.hidden, space.hidden, &trained);
  const float middle = dv + raw[1];
  const float found[kQuantiles] = {middle - softplus(raw[0]), middle, middle + softplus(raw[2])};
  for (int q = 0; q < kQuantiles; ++q) {
    float factor = net.factor_start[q];
    for (int k = 0; k < net.knots; ++k) {
      const float past = space.log_n + net.factor_knots[k];  // stored with its sign changed
      if (past > 0) factor += net.factor_bends[q * net.knots + k] * past;
    }
    const float value = middle + (found[q] - middle) * factor;
    quantiles[q] = value < 0 ? 0 : value;
  }
  *mi = quantiles[1];
  *score = combined(space.n, *mi, trained, correlation);
  return mean - dv;
}

}  // namespace
}  // namespace infonet::network
