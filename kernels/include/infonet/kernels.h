/* Plain C interface of the InfoNet kernels, for C programs, ctypes and other foreign callers.
 *
 * Every function returns 0 on success and an InfonetCode otherwise; infonet_last_error() then
 * holds one line that says what was got and what is allowed. Arrays are C-contiguous. A `threads`
 * argument bounds the worker threads of that call; results are the same bytes for any value.
 */
#ifndef INFONET_KERNELS_H
#define INFONET_KERNELS_H

#include <stdint.h>

/* Raised when a program that was compiled for the interface before has to be changed or compiled
 * again. New functions do not raise it. */
#define INFONET_KERNELS_VERSION 1

#if defined(_WIN32) && defined(INFONET_BUILDING)
#define INFONET_EXPORT __declspec(dllexport)
#elif defined(_WIN32)
#define INFONET_EXPORT __declspec(dllimport)
#else
#define INFONET_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum InfonetCode {
  INFONET_OK = 0,
  INFONET_INVALID_ARGUMENT = 1,
  INFONET_OUT_OF_MEMORY = 2,
  INFONET_INTERNAL_ERROR = 3
} InfonetCode;

/* What is returned for a soft rank r in [1, n] of a row of n values. */
typedef enum InfonetNormalize {
  INFONET_MIDRANK = 0, /* (r - 1/2) / n */
  INFONET_OVER_N = 1,  /* r / n */
  INFONET_MINMAX = 2   /* (r - min r) / (max r - min r); 1/2 throughout when all r are equal */
} InfonetNormalize;

/* Rank each of `rows` rows of `n` values into `ranks` (same shape).
 *
 * eps == 0: average ranks; infinities are ordinary values, NaN is refused, -0.0 ties with 0.0.
 * eps > 0: each row is first scaled to [0, 1], then softly ranked: the Euclidean projection of
 * values / eps onto the permutahedron (torchsort's "l2" soft_rank with strength eps). Values must
 * be finite.
 */
INFONET_EXPORT int infonet_soft_rank(const float* values, int64_t rows, int64_t n, double eps,
                                     int normalize, int threads, float* ranks);

/* The same in double precision. */
INFONET_EXPORT int infonet_soft_rank_f64(const double* values, int64_t rows, int64_t n, double eps,
                                         int normalize, int threads, double* ranks);

/* The gradient of a function of the ranks by the values, exact: `by` is that by the ranks, all
 * three are [rows, n]. Pooling is done again rather than kept, in double precision.
 *
 * It is zero for eps == 0 (ranks are piecewise constant) and for a row of equal values; values
 * tied at the smallest or the largest share its part evenly. Where the pooling is about to change
 * the function has a kink, and the gradient is that of the coarser pooling. `by` is not checked:
 * a NaN in it spoils its row. */
INFONET_EXPORT int infonet_soft_rank_backward(const float* values, const float* by, int64_t rows,
                                              int64_t n, double eps, int normalize, int threads,
                                              float* gradient);
INFONET_EXPORT int infonet_soft_rank_backward_f64(const double* values, const double* by,
                                                  int64_t rows, int64_t n, double eps,
                                                  int normalize, int threads, double* gradient);

/* The type of a column's values. Every value of a smaller type is one of these. */
typedef enum InfonetType {
  INFONET_FLOAT32 = 0,
  INFONET_FLOAT64 = 1,
  INFONET_INT64 = 2,
  INFONET_UINT64 = 3
} InfonetType;

/* Values of native byte order, aligned or not, `stride` bytes apart. */
typedef struct InfonetColumn {
  const void* values;
  int64_t stride;
  int64_t type; /* InfonetType */
} InfonetColumn;

/* Which values of a column are equal. */
typedef enum InfonetTies {
  INFONET_NO_TIES = 0,
  INFONET_TIES = 1,
  INFONET_CONSTANT = 2
} InfonetTies;

/* Average ranks of `count` columns of n values each into the rows of `ranks` [count, n], and what
 * is tied into `ties` [count] (InfonetTies; all of a single value is constant). `entropy` [count]
 * gets the entropy in nats of a tied column, the plug-in estimate with the correction of Miller &
 * Madow (1955), (levels - 1) / 2n; infinity where no values are equal. Values are compared exactly,
 * whatever their type; otherwise as infonet_soft_rank with eps == 0. */
INFONET_EXPORT int infonet_rank_columns(const InfonetColumn* columns, int64_t count, int64_t n,
                                        int normalize, int threads, float* ranks, uint8_t* ties,
                                        double* entropy);

/* Splat the n points (x[r, i], y[r, i]), all in [0, 1], of each row r bilinearly onto a grid of
 * grid x grid cells: histogram[r, ix, iy]. The cells of one row sum to n. */
INFONET_EXPORT int infonet_joint_histogram(const float* x, const float* y, int64_t rows, int64_t n,
                                           int64_t grid, int threads, float* histogram);

/* The same in double precision. */
INFONET_EXPORT int infonet_joint_histogram_f64(const double* x, const double* y, int64_t rows,
                                               int64_t n, int64_t grid, int threads,
                                               double* histogram);

/* infonet_joint_histogram for pairs of columns: histogram[k] of ranks[pairs[k][0]] (first axis) and
 * ranks[pairs[k][1]], where ranks is [columns, n] and pairs is [count, 2]. */
INFONET_EXPORT int infonet_pair_histograms(const float* ranks, int64_t columns, int64_t n,
                                           const int64_t* pairs, int64_t count, int64_t grid,
                                           int threads, float* histogram);

