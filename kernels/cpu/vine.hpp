// What a vine of pair copulas needs beside the network: from the table of a pair to conditional
// distributions, normal scores, and moments that tell whether a copula changes with a condition.
#pragma once

#include <cstddef>

namespace infonet {

// The standard normal quantiles of `n` numbers in (0, 1); 0 and 1 count as half a sample from them.
// Wichura's algorithm AS 241 (1988), good to 1e-15.
void normal_scores(const float* ranks, std::size_t n, double* scores);

// Conditional distribution functions of a pair copula (Aas, Czado, Frigessi & Bakken 2009).
// `table` [grid, grid] holds the logarithm of its density up to f(u) + g(v), u along the first
// axis; it is scaled until its marginals are uniform (Sinkhorn & Knopp 1967). For each of n points
// the functions are linear between the centres of cells along the condition, and along the other
// variable the density is constant within a cell. `of_u` gets F(u | v), `of_v` F(v | u), and
// `log_density` the logarithm of the density, bilinear between the centres of cells.
void conditionals(const float* table, std::size_t grid, const float* u, const float* v,
                  std::size_t n, float* of_u, float* of_v, float* log_density);

constexpr std::size_t kDegrees = 3;  // of the Legendre polynomials, orthonormal on [0, 1]

// Means over n points of the products P_a(u) P_b(v), a, b = 1..3, into `pair` [9]; of the products
// of two of these into `square` [9, 9]; and of P_a(u) P_b(v) P_c(w) for each of `count` rows w into
// `triple` [count, 3, 9].
void moments(const float* u, const float* v, const float* const* w, std::size_t count,
             std::size_t n, double* pair, double* square, double* triple);

// Sums over n points of the products of each two of `count` rows [count, n], [count, count]. In the
// same order on every machine and for any number of threads, as a BLAS does not promise.
void products(const double* rows, std::size_t count, std::size_t n, double* sums);

}  // namespace infonet
