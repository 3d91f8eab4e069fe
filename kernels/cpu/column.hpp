// Columns of values of any type, read as keys of one type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "infonet/kernels.h"

namespace infonet {

// Orders as the values do, exactly; equal values have equal keys.
using Key = std::uint64_t;

struct KeyRange {
  Key low = std::numeric_limits<Key>::max();
  Key high = 0;
};

// The key of value i.
Key key_at(const InfonetColumn& column, std::size_t i);

// The keys of all n values; returns the smallest and the largest.
KeyRange read_keys(const InfonetColumn& column, std::size_t n, Key* keys);

// Whether the value of a key is a NaN. NaNs have the smallest and the largest keys of a column.
bool is_nan(const InfonetColumn& column, Key key);

}  // namespace infonet
