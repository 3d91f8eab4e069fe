// Unsigned integers that order as values do, for sorting; and back for floats.
#pragma once

#include <cstdint>
#include <cstring>

#include "portable.hpp"

namespace infonet {

// Floats: negative values are complemented, positive ones get the top bit, and -0.0 ties with 0.0.
// Works on bits alone, so that no floating-point mode can flush a denormal. A NaN's key lies
// beyond those of the infinities.
template <typename Bits, typename Float>
INFONET_HD Bits ordered_bits(Float value) {
  static_assert(sizeof(Bits) == sizeof(Float), "a key has the bits of its value");
  constexpr Bits top = Bits{1} << (8 * sizeof(Bits) - 1);
  Bits bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits = bits == top ? Bits{0} : bits;
  return bits & top ? static_cast<Bits>(~bits) : bits | top;
}

INFONET_HD std::uint32_t ordered_key(float value) { return ordered_bits<std::uint32_t>(value); }
INFONET_HD std::uint64_t ordered_key(double value) { return ordered_bits<std::uint64_t>(value); }
INFONET_HD std::uint64_t ordered_key(std::uint64_t value) { return value; }
INFONET_HD std::uint64_t ordered_key(std::int64_t value) {
  return static_cast<std::uint64_t>(value) ^ (std::uint64_t{1} << 63);
}

INFONET_HD std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

INFONET_HD float float_of(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// The value of a float's key.
INFONET_HD float key_value(std::uint32_t key) {
  return float_of(key & 0x80000000u ? key & 0x7fffffffu : ~key);
}

// The keys that a row may have: no NaN, and for soft ranks no infinity.
INFONET_HD bool is_allowed(std::uint32_t key, bool finite) {
  return finite ? key > 0x007fffffu && key < 0xff800000u : key >= 0x007fffffu && key <= 0xff800000u;
}

}  // namespace infonet
