// Vectors of INFONET_LANES floats. Every version of the network includes this with other lanes, so
// all of it has internal linkage: two versions must never share a function.
#pragma once

#include <string.h>

namespace infonet::network {
namespace {

#define INFONET_INLINE inline __attribute__((always_inline))

constexpr int kLanes = INFONET_LANES;
constexpr int kVectors = 16 / kLanes;  // of a panel

typedef float Vector __attribute__((vector_size(INFONET_LANES * 4)));
typedef int Integers __attribute__((vector_size(INFONET_LANES * 4)));

INFONET_INLINE Vector load(const float* p) {
  Vector v;
  memcpy(&v, p, sizeof v);
  return v;
}

INFONET_INLINE void store(float* p, Vector v) { memcpy(p, &v, sizeof v); }

INFONET_INLINE Vector all(float value) { return Vector{} + value; }

// NaN in the first stays: what is broken must not look like an answer.
INFONET_INLINE Vector larger(Vector a, Vector b) { return b > a ? b : a; }

INFONET_INLINE Vector positive(Vector a) { return larger(a, Vector{}); }

INFONET_INLINE float sum(Vector v) {
  float total = 0;
  for (int i = 0; i < kLanes; ++i) total += v[i];
  return total;
}

// Natural logarithm of normal positive numbers, within two units of the last place (Cephes, logf).
INFONET_INLINE Vector log_of(Vector x) {
  const Integers bits = (Integers)x;
  // the mantissa in [sqrt(1/2), sqrt(2)): 0x3f3504f3 is sqrt(1/2)
  const Integers shifted = bits - 0x3f3504f3;
  const Integers exponent = shifted >> 23;
  const Vector m = (Vector)(bits - (exponent << 23)) - 1.0f;
  const Vector e = __builtin_convertvector(exponent, Vector);
  Vector p = all(7.0376836292e-2f);
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const Vector square = m * m;
  Vector y = p * m * square;
  y = y + e * -2.12194440e-4f;
  y = y - 0.5f * square;
  return (m + y) + e * 0.693359375f;
}

// Exponential of numbers of at most 0, within two units of the last place (Cephes, expf).
INFONET_INLINE Vector exp_of(Vector x) {
  x = larger(x, all(-87.0f));
  const Integers n = __builtin_convertvector(x * 1.44269504088896341f - 0.5f, Integers);
  const Vector k = __builtin_convertvector(n, Vector);
  Vector r = x - k * 0.693359375f;
  r = r - k * -2.12194440e-4f;
  Vector p = all(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * (Vector)((n + 127) << 23);
}

// Square roots: loops over arrays, which compilers have instructions for.
INFONET_INLINE void write_roots(const float* from, float scale, int count, float* to) {
  for (int i = 0; i < count; ++i) to[i] = __builtin_sqrtf(from[i] * scale);
}

}  // namespace
}  // namespace infonet::network
