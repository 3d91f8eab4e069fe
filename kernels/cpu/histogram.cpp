#include "histogram.hpp"

#include <algorithm>
#include <cstring>

#include "dispatch.hpp"
#include "scratch.hpp"

namespace infonet {
namespace {

constexpr std::size_t kChunk = 256;  // points located at a time; stays in the first-level cache

struct Located {
  std::int32_t cell[kChunk];  // the lower of the two cells
  double weight[kChunk];      // what the upper one gets
};

template <typename Rank>
inline void locate_one(Rank rank, double cells, double last, std::int32_t lowest_top,
                       std::int32_t& cell, double& weight) {
  double position = static_cast<double>(rank) * cells - 0.5;
  position = position > 0.0 ? position : 0.0;
  position = position < last ? position : last;
  std::int32_t lower = static_cast<std::int32_t>(position);  // truncation is floor from 0 up
  lower = lower < lowest_top ? lower : lowest_top;
  cell = lower;
  weight = position - static_cast<double>(lower);
}

template <typename Rank>
inline void locate_all(const Rank* ranks, std::size_t count, std::int64_t grid, Located& located) {
  const double cells = static_cast<double>(grid), last = static_cast<double>(grid - 1);
  const std::int32_t lowest_top = static_cast<std::int32_t>(grid - 2);
  for (std::size_t i = 0; i < count; ++i) {
    locate_one(ranks[i], cells, last, lowest_top, located.cell[i], located.weight[i]);
  }
}

INFONET_VECTOR_CLONES
void locate(const float* ranks, std::size_t count, std::int64_t grid, Located& located) {
  locate_all(ranks, count, grid, located);
}

void locate(const double* ranks, std::size_t count, std::int64_t grid, Located& located) {
  locate_all(ranks, count, grid, located);
}

template <typename Rank>
inline bool none_outside(const Rank* ranks, std::size_t count) {
  int outside = 0;
  for (std::size_t i = 0; i < count; ++i) outside |= !(ranks[i] >= 0) | !(ranks[i] <= 1);
  return outside == 0;
}

INFONET_VECTOR_CLONES
bool all_in_unit_interval(const float* ranks, std::size_t count) {
  return none_outside(ranks, count);
}

bool all_in_unit_interval(const double* ranks, std::size_t count) {
  return none_outside(ranks, count);
}

// Contiguous ranks: themselves when they already are, else a copy in `chunk`.
template <typename Rank>
const Rank* contiguous(const Rank* ranks, std::ptrdiff_t stride, std::size_t begin,
                       std::size_t count, Rank* chunk) {
  ranks += static_cast<std::ptrdiff_t>(begin) * stride;
  if (stride == 1) return ranks;
  for (std::size_t i = 0; i < count; ++i) chunk[i] = ranks[static_cast<std::ptrdiff_t>(i) * stride];
  return chunk;
}

// Two neighbouring cells at once.
inline void add_pair(double* cells, double first, double second) {
#if defined(__GNUC__)
  typedef double Pair __attribute__((vector_size(16)));
  Pair pair;
  std::memcpy(&pair, cells, sizeof pair);
  pair += Pair{first, second};
  std::memcpy(cells, &pair, sizeof pair);
#else
  cells[0] += first;
  cells[1] += second;
#endif
}

INFONET_VECTOR_CLONES
void round_cells(const double* cells, std::size_t count, float* histogram) {
  for (std::size_t i = 0; i < count; ++i) histogram[i] = static_cast<float>(cells[i]);
}

void round_cells(const double* cells, std::size_t count, double* histogram) {
  std::copy_n(cells, count, histogram);
}

}  // namespace

template <typename Rank>
Status check_ranks(const Rank* ranks, std::ptrdiff_t stride, std::size_t n,
                   const std::string& where) {
  Rank chunk[kChunk];
  for (std::size_t begin = 0; begin < n; begin += kChunk) {
    const std::size_t count = std::min(kChunk, n - begin);
    const Rank* const values = contiguous(ranks, stride, begin, count, chunk);
    if (all_in_unit_interval(values, count)) continue;
    std::size_t i = 0;
    while (values[i] >= 0 && values[i] <= 1) ++i;
    const bool nan = values[i] != values[i];
    return Status::invalid("ranks: " + (nan ? std::string("NaN") : std::to_string(values[i])) +
                           " at " + where + "index " + std::to_string(begin + i) +
                           "; ranks must be in [0, 1] (soft_rank gives such)");
  }
  return {};
}

template <typename Rank>
void joint_histogram(const Rank* x, const Rank* y, std::ptrdiff_t stride, std::size_t n,
                     std::int64_t grid, Rank* histogram) {
  thread_local Buffer<double> buffer;
  const std::size_t width = static_cast<std::size_t>(grid), size = width * width;
  double* const cells = buffer.reserve(size);
  std::fill_n(cells, size, 0.0);
  Located along_x, along_y;
  Rank x_chunk[kChunk], y_chunk[kChunk];
  for (std::size_t begin = 0; begin < n; begin += kChunk) {
    const std::size_t count = std::min(kChunk, n - begin);
    locate(contiguous(x, stride, begin, count, x_chunk), count, grid, along_x);
    locate(contiguous(y, stride, begin, count, y_chunk), count, grid, along_y);
    for (std::size_t i = 0; i < count; ++i) {
      double* const cell = cells + static_cast<std::size_t>(along_x.cell[i]) * width +
                           static_cast<std::size_t>(along_y.cell[i]);
      const double right = along_x.weight[i], left = 1.0 - right;
      const double upper = along_y.weight[i], lower = 1.0 - upper;
      add_pair(cell, left * lower, left * upper);
      add_pair(cell + width, right * lower, right * upper);
    }
  }
  round_cells(cells, size, histogram);
  buffer.trim(kMostKeptBytes);
}

template Status check_ranks(const float*, std::ptrdiff_t, std::size_t, const std::string&);
template Status check_ranks(const double*, std::ptrdiff_t, std::size_t, const std::string&);
template void joint_histogram(const float*, const float*, std::ptrdiff_t, std::size_t, std::int64_t,
                              float*);
template void joint_histogram(const double*, const double*, std::ptrdiff_t, std::size_t,
                              std::int64_t, double*);

}  // namespace infonet
