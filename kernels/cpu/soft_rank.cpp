#include "soft_rank.hpp"

#include "average_rank.hpp"
#include "isotonic.hpp"
#include "keys.hpp"
#include "order.hpp"
#include "scratch.hpp"

namespace infonet {
namespace {

struct Scratch {
  SortScratch sort;
  Buffer<double> values;
  Buffer<Block> blocks;

  void trim() {
    sort.trim(kMostKeptBytes);
    values.trim(kMostKeptBytes);
    blocks.trim(kMostKeptBytes);
  }
};

Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

struct TrimOnExit {
  ~TrimOnExit() { scratch().trim(); }
};

inline float at(const float* values, std::ptrdiff_t stride, std::size_t i) {
  return values[static_cast<std::ptrdiff_t>(i) * stride];
}

void fill(float* ranks, std::ptrdiff_t stride, std::size_t n, double value) {
  for (std::size_t i = 0; i < n; ++i) {
    ranks[static_cast<std::ptrdiff_t>(i) * stride] = static_cast<float>(value);
  }
}

// All values are equal: every rank is (n + 1) / 2.
void rank_constant(std::size_t n, std::ptrdiff_t stride, InfonetNormalize normalize, float* ranks) {
  const double size = static_cast<double>(n);
  fill(ranks, stride, n, normalize == INFONET_OVER_N ? (size + 1) / (2 * size) : 0.5);
}

struct Range {
  double low, width;
  double scaled(float value) const { return (static_cast<double>(value) - low) / width; }
};

Range range_of(const float* values, std::ptrdiff_t stride, std::size_t n) {
  float low = values[0], high = values[0];
  for (std::size_t i = 1; i < n; ++i) {
    const float value = at(values, stride, i);
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  return {low, static_cast<double>(high) - static_cast<double>(low)};
}

// Everything is pooled into one block: soft ranks are values / eps plus a constant. No sort.
void affine_rank(const float* values, std::ptrdiff_t stride, std::size_t n, const Range& range,
                 const SoftRankOptions& options, float* ranks) {
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
        static_cast<float>(range.scaled(at(values, stride, i)) * scale + shift);
  }
}

void pooled_rank(const float* values, std::ptrdiff_t stride, std::size_t n, const Range& range,
                 const SoftRankOptions& options, float* ranks) {
  Item* const items = scratch().sort.front.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    items[i] = make_item(ordered_key(at(values, stride, i)), static_cast<std::uint32_t>(i));
  }
  const Item* const sorted = sort_items(n, scratch().sort);
  double* const soft = scratch().values.reserve(n);
  for (std::size_t i = 0; i < n; ++i)
    soft[i] = range.scaled(at(values, stride, index_of(sorted[i])));
  isotonic_soft_rank(soft, n, options.eps, scratch().blocks.reserve(n));
  double shift = options.normalize == INFONET_MIDRANK ? -0.5 : 0.0;
  double scale = static_cast<double>(n);
  if (options.normalize == INFONET_MINMAX) {
    shift = -soft[0];
    scale = soft[n - 1] - soft[0];
  }
  for (std::size_t i = 0; i < n; ++i) {
    ranks[static_cast<std::ptrdiff_t>(index_of(sorted[i])) * stride] =
        static_cast<float>((soft[i] + shift) / scale);
  }
}

}  // namespace

Status soft_rank_row(const float* values, std::ptrdiff_t stride, std::size_t n,
                     const SoftRankOptions& options, const std::string& where, float* ranks) {
  if (n == 0) return {};
  if (options.eps == 0.0) {
    const InfonetColumn column{values, stride * static_cast<std::ptrdiff_t>(sizeof(float)),
                               INFONET_FLOAT32};
    std::uint8_t ties;
    double entropy;
    return average_rank(column, n, options.normalize, where, ranks, stride, ties, entropy);
  }
  if (Status status = check_values(values, stride, n, where); !status.ok()) return status;
  const TrimOnExit trim;
  const Range range = range_of(values, stride, n);
  if (range.width == 0.0) {
    rank_constant(n, stride, options.normalize, ranks);
  } else if (static_cast<double>(n) * options.eps >= 2.0) {
    // One block if the mean of z over each prefix is at least the mean of all. For a prefix of k
    // that asks mean(values) - mean(prefix) <= eps (n - k) / 2, and the left side is at most
    // (n - k) / n times the range, which is 1 here.
    affine_rank(values, stride, n, range, options, ranks);
  } else {
    pooled_rank(values, stride, n, range, options, ranks);
  }
  return {};
}

}  // namespace infonet
