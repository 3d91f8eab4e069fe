#include "vine.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "dispatch.hpp"

namespace infonet {
namespace {

constexpr std::size_t kPairs = kDegrees * kDegrees;
constexpr std::size_t kBlock = 256;  // points at a time, so that their products stay in cache
constexpr int kRounds = 200;         // of scaling, at most
constexpr double kClose = 1e-6;      // of the marginals to uniform ones
constexpr double kRange = 60.0;      // nats below the largest entry that still count

// Wichura's AS 241: numerators and denominators at the centre, in the tails and far out.
constexpr double kCentre[] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                              1.9715909503065514427e3, 1.3731693765509461125e4,
                              4.5921953931549871457e4, 6.7265770927008700853e4,
                              3.3430575583588128105e4, 2.5090809287301226727e3};
constexpr double kCentreBelow[] = {1.0,
                                   4.2313330701600911252e1,
                                   6.8718700749205790830e2,
                                   5.3941960214247511077e3,
                                   2.1213794301586595867e4,
                                   3.9307895800092710610e4,
                                   2.8729085735721942674e4,
                                   5.2264952788528545610e3};
constexpr double kTail[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                            5.76949722146069140550e0,  3.64784832476320460504e0,
                            1.27045825245236838258e0,  2.41780725177450611770e-1,
                            2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr double kTailBelow[] = {1.0,
                                 2.05319162663775882187e0,
                                 1.67638483018380384940e0,
                                 6.89767334985100004550e-1,
                                 1.48103976427480074590e-1,
                                 1.51986665636164571966e-2,
                                 5.47593808499534494600e-4,
                                 1.05075007164441684324e-9};
constexpr double kEnd[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                           1.78482653991729133580e0,  2.96560571828504891230e-1,
                           2.65321895265761230930e-2, 1.24266094738807843860e-3,
                           2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr double kEndBelow[] = {1.0,
                                5.99832206555887937690e-1,
                                1.36929880922735805310e-1,
                                1.48753612908506148525e-2,
                                7.86869131145613259100e-4,
                                1.84631831751005468180e-5,
                                1.42151175831644588870e-7,
                                2.04426310338993978564e-15};
constexpr double kCentral = 0.425;  // distance from the middle up to which it is the centre

inline double polynomial(const double (&c)[8], double x) {
  double sum = c[7];
  for (std::size_t i = 7; i-- > 0;) sum = sum * x + c[i];
  return sum;
}

// Of all numbers as if they lay at the centre, without a branch, so that vectors serve.
INFONET_VECTOR_CLONES
void central_quantiles(const float* ranks, std::size_t n, double least, double* scores) {
  for (std::size_t i = 0; i < n; ++i) {
    double p = static_cast<double>(ranks[i]);
    p = p < least ? least : p;
    p = p > 1.0 - least ? 1.0 - least : p;
    const double q = p - 0.5, r = 0.180625 - q * q;
    scores[i] = q * polynomial(kCentre, r) / polynomial(kCentreBelow, r);
  }
}

double tail_quantile(double p) {
  const bool left = p < 0.5;
  const double r = std::sqrt(-std::log(left ? p : 1.0 - p));
  const double x = r <= 5.0 ? polynomial(kTail, r - 1.6) / polynomial(kTailBelow, r - 1.6)
                            : polynomial(kEnd, r - 5.0) / polynomial(kEndBelow, r - 5.0);
  return left ? -x : x;
}

// Scale the rows and columns of `cells` until each has the mean 1; `sums` [grid] is working memory.
INFONET_VECTOR_CLONES
void balance(double* cells, std::size_t grid, double* sums) {
  for (int round = 0; round < kRounds; ++round) {
    std::fill_n(sums, grid, 0.0);
    double worst = 0.0;
    for (std::size_t i = 0; i < grid; ++i) {
      double* const row = cells + i * grid;
      // Eight partial sums, so that the compiler may use vectors without changing the order.
      double part[8] = {};
      std::size_t j = 0;
      for (; j + 8 <= grid; j += 8) {
        for (std::size_t k = 0; k < 8; ++k) part[k] += row[j + k];
      }
      double sum =
          ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
      for (; j < grid; ++j) sum += row[j];
      const double mean = sum / static_cast<double>(grid);
      worst = std::max(worst, std::fabs(mean - 1.0));
      const double scale = 1.0 / mean;
      for (std::size_t k = 0; k < grid; ++k) {
        row[k] *= scale;
        sums[k] += row[k];
      }
    }
    for (std::size_t k = 0; k < grid; ++k) sums[k] = static_cast<double>(grid) / sums[k];
    for (std::size_t i = 0; i < grid; ++i) {
      double* const row = cells + i * grid;
      for (std::size_t k = 0; k < grid; ++k) row[k] *= sums[k];
    }
    if (round > 0 && worst < kClose) break;
  }
}

// Row i of `steps` [grid, grid + 1]: what of the mass of row i of `cells` lies below each border.
void accumulate(const double* cells, std::size_t grid, std::size_t across, std::size_t along,
                double* steps) {
  for (std::size_t i = 0; i < grid; ++i) {
    double* const row = steps + i * (grid + 1);
    row[0] = 0.0;
    for (std::size_t j = 0; j < grid; ++j) row[j + 1] = row[j] + cells[i * across + j * along];
    const double scale = 1.0 / row[grid];
    for (std::size_t j = 1; j <= grid; ++j) row[j] *= scale;
  }
}

// Where a rank lies between the centres of cells: the cell below and the share of the one above.
struct Place {
  std::size_t cell;
  double share;
};

Place place(float rank, std::size_t grid) {
  const double top = static_cast<double>(grid - 1);
  const double p = std::min(std::max(rank * static_cast<double>(grid) - 0.5, 0.0), top);
  const std::size_t cell = std::min(static_cast<std::size_t>(p), grid - 2);
  return {cell, p - static_cast<double>(cell)};
}

// F(value | condition), read from `steps` of the condition's cells.
float read(const double* steps, std::size_t grid, Place condition, float value) {
  const double size = static_cast<double>(grid);
  const double q = std::min(std::max(value * size, 0.0), size);
  const std::size_t j = std::min(static_cast<std::size_t>(q), grid - 1);
  const double share = q - static_cast<double>(j);
  const double* const low = steps + condition.cell * (grid + 1) + j;
  const double* const high = low + (grid + 1);
  const double below = low[0] + (low[1] - low[0]) * share;
  const double above = high[0] + (high[1] - high[0]) * share;
  return static_cast<float>(below + (above - below) * condition.share);
}

// The orthonormal Legendre polynomials of degrees 1 to 3 at `count` ranks, [3, kBlock].
INFONET_VECTOR_CLONES
void legendre(const float* ranks, std::size_t count, double* values) {
  const double one = std::sqrt(3.0), two = std::sqrt(5.0), three = std::sqrt(7.0);
  for (std::size_t i = 0; i < count; ++i) {
    const double t = 2.0 * static_cast<double>(ranks[i]) - 1.0, square = t * t;
    values[i] = one * t;
    values[kBlock + i] = two * (1.5 * square - 0.5);
    values[2 * kBlock + i] = three * (2.5 * square - 1.5) * t;
  }
}

// The sum of the products of two rows; eight partial sums, whatever the vectors of the machine.
INFONET_VECTOR_CLONES
double product(const double* a, const double* b, std::size_t count) {
  double part[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) part[k] += a[i + k] * b[i + k];
  }
  double sum =
      ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

void normal_scores(const float* ranks, std::size_t n, double* scores) {
  const double least = 0.5 / static_cast<double>(n);
  central_quantiles(ranks, n, least, scores);
  for (std::size_t i = 0; i < n; ++i) {
    const double p = std::min(std::max(static_cast<double>(ranks[i]), least), 1.0 - least);
    if (std::fabs(p - 0.5) > kCentral) scores[i] = tail_quantile(p);
  }
}

void conditionals(const float* table, std::size_t grid, const float* u, const float* v,
                  std::size_t n, float* of_u, float* of_v, float* log_density) {
  const std::size_t size = grid * grid;
  std::vector<double> cells(size), given_u(grid * (grid + 1)), given_v(grid * (grid + 1));
  std::vector<double> sums(grid);
  const double top = static_cast<double>(*std::max_element(table, table + size));
  for (std::size_t i = 0; i < size; ++i) {
    cells[i] = std::exp(std::max(static_cast<double>(table[i]) - top, -kRange));
  }
  balance(cells.data(), grid, sums.data());
  accumulate(cells.data(), grid, grid, 1, given_u.data());
  accumulate(cells.data(), grid, 1, grid, given_v.data());
  for (std::size_t i = 0; i < n; ++i) {
    const Place x = place(u[i], grid), y = place(v[i], grid);
    of_u[i] = read(given_v.data(), grid, y, u[i]);
    of_v[i] = read(given_u.data(), grid, x, v[i]);
    const double* const low = cells.data() + x.cell * grid + y.cell;
    const double* const high = low + grid;
    const double below = low[0] + (low[1] - low[0]) * y.share;
    const double above = high[0] + (high[1] - high[0]) * y.share;
    log_density[i] = static_cast<float>(std::log(below + (above - below) * x.share));
  }
}

void moments(const float* u, const float* v, const float* const* w, std::size_t count,
             std::size_t n, double* pair, double* square, double* triple) {
  std::fill_n(pair, kPairs, 0.0);
  std::fill_n(square, kPairs * kPairs, 0.0);
  std::fill_n(triple, count * kDegrees * kPairs, 0.0);
  double of_u[kDegrees * kBlock], of_v[kDegrees * kBlock], of_w[kDegrees * kBlock];
  double products[kPairs * kBlock], ones[kBlock];
  std::fill_n(ones, kBlock, 1.0);
  for (std::size_t begin = 0; begin < n; begin += kBlock) {
    const std::size_t size = std::min(kBlock, n - begin);
    legendre(u + begin, size, of_u);
    legendre(v + begin, size, of_v);
    for (std::size_t a = 0; a < kDegrees; ++a) {
      for (std::size_t b = 0; b < kDegrees; ++b) {
        double* const row = products + (a * kDegrees + b) * kBlock;
        for (std::size_t i = 0; i < size; ++i) row[i] = of_u[a * kBlock + i] * of_v[b * kBlock + i];
      }
    }
    for (std::size_t p = 0; p < kPairs; ++p) {
      pair[p] += product(products + p * kBlock, ones, size);
      for (std::size_t q = p; q < kPairs && count > 0; ++q) {
        square[p * kPairs + q] += product(products + p * kBlock, products + q * kBlock, size);
      }
    }
    for (std::size_t k = 0; k < count; ++k) {
      legendre(w[k] + begin, size, of_w);
      for (std::size_t c = 0; c < kDegrees; ++c) {
        double* const sums = triple + (k * kDegrees + c) * kPairs;
        for (std::size_t p = 0; p < kPairs; ++p) {
          sums[p] += product(products + p * kBlock, of_w + c * kBlock, size);
        }
      }
    }
  }
  const double scale = 1.0 / static_cast<double>(n);
  for (std::size_t p = 0; p < kPairs; ++p) {
    pair[p] *= scale;
    for (std::size_t q = p; q < kPairs; ++q) {
      square[p * kPairs + q] *= scale;
      square[q * kPairs + p] = square[p * kPairs + q];
    }
  }
  for (std::size_t i = 0; i < count * kDegrees * kPairs; ++i) triple[i] *= scale;
}

void products(const double* rows, std::size_t count, std::size_t n, double* sums) {
  std::fill_n(sums, count * count, 0.0);
  for (std::size_t begin = 0; begin < n; begin += kBlock) {
    const std::size_t size = std::min(kBlock, n - begin);
    for (std::size_t a = 0; a < count; ++a) {
      for (std::size_t b = a; b < count; ++b) {
        sums[a * count + b] += product(rows + a * n + begin, rows + b * n + begin, size);
      }
    }
  }
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = a + 1; b < count; ++b) sums[b * count + a] = sums[a * count + b];
  }
}

}  // namespace infonet
