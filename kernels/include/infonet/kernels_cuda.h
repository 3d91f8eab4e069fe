/* Plain C interface of the CUDA kernels, in a library of their own (libinfonet_kernels_cuda).
 *
 * As infonet/kernels.h, but every array, the workspace included, is in the memory of the current
 * device, and the work is put on a stream (a cudaStream_t): nothing is allocated, nothing waits,
 * and calls may be captured into a graph, after a first one that loads the kernels. So bad values
 * cannot be returned as an error: a row with one becomes NaN throughout, and `refused`, a number in
 * device memory that may be null, becomes the smallest such row, or stays at least 2^62 if there is
 * none.
 *
 * Functions return 0 or an InfonetCode; infonet_cuda_last_error() then says what was got and what
 * is allowed.
 */
#ifndef INFONET_KERNELS_CUDA_H
#define INFONET_KERNELS_CUDA_H

#include <stddef.h>

#include "infonet/kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Continues InfonetCode. */
#define INFONET_NO_DEVICE 4  /* no driver, no device, or none that this library runs on */
#define INFONET_CUDA_ERROR 5 /* the CUDA runtime refused; the message names its error */

/* 0 if there is a device to run on. */
INFONET_EXPORT int infonet_cuda_check(void);

/* Soft ranks as infonet_soft_rank: the same bytes, but where n eps >= 2 (no sort is needed), where
 * sums are taken in another order. Values and ranks are [rows / columns, n, columns], ranked along
 * the middle axis: row r is column r % columns of matrix r / columns. Rows may be of any length up
 * to 2^26. Beyond shared memory (17,280 values, fewer on some GPUs) those with 0 < n eps < 2 are
 * refused by a library that was built without INFONET_CUDA_LONG_SOFT_RANK. `workspace` holds the
 * bytes that the second function tells, aligned to 16. */
INFONET_EXPORT int infonet_cuda_soft_rank(const float* values, int64_t rows, int64_t n,
                                          int64_t columns, double eps, int normalize, float* ranks,
                                          void* workspace, size_t workspace_bytes, int64_t* refused,
                                          void* stream);
INFONET_EXPORT int infonet_cuda_soft_rank_workspace(int64_t rows, int64_t n, double eps,
                                                    size_t* bytes);

/* Their gradient, as infonet_soft_rank_backward, for eps > 0; sums are taken in another order. With
 * n eps < 2 they need INFONET_CUDA_LONG_SOFT_RANK, whatever n is. */
INFONET_EXPORT int infonet_cuda_soft_rank_backward(const float* values, const float* by,
                                                   int64_t rows, int64_t n, int64_t columns,
                                                   double eps, int normalize, float* gradient,
                                                   void* workspace, size_t workspace_bytes,
                                                   int64_t* refused, void* stream);
INFONET_EXPORT int infonet_cuda_soft_rank_backward_workspace(int64_t rows, int64_t n, double eps,
                                                             size_t* bytes);

/* infonet_joint_histogram, with weights in fixed point (2^-31 of a point): the same bytes on every
 * run. The values of x, and of y, lie `stride` apart: with 2, x and x + 1 are the columns of ranks
 * [rows, n, 2]. */
INFONET_EXPORT int infonet_cuda_joint_histogram(const float* x, const float* y, int64_t rows,
                                                int64_t n, int64_t stride, int64_t grid,
                                                float* histogram, void* workspace,
                                                size_t workspace_bytes, int64_t* refused,
                                                void* stream);

/* infonet_pair_histograms; `pairs` is in device memory too. A pair of columns that are not there
 * gives NaN and is refused. */
INFONET_EXPORT int infonet_cuda_pair_histograms(const float* ranks, int64_t columns, int64_t n,
                                                const int64_t* pairs, int64_t count, int64_t grid,
                                                float* histogram, void* workspace,
                                                size_t workspace_bytes, int64_t* refused,
                                                void* stream);
/* For both kinds of histograms; `rows` or `count` of them. */
INFONET_EXPORT int infonet_cuda_histogram_workspace(int64_t rows, int64_t grid, size_t* bytes);

#define INFONET_LONGEST_TIES (1 << 21)

/* The entropy of each row in nats as infonet_rank_columns has it: infinite without ties, 0 for a
 * single value; NaN, instead of a place in `refused`, for a row with a value that is not finite.
 * `values` and their average ranks, as (rank - 1/2) / n, are [rows / columns, n, columns] as for
 * infonet_cuda_soft_rank. n is 1 to INFONET_LONGEST_TIES. */
INFONET_EXPORT int infonet_cuda_tie_entropy(const float* values, const float* ranks, int64_t rows,
                                            int64_t n, int64_t columns, double* entropy,
                                            void* workspace, size_t workspace_bytes, void* stream);
INFONET_EXPORT int infonet_cuda_tie_entropy_workspace(int64_t rows, int64_t n, size_t* bytes);

/* The message of the calling thread's last failure; empty when there was none. */
INFONET_EXPORT const char* infonet_cuda_last_error(void);

#ifdef __cplusplus
}
#endif

#endif /* INFONET_KERNELS_CUDA_H */
