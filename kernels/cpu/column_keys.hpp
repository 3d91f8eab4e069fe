// The values of a column of any type as whole numbers that order as they do.
#pragma once

#include <cstddef>
#include <cstdint>

#include "infonet/kernels.h"

namespace infonet {

// Orders as the values do, exactly; equal values have equal keys, and 0 has the key 0.
using Key = std::int64_t;

// The smallest and the largest key, and the smallest distance from 0 but 0 itself.
// Without default values: clang leaves out a constructor that only target_clones use.
struct KeyRange {
  Key low, high, least;
};

// The keys of all n values.
KeyRange read_keys(const InfonetColumn& column, std::size_t n, Key* keys);

// The key of value i.
Key key_at(const InfonetColumn& column, std::size_t i);

// Whether the value of a key is a NaN. NaNs have the smallest and the largest keys of a column.
bool is_nan(const InfonetColumn& column, Key key);

bool is_float(const InfonetColumn& column);

// Keys from 0 on, without those between 0 and the values that are nearest to it: floats lie ever
// closer there, so that these are most of all keys, and no value has them.
struct Compact {
  Key gap, low;

  std::uint64_t operator()(Key key) const {
    const Key nearer = key - (key > 0 ? gap : 0) + (key < 0 ? gap : 0);
    return static_cast<std::uint64_t>(nearer) - static_cast<std::uint64_t>(low);
  }
};

Compact compact_of(const InfonetColumn& column, const KeyRange& range);

}  // namespace infonet