/* Project `rows` samples, values [rows, columns], onto `count` directions: out[p * stride + i] is
 * the sum over j of values[i, j] times entry j of direction p, taken one term after the other from
 * j = 0 on, so that it depends on the sample and the direction alone. Entry j of direction p lies
 * at panels[(p / 8) * panel_stride + 8 * j + p % 8]; the last panel is filled up with anything. If
 * `resume` is not 0, sums continue from what `out` holds. One thread. */
INFONET_EXPORT int infonet_project(const double* values, int64_t rows, int64_t columns,
                                   const double* panels, int64_t panel_stride, int64_t count,
                                   int64_t stride, int resume, double* out);

/* Mid-ranks among themselves of the m samples `inside`, from `count` rows of mid-ranks of n
 * samples, at most 2^21, by their addresses: ranks [count, m]. What infonet_rank_columns gives for
 * these samples, without sorting them. One thread. */
INFONET_EXPORT int infonet_ranks_within(const float* const* rows, int64_t count, int64_t n,
                                        const int64_t* inside, int64_t m, float* ranks);

/* Standard normal quantiles of n ranks in [0, 1]; 0 and 1 count as half a sample from them. */
INFONET_EXPORT int infonet_normal_scores(const float* ranks, int64_t n, double* scores);

/* Conditional distribution functions of the pair copula with the density exp(table + f(u) + g(v)),
 * table [grid, grid], u along the first axis, f and g such that its marginals are uniform: of_u
 * gets F(u | v), of_v gets F(v | u), log_density the logarithm of the density, all [n] at n points
 * in [0, 1]. One thread. */
INFONET_EXPORT int infonet_conditionals(const float* table, int64_t grid, const float* u,
                                        const float* v, int64_t n, float* of_u, float* of_v,
                                        float* log_density);

/* Means over n points of products of orthonormal Legendre polynomials of degrees 1 to 3: P_a(u)
 * P_b(v) into pair [3, 3], products of two of those into square [9, 9], and P_a(u) P_b(v) P_c(w)
 * for each of `count` rows w into triple [count, 3 (c), 9 (a, b)]. One thread. */
INFONET_EXPORT int infonet_moments(const float* u, const float* v, const float* const* w,
                                   int64_t count, int64_t n, double* pair, double* square,
                                   double* triple);

/* Sums over n points of the products of each two of `count` rows [count, n], sums [count, count];
 * in the same order on every machine. One thread. */
INFONET_EXPORT int infonet_products(const double* rows, int64_t count, int64_t n, double* sums);

/* Pearson's chi-squared of independence of n points (u, v) in [0, 1] in grids of equal cells,
 * shapes [count, 2], rows along u and columns: powers of two from 1 to 32. Into statistics [count].
 */
INFONET_EXPORT int infonet_chi_squared(const float* u, const float* v, int64_t n,
                                       const int64_t* shapes, int64_t count, double* statistics);

/* Distance of each of n points, points [n, dimensions], from its k-th neighbour in the maximum
 * norm, n > k >= 1, into distance [n]. */
INFONET_EXPORT int infonet_neighbour_distances(const double* points, int64_t n, int64_t dimensions,
                                               int64_t k, int threads, double* distance);

/* How many other points lie nearer than distance[i] to point i in the maximum norm, counts [n]. */
INFONET_EXPORT int infonet_neighbour_counts(const double* points, int64_t n, int64_t dimensions,
                                            const double* distance, int threads, int64_t* counts);

/* The INFONET_KERNELS_VERSION that the library was compiled with. */
INFONET_EXPORT int infonet_kernels_version(void);

/* Mutual information of two columns of n mid-ranks in [0, 1] by counts in ever smaller cells:
 * information[j], of 64, gets the nats that halving cells of 2^j to 2^(j + 1) - 1 samples told,
 * less what that is by chance. Cells of `fewest` samples, at least 2, are halved; the mean of 1 to
 * 4 `divisions` of the square is taken. n is from 1 to 2^31 - 1. One thread. */
INFONET_EXPORT int infonet_cell_information(const float* x, const float* y, int64_t n,
                                            int64_t fewest, int64_t divisions, double* information);

/* Bits of the vectors that the network below is compiled for on this processor, 0 where there are
 * none: then it cannot be opened. */
INFONET_EXPORT int infonet_network_vectors(int64_t* bits);

/* Open a network of architecture `copula`: cells a side of its histograms, channels of its levels,
 * channels of its heads, polynomials of pairs of ranks, knots of the factors of its intervals, and
 * the largest trained number of samples. `parameters` are `count` numbers, in the order that
 * infonet_kernels.CopulaNetwork gives; they are copied. */
INFONET_EXPORT int infonet_network_open(int64_t grid, const int64_t* channels, int64_t levels,
                                        int64_t hidden, int64_t polynomials, int64_t knots,
                                        double n_max, const float* parameters, int64_t count,
                                        void** network);

/* Mutual information in nats from joint histograms of mid-ranks, [count, grid, grid]: mi [count],
 * quantiles [count, 3], table [count, grid / 2, grid / 2] or NULL, score [count]. An answer does
 * not depend on the histograms beside it. One thread; many may call at once. */
INFONET_EXPORT int infonet_network_run(const void* network, const float* histograms, int64_t count,
                                       float* mi, float* quantiles, float* table, float* score);

/* Give back what infonet_network_open took. */
INFONET_EXPORT int infonet_network_close(void* network);

/* The message of the calling thread's last failure; empty when there was none. */
INFONET_EXPORT const char* infonet_last_error(void);

#ifdef __cplusplus
}
#endif

#endif /* INFONET_KERNELS_H */
