#include "soft_rank.hpp"

#include "isotonic.hpp"
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

// The end (exclusive) of the run of equal values that starts at position i.
inline std::size_t run_end(const Item* sorted, std::size_t n, std::size_t i) {
  const std::uint32_t key = key_of(sorted[i]);
  do ++i;
  while (i < n && key_of(sorted[i]) == key);
  return i;
}

// Twice the mean rank of the run of positions [i, j) is i + j + 1, so that each normalised rank
// is (i + j + shift) / scale in exact integers, rounded once.
void average_rank(const float* values, std::ptrdiff_t stride, std::size_t n,
                  InfonetNormalize normalize, float* ranks) {
  const Item* const sorted = sort_values(values, stride, n, scratch().sort);
  double shift = normalize == INFONET_OVER_N ? 1.0 : 0.0;
  double scale = 2.0 * static_cast<double>(n);
  if (normalize == INFONET_MINMAX) {
    const std::size_t first_end = run_end(sorted, n, 0);
    std::size_t last_start = n - 1;
    while (last_start > 0 && key_of(sorted[last_start - 1]) == key_of(sorted[n - 1])) --last_start;
    if (first_end == n) return rank_constant(n, stride, normalize, ranks);
    shift = -static_cast<double>(first_end);
    scale = static_cast<double>(last_start + n - first_end);
  }
  for (std::size_t i = 0; i < n;) {
    const std::size_t end = run_end(sorted, n, i);
    const float rank = static_cast<float>((static_cast<double>(i + end) + shift) / scale);
    for (; i < end; ++i) ranks[static_cast<std::ptrdiff_t>(index_of(sorted[i])) * stride] = rank;
  }
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
  const Item* const sorted = sort_values(values, stride, n, scratch().sort);
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
  const bool soft = options.eps > 0.0;
  if (Status status = check_values(values, stride, n, soft, where); !status.ok()) return status;
  const TrimOnExit trim;
  if (!soft) {
    average_rank(values, stride, n, options.normalize, ranks);
    return {};
  }
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
