/* Plain C interface: the ties of ranked samples in device memory, for infonet_kernels_cuda. */
#ifndef INFONET_TIES_CUDA_H
#define INFONET_TIES_CUDA_H

#include <stddef.h>
#include <stdint.h>

#include "infonet/kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

#define INFONET_LONGEST_TIES (1 << 21)

/* The entropy of each row in nats as infonet_rank_columns has it: infinite without ties, 0 for a
 * single value; NaN for a row with a value that is not finite. `values` and their average ranks, as
 * (rank - 1/2) / n, are [rows / columns, n, columns]: row r is column r % columns of matrix
 * r / columns. n is at most INFONET_LONGEST_TIES.
 *
 * As in infonet/kernels_cuda.h, the work is put on a stream (a cudaStream_t), nothing is allocated
 * and nothing waits, and calls may be captured into a graph. Returns 0 or a cudaError_t. */
INFONET_EXPORT int infonet_cuda_tie_entropy(const float* values, const float* ranks, int64_t rows,
                                            int64_t n, int64_t columns, double* entropy,
                                            void* workspace, void* stream);
INFONET_EXPORT size_t infonet_cuda_tie_entropy_workspace(int64_t rows, int64_t n);

/* The name of what infonet_cuda_tie_entropy returned. */
INFONET_EXPORT const char* infonet_cuda_error_name(int error);

#ifdef __cplusplus
}
#endif

#endif /* INFONET_TIES_CUDA_H */
