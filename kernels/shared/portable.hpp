// Functions that compile for the host and, under nvcc, for the device.
#pragma once

#if defined(__CUDACC__)
#define INFONET_HD __host__ __device__ __forceinline__
#else
#define INFONET_HD inline
#endif

#if defined(__CUDA_ARCH__)
#define INFONET_UNROLL _Pragma("unroll")
#define INFONET_UNROLL_BY_FOUR _Pragma("unroll 4")
#define INFONET_NO_UNROLL _Pragma("unroll 1")
#else
#define INFONET_UNROLL
#define INFONET_UNROLL_BY_FOUR
#define INFONET_NO_UNROLL
#endif

namespace infonet {

template <typename T>
INFONET_HD T smaller(T a, T b) {
  return b < a ? b : a;
}

}  // namespace infonet
