#include "soft_rank.hpp"

#include "average_rank.hpp"
#include "pooled_row.hpp"
#include "scratch.hpp"

namespace infonet {
namespace {

PoolScratch& scratch() {
  thread_local PoolScratch instance;
  return instance;
}

struct TrimOnExit {
  ~TrimOnExit() { scratch().trim(kMostKeptBytes); }
};

InfonetType type_of(const float*) { return INFONET_FLOAT32; }
InfonetType type_of(const double*) { return INFONET_FLOAT64; }

// All values are equal: every rank is (n + 1) / 2.
template <typename Value>
void rank_constant(std::size_t n, std::ptrdiff_t stride, InfonetNormalize normalize, Value* ranks) {
  const double size = static_cast<double>(n);
  const double rank = normalize == INFONET_OVER_N ? (size + 1) / (2 * size) : 0.5;
  for (std::size_t i = 0; i < n; ++i) {
    ranks[static_cast<std::ptrdiff_t>(i) * stride] = static_cast<Value>(rank);
  }
}

// Everything is pooled into one block: soft ranks are values / eps plus a constant. No sort.
template <typename Value>
void affine_rank(const Value* values, std::ptrdiff_t stride, std::size_t n, const Range& range,
                 const SoftRankOptions& options, Value* ranks) {
  const double size = static_cast<double>(n);
  double shift = 0.0, scale = 1.0;
  if (options.normalize != INFONET_MINMAX) {
    double mean = 0.0;
    for (std::size_t i = 0; i < n; ++i) mean += range.scaled(at(values, stride, i));
    mean /= size;
    const double middle = options.normalize == INFONET_MIDRANK ? size / 2 : (size + 1) / 2;
    scale = 1.0 / (options.eps * size);
    shift = middle / size - mean * scale;
  }
  for (std::size_t i = 0; i < n; ++i) {
    ranks[static_cast<std::ptrdiff_t>(i) * stride] =
        static_cast<Value>(range.scaled(at(values, stride, i)) * scale + shift);
  }
}

template <typename Value>
void pooled_rank(const Value* values, std::ptrdiff_t stride, std::size_t n, const Range& range,
                 const SoftRankOptions& options, Value* ranks) {
  const PooledRow row = pool_row(values, stride, n, range, options.eps, scratch());
  double* const soft = row.scaled;
  ranks_of_blocks(soft, options.eps, row.blocks, row.used);
  double shift = options.normalize == INFONET_MIDRANK ? -0.5 : 0.0;
  double scale = static_cast<double>(n);
  if (options.normalize == INFONET_MINMAX) {
    shift = -soft[0];
    scale = soft[n - 1] - soft[0];
  }
  for (std::size_t i = 0; i < n; ++i) {
    ranks[static_cast<std::ptrdiff_t>(index_of(row.sorted[i])) * stride] =
        static_cast<Value>((soft[i] + shift) / scale);
  }
}

}  // namespace

template <typename Value>
Status soft_rank_row(const Value* values, std::ptrdiff_t stride, std::size_t n,
                     const SoftRankOptions& options, const std::string& where, Value* ranks) {
  if (n == 0) return {};
  if (options.eps == 0.0) {
    const InfonetColumn column{values, stride * static_cast<std::ptrdiff_t>(sizeof(Value)),
                               type_of(values)};
    std::uint8_t ties;
    double entropy;
    return average_rank(column, n, options.normalize, where, ranks, stride, ties, entropy);
  }
  if (Status status = check_values(values, stride, n, options.eps, where); !status.ok()) {
    return status;
  }
  const TrimOnExit trim;
  const Range range = range_of(values, stride, n);
  if (Status status = check_width(range.width, where); !status.ok()) return status;
  if (range.width == 0.0) {
    rank_constant(n, stride, options.normalize, ranks);
  } else if (is_one_block(n, options.eps)) {
    affine_rank(values, stride, n, range, options, ranks);
  } else {
    pooled_rank(values, stride, n, range, options, ranks);
  }
  return {};
}

template Status soft_rank_row(const float*, std::ptrdiff_t, std::size_t, const SoftRankOptions&,
                              const std::string&, float*);
template Status soft_rank_row(const double*, std::ptrdiff_t, std::size_t, const SoftRankOptions&,
                              const std::string&, double*);

}  // namespace infonet
