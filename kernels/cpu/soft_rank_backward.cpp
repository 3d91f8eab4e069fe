#include "pooled_row.hpp"
#include "scratch.hpp"
#include "soft_rank.hpp"

namespace infonet {
namespace {

struct Scratch {
  PoolScratch pool;
  Buffer<double> gradient;
  Buffer<double> ranks;

  void trim() {
    pool.trim(kMostKeptBytes);
    gradient.trim(kMostKeptBytes);
    ranks.trim(kMostKeptBytes);
  }
};

Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

struct TrimOnExit {
  ~TrimOnExit() { scratch().trim(); }
};

// Through scaled = (value - low) / width with low and high = low + width the extreme values: the
// gradient by the values from that by `scaled`, in its place. Values tied at an extreme share its
// part evenly.
void minmax_backward(double* gradient, const double* scaled, std::size_t n, double width) {
  double by_low = 0.0, by_high = 0.0;
  std::size_t lowest = 0, highest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    by_low += gradient[i] * (scaled[i] - 1.0);
    by_high -= gradient[i] * scaled[i];
    lowest += scaled[i] == 0.0;
    highest += scaled[i] == 1.0;
  }
  by_low /= static_cast<double>(lowest);
  by_high /= static_cast<double>(highest);
  for (std::size_t i = 0; i < n; ++i) {
    if (scaled[i] == 0.0) gradient[i] += by_low;
    if (scaled[i] == 1.0) gradient[i] += by_high;
    gradient[i] /= width;
  }
}

// Soft ranks are scaled values / eps plus a constant, which the minmax normalisation undoes.
template <typename Value>
void affine_backward(const Value* values, const Value* by, std::ptrdiff_t stride, std::size_t n,
                     const Range& range, const SoftRankOptions& options, Value* gradient) {
  double* const scaled = scratch().pool.scaled.reserve(n);
  double* const sum = scratch().gradient.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    scaled[i] = range.scaled(at(values, stride, i));
    sum[i] = static_cast<double>(at(by, stride, i));
  }
  if (options.normalize != INFONET_MINMAX) {
    const Block all{0, n, 0.0};
    gradient_of_blocks(sum, options.eps * static_cast<double>(n), &all, 1);
  }
  minmax_backward(sum, scaled, n, range.width);
  for (std::size_t i = 0; i < n; ++i) {
    gradient[static_cast<std::ptrdiff_t>(i) * stride] = static_cast<Value>(sum[i]);
  }
}

template <typename Value>
void pooled_backward(const Value* values, const Value* by, std::ptrdiff_t stride, std::size_t n,
                     const Range& range, const SoftRankOptions& options, Value* gradient) {
  const PooledRow row = pool_row(values, stride, n, range, options.eps, scratch().pool);
  double* const sum = scratch().gradient.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    sum[i] = static_cast<double>(at(by, stride, index_of(row.sorted[i])));
  }
  double scale = options.eps * static_cast<double>(n);
  if (options.normalize == INFONET_MINMAX) {
    scale = options.eps;
    double* const soft = scratch().ranks.reserve(n);
    for (std::size_t i = 0; i < n; ++i) soft[i] = row.scaled[i];
    ranks_of_blocks(soft, options.eps, row.blocks, row.used);
    const Range ranks{soft[0], soft[n - 1] - soft[0]};
    for (std::size_t i = 0; i < n; ++i) soft[i] = ranks.scaled(soft[i]);
    minmax_backward(sum, soft, n, ranks.width);
  }
  gradient_of_blocks(sum, scale, row.blocks, row.used);
  minmax_backward(sum, row.scaled, n, range.width);
  for (std::size_t i = 0; i < n; ++i) {
    gradient[static_cast<std::ptrdiff_t>(index_of(row.sorted[i])) * stride] =
        static_cast<Value>(sum[i]);
  }
}

}  // namespace

template <typename Value>
Status soft_rank_backward_row(const Value* values, const Value* by, std::ptrdiff_t stride,
                              std::size_t n, const SoftRankOptions& options,
                              const std::string& where, Value* gradient) {
  if (n == 0) return {};
  if (Status status = check_values(values, stride, n, options.eps, where); !status.ok()) {
    return status;
  }
  const TrimOnExit trim;
  const Range range = options.eps > 0.0 ? range_of(values, stride, n) : Range{0.0, 0.0};
  if (Status status = check_width(range.width, where); !status.ok()) return status;
  if (range.width == 0.0) {
    for (std::size_t i = 0; i < n; ++i) {
      gradient[static_cast<std::ptrdiff_t>(i) * stride] = Value{0};
    }
  } else if (is_one_block(n, options.eps)) {
    affine_backward(values, by, stride, n, range, options, gradient);
  } else {
    pooled_backward(values, by, stride, n, range, options, gradient);
  }
  return {};
}

template Status soft_rank_backward_row(const float*, const float*, std::ptrdiff_t, std::size_t,
                                       const SoftRankOptions&, const std::string&, float*);
template Status soft_rank_backward_row(const double*, const double*, std::ptrdiff_t, std::size_t,
                                       const SoftRankOptions&, const std::string&, double*);

}  // namespace infonet
