// A bare segmented sort of CUB, to hold the ranking kernels against: every row of float keys with
// their places, ascending. Compiled on demand by gpu_sorts.py.
#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/transform_iterator.h>

#include <cstddef>
#include <cstdint>
#include <cub/device/device_segmented_radix_sort.cuh>
#include <cub/device/device_segmented_sort.cuh>

namespace {

struct FirstOfRow {
  std::int64_t n;
  __host__ __device__ std::int64_t operator()(std::int64_t row) const { return row * n; }
};

}  // namespace

// radix: 0 for DeviceSegmentedSort, else DeviceSegmentedRadixSort. With temporary == nullptr only
// *bytes is written. Returns a cudaError_t.
extern "C" int segmented_sort(int radix, void* temporary, std::size_t* bytes, const float* keys,
                              float* sorted, const int* places, int* order, std::int64_t rows,
                              std::int64_t n, void* stream) {
  const auto begin =
      thrust::make_transform_iterator(thrust::counting_iterator<std::int64_t>(0), FirstOfRow{n});
  const auto queue = static_cast<cudaStream_t>(stream);
  if (radix) {
    return cub::DeviceSegmentedRadixSort::SortPairs(temporary, *bytes, keys, sorted, places, order,
                                                    rows * n, rows, begin, begin + 1, 0, 32, queue);
  }
  return cub::DeviceSegmentedSort::SortPairs(temporary, *bytes, keys, sorted, places, order,
                                             rows * n, rows, begin, begin + 1, queue);
}
