#include "column_keys.hpp"

#include <cstring>
#include <limits>

#include "dispatch.hpp"
#include "keys.hpp"

namespace infonet {
namespace {

template <typename T>
inline Key key_of_value(T value) {
  return static_cast<Key>(ordered_key(value) ^ (std::uint64_t{1} << 63));
}
template <>
inline Key key_of_value(float value) {
  return static_cast<std::int32_t>(ordered_key(value) ^ 0x80000000u);
}

// Values may be unaligned.
template <typename T>
inline Key key_at(const char* value) {
  T copy;
  std::memcpy(&copy, value, sizeof copy);
  return key_of_value(copy);
}

template <typename T>
inline KeyRange read_strided(const char* values, std::ptrdiff_t stride, std::size_t n, Key* keys) {
  constexpr Key largest = std::numeric_limits<Key>::max();
  Key low = largest, high = std::numeric_limits<Key>::min(), least = largest;
  for (std::size_t i = 0; i < n; ++i) {
    const Key key = key_at<T>(values + static_cast<std::ptrdiff_t>(i) * stride);
    low = key < low ? key : low;
    high = key > high ? key : high;
    keys[i] = key;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const Key distance = keys[i] ^ -Key{keys[i] < 0};
    const Key other = distance | (largest & -Key{distance == 0});  // in arithmetic, for vectors
    least = other < least ? other : least;
  }
  return {low, high, least};
}

template <typename T>
inline KeyRange read(const InfonetColumn& column, std::size_t n, Key* keys) {
  const char* const values = static_cast<const char*>(column.values);
  if (column.stride == sizeof(T)) return read_strided<T>(values, sizeof(T), n, keys);
  return read_strided<T>(values, column.stride, n, keys);
}

INFONET_VECTOR_CLONES
KeyRange read_floats(const InfonetColumn& column, std::size_t n, Key* keys) {
  return read<float>(column, n, keys);
}

INFONET_VECTOR_CLONES
KeyRange read_doubles(const InfonetColumn& column, std::size_t n, Key* keys) {
  return read<double>(column, n, keys);
}

template <typename Float>
bool beyond_infinity(Key key) {
  constexpr Float infinity = std::numeric_limits<Float>::infinity();
  return key > key_of_value(infinity) || key < key_of_value(-infinity);
}

}  // namespace

Key key_at(const InfonetColumn& column, std::size_t i) {
  const char* const value =
      static_cast<const char*>(column.values) + static_cast<std::ptrdiff_t>(i) * column.stride;
  switch (column.type) {
    case INFONET_FLOAT32:
      return key_at<float>(value);
    case INFONET_FLOAT64:
      return key_at<double>(value);
    case INFONET_INT64:
      return key_at<std::int64_t>(value);
    default:
      return key_at<std::uint64_t>(value);
  }
}

KeyRange read_keys(const InfonetColumn& column, std::size_t n, Key* keys) {
  switch (column.type) {
    case INFONET_FLOAT32:
      return read_floats(column, n, keys);
    case INFONET_FLOAT64:
      return read_doubles(column, n, keys);
    case INFONET_INT64:
      return read<std::int64_t>(column, n, keys);
    default:
      return read<std::uint64_t>(column, n, keys);
  }
}

bool is_nan(const InfonetColumn& column, Key key) {
  if (column.type == INFONET_FLOAT32) return beyond_infinity<float>(key);
  if (column.type == INFONET_FLOAT64) return beyond_infinity<double>(key);
  return false;
}

bool is_float(const InfonetColumn& column) {
  return column.type == INFONET_FLOAT32 || column.type == INFONET_FLOAT64;
}

Compact compact_of(const InfonetColumn& column, const KeyRange& range) {
  const bool has_gap = is_float(column) && range.low <= 0 && range.high >= 0;
  const Compact from_zero{has_gap && range.least > 0 ? range.least - 1 : 0, 0};
  return {from_zero.gap, static_cast<Key>(from_zero(range.low))};
}

}  // namespace infonet
