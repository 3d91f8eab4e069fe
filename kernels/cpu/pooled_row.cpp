#include "pooled_row.hpp"

#include <algorithm>
#include <cstdint>

#include "float_key.hpp"
#include "keys.hpp"

namespace infonet {
namespace {

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

}  // namespace

template <typename Value>
PooledRow pool_row(const Value* values, std::ptrdiff_t stride, std::size_t n, const Range& range,
                   double eps, PoolScratch& scratch) {
  const Item* const sorted = sort_values(values, stride, n, scratch.sort);
  double* const scaled = scratch.scaled.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    scaled[i] = range.scaled(value_of(sorted[i], values, stride));
  }
  Block* const blocks = scratch.blocks.reserve(n);
  Vertex* const vertices = scratch.vertices.reserve(n);
  return {sorted, scaled, blocks, pool_adjacent_violators(scaled, n, eps, vertices, blocks)};
}

template PooledRow pool_row(const float*, std::ptrdiff_t, std::size_t, const Range&, double,
                            PoolScratch&);
template PooledRow pool_row(const double*, std::ptrdiff_t, std::size_t, const Range&, double,
                            PoolScratch&);

}  // namespace infonet
