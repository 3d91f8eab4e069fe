// Keys of floats, for sorting, and back.
#pragma once

#include <cstdint>
#include <cstring>

#include "portable.hpp"

namespace infonet {

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

// As ordered_key of cpu/keys.hpp: unsigned order is the order of the values, -0.0 ties with 0.0.
INFONET_HD std::uint32_t float_key(float value) {
  const std::uint32_t bits = bits_of(value);
  if (bits == 0x80000000u) return 0x80000000u;
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

INFONET_HD float key_value(std::uint32_t key) {
  return float_of(key & 0x80000000u ? key & 0x7fffffffu : ~key);
}

// The keys that a row may have: no NaN, and for soft ranks no infinity.
INFONET_HD bool is_allowed(std::uint32_t key, bool finite) {
  return finite ? key > 0x007fffffu && key < 0xff800000u : key >= 0x007fffffu && key <= 0xff800000u;
}

}  // namespace infonet
