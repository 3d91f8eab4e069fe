#include "soft_rank.hpp"

#include <algorithm>

#include "average_rank.hpp"
#include "isotonic.hpp"
#include "keys.hpp"
#include "scratch.hpp"
#include "sort.hpp"

namespace infonet {
namespace {

struct Scratch {
  SortScratch sort;
  Buffer<double> scaled, gradient, ranks;
  Buffer<Vertex> vertices;
  Buffer<Block> blocks;

  void trim(std::size_t most_bytes) {
    sort.trim(most_bytes);
    for (Buffer<double>* buffer : {&scaled, &gradient, &ranks}) buffer->trim(most_bytes);
    vertices.trim(most_bytes);
    blocks.trim(most_bytes);
  }
};

Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

struct TrimOnExit {
  ~TrimOnExit() { scratch().trim(kMostKeptBytes); }
};

template <typename Value>
inline Value at(const Value* values, std::ptrdiff_t stride, std::size_t i) {
  return values[static_cast<std::ptrdiff_t>(i) * stride];
}

// No NaN, and for eps > 0 no infinity. `where` names the row in the error.
template <typename Value>
Status check_values(const Value* values, std::ptrdiff_t stride, std::size_t n, double eps,
                    const std::string& where) {
  const Value largest =
      eps > 0.0 ? std::numeric_limits<Value>::max() : std::numeric_limits<Value>::infinity();
  bool bad = false;
  for (std::size_t i = 0; i < n; ++i) bad |= !(std::fabs(at(values, stride, i)) <= largest);
  if (!bad) return {};
  std::size_t i = 0;
  while (std::fabs(at(values, stride, i)) <= largest) ++i;
  const std::string got = std::isnan(at(values, stride, i)) ? "NaN" : "an infinity";
  const std::string fix = eps > 0.0 ? "with eps > 0 every value must be finite"
                                    : "NaN has no rank: remove or replace it first";
  return Status::invalid("values: " + got + " at " + where + "index " + std::to_string(i) + "; " +
                         fix);
}

// For eps > 0: the largest value less the smallest is a finite double.
Status check_width(double width, const std::string& where) {
  if (width <= std::numeric_limits<double>::max()) return {};
  return Status::invalid("values: " + where +
                         "the largest less the smallest exceeds the largest double; "
                         "with eps > 0 halve the values first");
}

template <typename Value>
inline Range range_of(const Value* values, std::ptrdiff_t stride, std::size_t n) {
  Value low = values[0], high = values[0];
  for (std::size_t i = 1; i < n; ++i) {
    const Value value = at(values, stride, i);
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  return {static_cast<double>(low), static_cast<double>(high) - static_cast<double>(low)};
}

// By value, then by index. The items stay valid until the next use of `scratch`.
const Item* sort_values(const float* values, std::ptrdiff_t stride, std::size_t n,
                        SortScratch& scratch) {
  Item* const items = scratch.front.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    items[i] = make_item(ordered_key(at(values, stride, i)), static_cast<std::uint32_t>(i));
  }
  return sort_items(n, scratch);
}

const Item* sort_values(const double* values, std::ptrdiff_t stride, std::size_t n,
                        SortScratch& scratch) {
  Item* const items = scratch.front.reserve(n);
  for (std::size_t i = 0; i < n; ++i) items[i] = make_item(0, static_cast<std::uint32_t>(i));
  std::sort(items, items + n, [=](Item a, Item b) {
    const double left = at(values, stride, index_of(a)), right = at(values, stride, index_of(b));
    return left != right ? left < right : a < b;
  });
  return items;
}

// The value of an item of the sorted row: a float is in its key, which saves going to its place.
float value_of(Item item, const float*, std::ptrdiff_t) { return key_value(key_of(item)); }
double value_of(Item item, const double* values, std::ptrdiff_t stride) {
  return at(values, stride, index_of(item));
}

// A row in ascending order: index_of(sorted[i]) is the place of scaled[i] in the row.
struct PooledRow {
  const Item* sorted;
  double* scaled;  // [n]
  const Block* blocks;
  std::size_t used;
};

// Sort, scale and pool a row of float or double. The result lies in `scratch`.
template <typename Value>
PooledRow pool_row(const Value* values, std::ptrdiff_t stride, std::size_t n, const Range& range,
                   double eps, Scratch& scratch) {
  const Item* const sorted = sort_values(values, stride, n, scratch.sort);
  double* const scaled = scratch.scaled.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    scaled[i] = range.scaled(value_of(sorted[i], values, stride));
  }
  Block* const blocks = scratch.blocks.reserve(n);
  Vertex* const vertices = scratch.vertices.reserve(n);
  return {sorted, scaled, blocks, pool_adjacent_violators(scaled, n, eps, vertices, blocks)};
}

InfonetType type_of(const float*) { return INFONET_FLOAT32; }
InfonetType type_of(const double*) { return INFONET_FLOAT64; }

// All values are equal: every rank is (n + 1) / 2.
template <typename Value>
void rank_constant(std::size_t n, std::ptrdiff_t stride, InfonetNormalize normalize, Value* ranks) {
  const double rank = constant_rank(static_cast<double>(n), normalize);
  for (std::size_t i = 0; i < n; ++i) {
    ranks[static_cast<std::ptrdiff_t>(i) * stride] = static_cast<Value>(rank);
  }
}

// Everything is pooled into one block: soft ranks are values / eps plus a constant. No sort.
template <typename Value>
void affine_rank(const Value* values, std::ptrdiff_t stride, std::size_t n, const Range& range,
                 const RankOptions& options, Value* ranks) {
  const double size = static_cast<double>(n);
  double mean = 0.0;
  if (options.normalize != INFONET_MINMAX) {
    for (std::size_t i = 0; i < n; ++i) mean += range.scaled(at(values, stride, i));
    mean /= size;
  }
  const AffineMap map = affine_map(mean, size, options);
  for (std::size_t i = 0; i < n; ++i) {
    ranks[static_cast<std::ptrdiff_t>(i) * stride] =
        static_cast<Value>(map(range.scaled(at(values, stride, i))));
  }
}

template <typename Value>
void pooled_rank(const Value* values, std::ptrdiff_t stride, std::size_t n, const Range& range,
                 const RankOptions& options, Value* ranks) {
  const PooledRow row = pool_row(values, stride, n, range, options.eps, scratch());
  double* const soft = row.scaled;
  ranks_of_blocks(soft, options.eps, row.blocks, row.used);
  const Normalizer normal =
      normalizer(options.normalize, static_cast<double>(n), soft[0], soft[n - 1]);
  for (std::size_t i = 0; i < n; ++i) {
    ranks[static_cast<std::ptrdiff_t>(index_of(row.sorted[i])) * stride] =
        static_cast<Value>(normal(soft[i]));
  }
}

// Through scaled = (value - low) / width with low and high = low + width the extreme values: the
// gradient by the values from that by `scaled`, in its place. Values tied at an extreme share its
// part evenly.
void minmax_backward(double* gradient, const double* scaled, std::size_t n, double width) {
  EndSums ends{0.0, 0.0, 0, 0};
  for (std::size_t i = 0; i < n; ++i) ends.add(gradient[i], scaled[i]);
  const EndShares shares = shares_of(ends);
  for (std::size_t i = 0; i < n; ++i) gradient[i] = unscaled(gradient[i], scaled[i], shares, width);
}

// Soft ranks are scaled values / eps plus a constant, which the minmax normalisation undoes.
template <typename Value>
void affine_backward(const Value* values, const Value* by, std::ptrdiff_t stride, std::size_t n,
                     const Range& range, const RankOptions& options, Value* gradient) {
  double* const scaled = scratch().scaled.reserve(n);
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
                     const Range& range, const RankOptions& options, Value* gradient) {
  const PooledRow row = pool_row(values, stride, n, range, options.eps, scratch());
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
Status soft_rank_row(const Value* values, std::ptrdiff_t stride, std::size_t n,
                     const RankOptions& options, const std::string& where, Value* ranks) {
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

template Status soft_rank_row(const float*, std::ptrdiff_t, std::size_t, const RankOptions&,
                              const std::string&, float*);
template Status soft_rank_row(const double*, std::ptrdiff_t, std::size_t, const RankOptions&,
                              const std::string&, double*);

template <typename Value>
Status soft_rank_backward_row(const Value* values, const Value* by, std::ptrdiff_t stride,
                              std::size_t n, const RankOptions& options, const std::string& where,
                              Value* gradient) {
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
                                       const RankOptions&, const std::string&, float*);
template Status soft_rank_backward_row(const double*, const double*, std::ptrdiff_t, std::size_t,
                                       const RankOptions&, const std::string&, double*);

}  // namespace infonet
